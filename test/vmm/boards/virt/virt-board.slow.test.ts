// SPDX-License-Identifier: MIT
// Machines of the board `virt`, with small programs that print their observations through
// the PL011.

import { afterEach, describe, expect, it } from 'vitest';
import { Host, type Machine, serveGdb } from '../../../../vmm/api/index.ts';
import {
  type StaleInstruction,
  type VirtBoardOptions,
  virtBoard,
} from '../../../../vmm/boards/virt/index.ts';
import {
  AWAITS_INPUT,
  BUSY,
  ECHO,
  FAULTS,
  HELLO,
  IDLE,
  RESET,
  STALE,
  semihosted,
  testdev,
  timer,
  UNKNOWN_RECORDS,
  UNKNOWN_REGISTERS,
} from './virt-programs.ts';

/** How a guest without vectors ends. */
const LOOP = /^vCPU 0 takes an exception at its own exception vector 0x200, again and again: /;
const ASLEEP = 'all vCPUs wait for an interrupt that cannot come: no timer runs, no device has one';

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

interface Run {
  readonly machine: Machine;
  output(): string;
}

/** A machine at the first instruction of a program. */
async function bootProgram(
  guest: Uint8Array<ArrayBuffer>,
  own: VirtBoardOptions = {},
  memory = 16,
): Promise<Run> {
  host = await Host.create();
  const machine = await host.createMachine({ guest, board: virtBoard(own), memory, seed: 1 });
  let text = '';
  machine.on('output', (bytes) => {
    text += String.fromCharCode(...bytes);
  });
  await machine.boot({ paused: true });
  return { machine, output: () => text };
}

async function run(guest: Uint8Array<ArrayBuffer>): Promise<string> {
  const { machine, output } = await bootProgram(guest);
  for (let turn = 0; turn < 4 && machine.status === 'paused'; turn++) await machine.step();
  expect(machine.status).toBe('off');
  return output();
}

