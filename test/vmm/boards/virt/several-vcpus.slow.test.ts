// SPDX-License-Identifier: MIT
// Machines of the board `virt` with several vCPUs, with small programs that print their
// observations.

import { afterEach, describe, expect, it } from 'vitest';
import { Host } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { LOCK_ROUNDS, lockResults, QUEUED_LOCK } from './queued-lock.ts';
import { POWER, SGIS, STARVE, STREAMS, SUSPEND, waitForEvent } from './several-vcpu-programs.ts';
import { CODE, COUNTERS, invalidate, lock, TLBIS } from './shared-memory-programs.ts';

let host: Host | undefined;
afterEach(async () => {
  await host?.destroy();
  host = undefined;
});

/** Output of a program before it powers off, and its exits. */
async function run(guest: Uint8Array<ArrayBuffer>, vcpus: number, budget = 1) {
  await host?.destroy();
  host = await Host.create();
  const board = virtBoard({ epoch: 0 });
  const machine = await host.createMachine({ guest, board, vcpus, memory: 16, seed: 1 });
  let printed = '';
  machine.on('output', (bytes) => {
    printed += String.fromCharCode(...bytes);
  });
  await machine.boot({ paused: true });
  let steps = 0;
  for (; steps < 400 / budget && machine.status === 'paused'; steps++) await machine.step(budget);
  expect(machine.status).toBe('off');
  return { printed, steps, exits: machine.statistics.exits, machine };
}

describe('PSCI', () => {
  it('starts and stops vCPUs; the machine is off with the last one', async () => {
    // CPU_ON of itself, of two that do not exist, at two invalid addresses;
    // AFFINITY_INFO: off.
    const refused = '422991';
    // CPU_ON, its vCPU and context; on, and CPU_ON of it again; off, and CPU_ON; the
    // other one is off.
    expect((await run(POWER, 2)).printed).toBe(`${refused}01x04101`);
  });

  it('CPU_SUSPEND returns at the next interrupt', async () => {
    const { printed, exits } = await run(SUSPEND, 1);
    expect(printed).toBe('012');
    expect(exits.byKind.wait).toBe(1);
  });
});

describe('interrupts and events', () => {
  it('an SGI reaches the vCPUs that it names, asleep or not', async () => {
    const { printed } = await run(SGIS, 4);
    expect([printed.slice(0, 2), printed.slice(2).match(/../g)?.sort()]).toEqual([
      '31',
      ['12', '22', '32'],
    ]);
  });

  it('SEV ends the WFE of another vCPU, and time does without it', async () => {
    expect((await run(waitForEvent('sev'), 2)).printed).toBe('S');
    expect((await run(waitForEvent('none'), 2)).printed).toBe('T');
  });

  it('a sleeping vCPU wakes in time while three others spin', async () => {
    // 'z' would be 4,736 ticks or more: a turn of another vCPU is longer.
    const { printed } = await run(STARVE, 4);
    expect(printed).toHaveLength(3);
    expect(printed).not.toContain('z');
  });
});

describe('a WFE that an event of the stream ends', () => {
  it('ends in time, and the vCPUs that it interrupts keep their turns', async () => {
    expect((await run(STREAMS, 4)).printed).toBe('F0');
  });
});

describe('memory that vCPUs share', () => {
  it('counters of exclusives and of LSE atomics are exact', async () => {
    expect((await run(COUNTERS, 4)).printed).toBe('4');
  });

  it('a lock delays others by less than 100 us with WFE, and by less than 2 ms without', async () => {
    expect((await run(lock('wfe'), 4)).printed).toBe('K');
    expect((await run(lock('spin'), 4)).printed).toBe('M');
  });

  it('a queued lock of four, who wait by WFE, delays none for 2 ms', async () => {
    const { machine } = await run(QUEUED_LOCK, 4);
    const { rounds, longestNs } = lockResults(machine);
    expect(rounds).toBe(LOCK_ROUNDS);
    // Three others are inside for 1,000 instructions each: at least one vCPU has waited.
    expect(longestNs).toBeGreaterThan(1000);
    expect(longestNs).toBeLessThan(2e6);
  });

  it.each(Object.entries(TLBIS))('TLBI %s of one is seen by another', async (_name, word) => {
    expect((await run(invalidate(word), 2)).printed).toBe('AB');
  });

  it('IC IVAU of one is seen by another', async () => {
    expect((await run(CODE, 2)).printed).toBe('AB');
  });
});

describe('a run', () => {
  it.each([
    ['WFEs that stores end', lock('wfe')],
    ['WFEs that interrupt turns', STREAMS],
  ])('is the same one again, in whatever steps: %s', async (_name, program) => {
    const first = await run(program, 4);
    const again = await run(program, 4);
    const inSteps = await run(program, 4, 0.013);
    expect(again).toEqual(first);
    expect(inSteps.steps).toBeGreaterThan(5 * first.steps);
    expect([inSteps.printed, inSteps.exits]).toEqual([first.printed, first.exits]);
  });
});

it('a machine has at most 8 vCPUs', async () => {
  host = await Host.create();
  const made = host.createMachine({ guest: POWER, board: virtBoard(), vcpus: 9 });
  await expect(made).rejects.toThrow('vcpus must be an integer from 1 to 8, not 9');
});
