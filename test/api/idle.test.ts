// SPDX-License-Identifier: MIT
// A machine whose guest is idle is not polled until something wakes it. The clock of
// timed waits is stopped here, so whatever continues was woken.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RUN_IDLE } from '../../assembly/layout/guest-abi.ts';
import { Progress } from '../../cli/progress.ts';
import { runMachines } from '../../cli/run-machines.ts';
import { type DescribedDevice, defineDevice } from '../../devices/plugin/index.ts';
import { IdleWait } from '../../vmm/api/idle-wait.ts';
import { Host, type Machine } from '../../vmm/api/index.ts';
import { IsolationOracle } from '../../vmm/report/isolation-oracle.ts';
import { reactor } from '../support/wat.ts';

const TURNS = 0x100000;
/** Counts its turns, and never has work. */
const IDLE = reactor(`(func $run (param i32) (result i32)
  (i32.store (i32.const ${TURNS}) (i32.add (i32.load (i32.const ${TURNS})) (i32.const 1)))
  (i32.const ${RUN_IDLE}))`);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Resolves when everything that only waits for its turn on this thread has run. */
async function pendingTurns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the wait of an idle machine', () => {
  it('grows from 1 to 64 ms, and starts again after work', async () => {
    const wait = new IdleWait();
    const waited: number[] = [];
    for (let i = 0; i < 9; i++) {
      if (i === 8) await wait.busy();
      const idle = wait.idle(Number.POSITIVE_INFINITY).then(() => waited.push(Date.now()));
      const before = vi.getTimerCount();
      expect(before).toBe(1);
      let ms = 0;
      for (; vi.getTimerCount() > 0; ms++) await vi.advanceTimersByTimeAsync(1);
      await idle;
      waited[i] = ms;
    }
    expect(waited).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 1]);
  });

  it('lasts at most until the next timer, and ends when it is woken, with no timer left', async () => {
    const wait = new IdleWait();
    for (let i = 0; i < 5; i++) await Promise.all([wait.idle(9), vi.advanceTimersByTimeAsync(9)]);
    const woken = wait.idle(Number.POSITIVE_INFINITY);
    wait.wake();
    await woken;
    expect(vi.getTimerCount()).toBe(0);
    // Nothing waits yet.
    wait.wake();
  });
});

describe('the machines of vsmmu boot', () => {
  it('continue at once after input, while they are idle', async () => {
    const host = await Host.create({ vintfs: 4 });
    try {
      const machines = [
        await host.createMachine({ guest: IDLE, memory: 2 }),
        await host.createMachine({ guest: IDLE, memory: 2 }),
      ];
      for (const machine of machines) await machine.boot({ paused: true });
      const turns = () => machines.map(({ memory }) => new Uint8Array(memory.buffer)[TURNS] ?? 0);
      const ran = runMachines(
        machines,
        new IsolationOracle(),
        new Progress({ write: () => 0 }, false),
      );
      await pendingTurns();
      const before = turns();
      await pendingTurns();
      expect(turns()).toEqual(before);
      machines[1]?.write('x');
      await pendingTurns();
      expect(turns()).toEqual(before.map((count) => count + 1));
      for (const machine of machines) await machine.stop('enough');
      await vi.advanceTimersByTimeAsync(100);
      await ran;
    } finally {
      await host.destroy();
    }
  });
});

describe('an idle machine', () => {
  /** A machine that waits, and the number of turns of its guest. */
  async function idleMachine(
    use: (machine: Machine, turns: () => number, raise: () => void) => Promise<void>,
  ) {
    let device: Pick<DescribedDevice, 'interruptLine'> | undefined;
    const button = defineDevice({
      name: 'button',
      kind: 'butn',
      interrupts: 1,
      registers: { NONE: { offset: 0 } },
      reset: (_, own) => {
        device = own;
      },
    });
    const host = await Host.create({ vintfs: 4 });
    try {
      const machine = await host.createMachine({ guest: IDLE, devices: [button] });
      const turns = () => new Uint8Array(machine.memory.buffer)[TURNS] ?? 0;
      await machine.boot();
      await pendingTurns();
      await use(machine, turns, () => device?.interruptLine(0).pulse());
    } finally {
      await host.destroy();
    }
  }

  it('has no turn while nothing happens', () =>
    idleMachine(async (_, turns) => {
      const before = turns();
      expect(before).toBeGreaterThan(0);
      await pendingTurns();
      expect(turns()).toBe(before);
    }));

  it('has its turn at once when there is input', () =>
    idleMachine(async (machine, turns) => {
      const before = turns();
      machine.write('x');
      await pendingTurns();
      expect(turns()).toBe(before + 1);
    }));

  it('has its turn at once when a device raises an interrupt', () =>
    idleMachine(async (_, turns, raise) => {
      const before = turns();
      raise();
      await pendingTurns();
      expect(turns()).toBe(before + 1);
    }));

  it('stops at once', () =>
    idleMachine(async (machine) => {
      await machine.stop();
      expect(machine.status).toBe('stopped');
    }));
});
