// SPDX-License-Identifier: MIT
// The record pool pages that regions use, and how often regions are translated.

import { describe, expect, it } from 'vitest';
import { ARM64_POOL_NEXT, ARM64_POOL_TABLE } from '../../assembly/layout/arm64-records.ts';
import { ARM64_ENTRY_SIZE } from '../../assembly/layout/arm64-regions.ts';
import {
  ARM64_COUNT,
  ARM64_HEAT,
  ARM64_HEAT_ENTRIES,
  ARM64_PC,
  ARM64_POOL,
  ARM64_SAMPLE_DISTANCE,
  ARM64_SAMPLE_EVERY,
  ARM64_SAMPLE_THRESHOLD,
  ARM64_X,
} from '../../assembly/layout/arm64-state.ts';
import { assembleProgram } from '../../vmm/vcpu/arm64/a64-program.ts';
import { type Arm64Machine, FLAT_EL1, mapFlat } from './el0-machine.ts';
import { BASE, codeMachine } from './random-code.ts';

const HALTED = 7;
const PAGE = 0x1000;

function load(source: string): Arm64Machine {
  const machine = codeMachine();
  machine.exports.reset(machine.cpu);
  mapFlat(machine, FLAT_EL1);
  machine.bytes.set(assembleProgram(source, BASE), machine.at(BASE));
  machine.exports.invalidateAll(machine.cpu);
  machine.setU64(ARM64_PC, BigInt(BASE));
  return machine;
}

describe('a region with more entries than fit into a record page', () => {
  const PAIRS = 280;
  const LATER = 500;
  // The interpreter executes SEVL: after it the region is entered again.
  const source = `
    main: ${'add x1, x1, #1\n .word 0xd50320bf\n '.repeat(PAIRS)}
     sub x2, x2, #1
     cbnz x2, main
     hlt #0
     .balign ${PAGE}
    later: ${'add x1, x1, #1\n '.repeat(LATER)}
     hlt #0`;

  const added = (machine: Arm64Machine, from: number, turns: number) => {
    machine.setU64(ARM64_PC, BigInt(from));
    machine.setU64(ARM64_X + 8, 0n);
    machine.setU64(ARM64_X + 16, BigInt(turns));
    machine.setU64(ARM64_COUNT, 0n);
    expect(machine.exports.runTo(machine.cpu, 100_000n)).toBe(HALTED);
    return Number(machine.u64(ARM64_X + 8));
  };

  it('has them apart from the records of pages that are executed later', () => {
    const machine = load(source);
    expect(added(machine, BASE, 1)).toBe(PAIRS);
    machine.translate(BASE);
    const pool = machine.u32(ARM64_POOL);
    const records = machine.view.getUint32(pool + ARM64_POOL_TABLE, true);
    const entries = Array.from({ length: PAGE / 4 }, (_, i) =>
      machine.exports.entryOf(records + 8 * i),
    ).filter((entry) => entry !== 0);
    expect(entries.length).toBeGreaterThan(PAIRS);
    // Otherwise the next page's records would overwrite them, and the run might not end.
    const free = machine.view.getUint32(pool + ARM64_POOL_NEXT, true);
    expect(Math.max(...entries) + ARM64_ENTRY_SIZE).toBeLessThanOrEqual(free);
    expect(added(machine, BASE, 3)).toBe(3 * PAIRS);
    expect(added(machine, BASE + PAGE, 0)).toBe(LATER);
    expect(added(machine, BASE, 3)).toBe(3 * PAIRS);
  });
});

it('a region that ends takes a sample once one is due, and none before', () => {
  const machine = load(`
    main: add x1, x1, #1
     sub x2, x2, #1
     cbnz x2, main
     br x10
     .balign ${PAGE}
    later: add x1, x1, #1
     hlt #0`);
  /** Places that have samples, after a run that takes one every so many instructions. */
  const sampled = (every: number) => {
    machine.setU64(ARM64_PC, BigInt(BASE));
    machine.setU64(ARM64_COUNT, 0n);
    machine.setU64(ARM64_X + 16, 20n);
    machine.setU64(ARM64_X + 8 * 10, BigInt(BASE + PAGE));
    for (const at of [ARM64_SAMPLE_EVERY, ARM64_SAMPLE_DISTANCE]) machine.setU32(at, 8 * every);
    machine.setU32(ARM64_SAMPLE_THRESHOLD, 1000);
    expect(machine.exports.runTo(machine.cpu, 100_000n)).toBe(HALTED);
    const samples = Array.from({ length: ARM64_HEAT_ENTRIES }, (_, i) =>
      machine.u32(ARM64_HEAT + 8 * i + 4),
    );
    return samples.filter((count) => count > 0).length;
  };
  sampled(0);
  machine.translate(BASE);
  expect(sampled(1000)).toBe(0);
  expect(sampled(10)).toBeGreaterThan(0);
});

it('a region is not made anew for a target that is too far away', () => {
  const machine = load(`
    main: blr x10
     sub x23, x23, #1
     cbnz x23, main
     hlt #0
     .balign ${PAGE}
    called: add x0, x0, #1
     ret`);
  // The fourth GiB of addresses maps the first again.
  const table = machine.ramGpa + machine.ramSize - PAGE;
  machine.view.setBigUint64(machine.at(table + 8 * 3), BigInt(FLAT_EL1), true);
  machine.exports.flushAll(machine.cpu);
  machine.regions.watch(machine.block);
  machine.setU64(ARM64_X, 0n);
  machine.setU64(ARM64_X + 8 * 10, BigInt(3 * 2 ** 30 + BASE + PAGE));
  machine.setU64(ARM64_X + 8 * 23, 20_000n);
  const counts: number[] = [];
  for (let turn = 1n; turn <= 20n; turn++) {
    machine.exports.runTo(machine.cpu, 3000n * turn);
    machine.regions.translateHot(machine.block);
    counts.push(machine.regions.count);
  }
  // The loop's, and that of what it calls.
  expect([counts[0], counts.at(-1)]).toEqual([1, 2]);
  expect(machine.exports.runTo(machine.cpu, 200_000n)).toBe(HALTED);
  expect(machine.u64(ARM64_X)).toBe(20_000n);
});
