// SPDX-License-Identifier: MIT
// The pages of a region: its code may span several, and its entries use one page of the
// pool.

import { expect, it } from 'vitest';
import {
  ARM64_PAGE_STRIDE,
  ARM64_POOL_END,
  ARM64_POOL_NEXT,
  ARM64_POOL_TABLE,
} from '../../assembly/layout/arm64-records.ts';
import { ARM64_EXIT_HLT } from '../../assembly/layout/arm64-results.ts';
import { ARM64_PC, ARM64_POOL, ARM64_X } from '../../assembly/layout/arm64-state.ts';
import { assembleProgram } from '../../vmm/vcpu/arm64/a64-program.ts';
import { Arm64Machine } from './el0-machine.ts';

const BASE = 0x2000_0000;
const RAM_SIZE = 0x20_0000;
const TURNS = 5000n;

function machineWith(source: string): Arm64Machine {
  const machine = new Arm64Machine({ ramGpa: BASE, ramSize: RAM_SIZE });
  machine.bytes.set(assembleProgram(source, BASE), machine.at(BASE));
  return machine;
}

function run(machine: Arm64Machine, turns: bigint): void {
  machine.setU64(ARM64_X, 0n);
  machine.setU64(ARM64_X + 8, turns);
  machine.setU64(ARM64_PC, BigInt(BASE));
  expect(machine.exports.run(machine.cpu, 100_000)).toBe(ARM64_EXIT_HLT);
  expect(machine.u64(ARM64_X)).toBe(2n * turns);
}

it.each([
  ['the next page', 1],
  ['the page after it', 2],
])('a loop that goes through %s runs in one region', (_what, pages) => {
  const machine = machineWith(`
    main: add x0, x0, #1
     b there
     .balign ${0x1000 * pages}
    there: add x0, x0, #1
     sub x1, x1, #1
     cbnz x1, main
     hlt #0`);
  run(machine, 1n);
  machine.translate(BASE);
  machine.regions.watch(machine.block);
  run(machine, TURNS);
  // Code that a region leaves to the interpreter becomes hot.
  expect(machine.regions.translateHot(machine.block)).toBe(true);
  expect(machine.regions.count).toBe(1);
});

it('a region without space in the pool is not made, and stores nothing after the pool', () => {
  const machine = machineWith(`
    main: add x0, x0, #2
     sub x1, x1, #1
     cbnz x1, main
     hlt #0`);
  const pool = machine.u32(ARM64_POOL);
  const word = (offset: number) => machine.view.getUint32(pool + offset, true);
  // Space for one record page, that of the code.
  const size = ARM64_POOL_TABLE + (RAM_SIZE >> 12) * 4 + 16 + ARM64_PAGE_STRIDE;
  machine.exports.resetPool(pool, size, RAM_SIZE);
  machine.exports.flushFetch(machine.cpu);
  run(machine, 1n);
  const base = word(ARM64_POOL_TABLE);
  const behind = () => machine.bytes.slice(pool + size, pool + size + 2 * ARM64_PAGE_STRIDE);
  const before = behind().fill(0xa5);
  machine.bytes.set(before, pool + size);
  expect(machine.regions.translateAt(base, 0)).toBe(false);
  expect([machine.regions.count, behind()]).toEqual([0, before]);
  expect(word(ARM64_POOL_NEXT)).toBeLessThanOrEqual(word(ARM64_POOL_END));
  run(machine, TURNS);
});