describe('a machine of the board virt', () => {
  it('prints through its UART, and powers off by PSCI', async () => {
    expect(await run(HELLO)).toBe('hello\n');
  });

  it('runs by itself until it is off', async () => {
    const { machine, output } = await bootProgram(HELLO);
    machine.resume();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode: 0 });
    expect(output()).toBe('hello\n');
  });

  // Asleep, MSR DAIFClr comes before the interrupt; awake, the interrupt comes at its
  // very instruction.
  it.each([
    ['asleep', 'A21'],
    ['awake', 'A11'],
  ] as const)('takes the interrupt of its timer in time, %s', async (wait, printed) => {
    expect(await run(timer(wait))).toBe(printed);
  });

  it('sleeps without executing anything', async () => {
    const { machine } = await bootProgram(timer('asleep'));
    await machine.step();
    expect(machine.statistics.exits.byKind.wait).toBe(1);
  });

  it('sleeps until its timer, when it is to wait', async () => {
    const { machine, output } = await bootProgram(timer('asleep'), { sleep: 'wait' });
    const before = performance.now();
    expect([await machine.step(), machine.idle]).toEqual(['paused', true]);
    machine.resume();
    expect(await machine.wait()).toMatchObject({ status: 'off' });
    expect(performance.now() - before).toBeGreaterThanOrEqual(0.4);
    expect(output()).toBe('A21');
  });

  it('has external aborts where no device is, and UNDEFINED for what it has not', async () => {
    // 0x25: data abort of EL1; 0x10: external abort, 0x50: of a write. 0: unknown.
    expect(await run(FAULTS)).toBe('U@U\x80000000');
  });

  it('traces system registers that there are not, by name', async () => {
    host = await Host.create();
    const traced: unknown[] = [];
    const machine = await host.createMachine({
      guest: UNKNOWN_REGISTERS,
      board: virtBoard(),
      memory: 16,
      onTrace: (source, event) => {
        if (event.name.startsWith('unknown')) traced.push([source, event]);
      },
    });
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off' });
    expect(traced).toEqual(UNKNOWN_RECORDS);
  });

  it.each([
    ['SYS_EXIT', semihosted(0x18, 0x20026, 0), 0],
    ['SYS_EXIT', semihosted(0x18, 0x20026, 3), 3],
    ['SYS_EXIT after another reason', semihosted(0x18, 0x20023, 0), 1],
    ['SYS_EXIT with a reason alone', semihosted(0x18, 0x20026, 0, false), 0],
    ['SYS_EXIT with another reason alone', semihosted(0x18, 0x20024, 0, false), 1],
    ['SYS_EXIT_EXTENDED', semihosted(0x20, 0x20026, 0xffffffff), -1],
  ])('ends and prints by semihosting: %s', async (_, guest, exitCode) => {
    const { machine, output } = await bootProgram(guest, { semihosting: true });
    machine.resume();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode });
    expect(output()).toBe('hi!n');
  });

  it.each([
    // HLT is then undefined, and there is no vector for that.
    ['where it is not enabled', semihosted(0x20, 0x20026, 0), {}, 'stopped'],
    [
      'for SYS_EXIT_EXTENDED without a block',
      semihosted(0x20, 0x20026, 0, false),
      { semihosting: true },
      'paused',
    ],
  ])('does not end by semihosting %s', async (_, guest, own, status) => {
    const { machine, output } = await bootProgram(guest, own);
    expect(await machine.step()).toBe(status);
    expect(output()).toBe('semihosting' in own ? 'hi!n' : '');
    if (status === 'stopped') expect((await machine.wait()).reason).toMatch(LOOP);
  });

  it.each([
    ['0q', 0],
    ['38q', 38],
    ['no, 7q', 7],
  ])('ends by the console of tests: %j', async (commands, exitCode) => {
    const { machine } = await bootProgram(testdev(commands), { testdev: true });
    machine.resume();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode });
    // After a reset the machine is as before, and ends in the same way.
    await machine.reset();
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode });
  });

  it.each([
    ['no command', testdev('7'), { testdev: true }, 'paused'],
    // The accesses are external aborts, and there is no vector for these.
    ['a command where there is no such console', testdev('7q'), {}, 'stopped'],
  ])('does not end by %s', async (_, guest, own, status) => {
    const { machine } = await bootProgram(guest, own);
    expect(await machine.step()).toBe(status);
    if (status === 'stopped') expect((await machine.wait()).reason).toMatch(LOOP);
  });

  it('reports which instruction is stored and executed without IC and ISB', async () => {
    const found: StaleInstruction[] = [];
    const { machine } = await bootProgram(STALE, {
      onStaleInstruction: (one) => found.push(one),
    });
    machine.resume();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode: 0 });
    const at = found[0]?.storePc ?? 0n;
    const [store, fetch] = [at, at + 0xe0n].map((pc) => `0x${pc.toString(16)}`);
    expect(found).toEqual([
      {
        storePc: at,
        fetchPc: at + 0xe0n,
        missing: 'IC',
        text: `the instruction at ${fetch} is executed after a store to it at ${store} without IC and ISB`,
      },
    ]);
    expect(at % 0x1000n).toBe(0x20n);
  });

  it('is reset by PSCI: RAM, devices and vCPU', async () => {
    const { machine, output } = await bootProgram(RESET);
    for (let i = 0; i < 3; i++) {
      expect(await machine.step()).toBe('paused');
      expect(machine.readRegister('pl011', 0x24)?.lo).toBe(0);
    }
    expect(output()).toBe('RRR');
  });

  it('accepts console input', async () => {
    const { machine, output } = await bootProgram(ECHO);
    expect(await machine.step(0.01)).toBe('paused');
    machine.write('a');
    expect(await machine.step()).toBe('off');
    expect(output()).toBe('b');
  });

  it('is idle while only input can wake it, and stops', async () => {
    const { machine } = await bootProgram(AWAITS_INPUT);
    await machine.step();
    expect([machine.idle, machine.status]).toEqual([true, 'paused']);
    await machine.stop('enough');
    expect(await machine.wait()).toMatchObject({ status: 'stopped', reason: 'enough' });
  });

  it.each(['skip', 'wait'] as const)(
    'ends when all its vCPUs sleep and nothing can wake them (%s)',
    async (sleep) => {
      const { machine } = await bootProgram(IDLE, { sleep });
      machine.resume();
      expect(await machine.wait()).toEqual({ status: 'stopped', exitCode: 0, reason: ASLEEP });
    },
  );

  it.each(['skip', 'wait'] as const)(
    'that waits for input ends when there is no more, and not before (%s)',
    async (sleep) => {
      const { machine, output } = await bootProgram(AWAITS_INPUT, { sleep });
      machine.resume();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(machine.status).toBe('running');
      machine.endInput();
      expect(await machine.wait()).toMatchObject({ status: 'stopped', reason: ASLEEP });
      const again = await bootProgram(AWAITS_INPUT, { sleep });
      again.machine.endInput();
      again.machine.write('W');
      again.machine.resume();
      expect(await again.machine.wait()).toMatchObject({ status: 'off' });
      expect([output(), again.output()]).toEqual(['', 'W']);
    },
  );

  it('does not end while its timer is to come, or a debugger', async () => {
    expect(await run(timer('asleep'))).toBe('A21');
    const { machine } = await bootProgram(IDLE);
    const gdb = await serveGdb(machine);
    machine.resume();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(machine.status).toBe('running');
    await gdb.close();
    expect(await machine.wait()).toMatchObject({ status: 'stopped', reason: ASLEEP });
  });

  it('stops while it runs', async () => {
    const { machine } = await bootProgram(BUSY);
    machine.resume();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await machine.stop('enough');
    expect(machine.status).toBe('stopped');
  });

  it('boots again after a reset of its host', async () => {
    const { machine, output } = await bootProgram(HELLO);
    await machine.step();
    await machine.reset();
    await machine.boot();
    await machine.wait();
    expect(output()).toBe('hello\nhello\n');
  });

  it('starts its clock at the given time', async () => {
    const { machine } = await bootProgram(HELLO, { epoch: 1234567890 });
    expect(machine.readRegister('pl031', 0)?.lo).toBe(1234567890);
  });

  it.each([
    [{ memory: 3 }, {}, 'memory must be a multiple of 2 MiB, at most 3072 MiB, not 3 MiB'],
    [
      { transport: 'mailbox' as const },
      { translate: true },
      'code is translated for vCPUs that run inline',
    ],
    [
      { transport: 'mailbox' as const },
      { onStaleInstruction: () => undefined },
      'the instruction cache is checked for vCPUs that run inline',
    ],
  ])('refuses %j with %j', async (options, own, message) => {
    host = await Host.create();
    const made = host.createMachine({ guest: HELLO, board: virtBoard(own), ...options });
    await expect(made).rejects.toThrow(message);
  });
});
