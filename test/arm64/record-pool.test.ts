// SPDX-License-Identifier: MIT
// Record pages that run out: the vCPU stops with an unchanged PC, wherever it notices.

import { describe, expect, it } from 'vitest';
import { ARM64_PAGE_STRIDE } from '../../assembly/layout/arm64-records.ts';
import { ARM64_EXIT_RECORDS_FULL, ARM64_EXIT_SLICE } from '../../assembly/layout/arm64-results.ts';
import {
  ARM64_COUNT,
  ARM64_PC,
  ARM64_PENDING,
  ARM64_PENDING_IRQ,
  ARM64_POOL,
  ARM64_X,
  BANK_VBAR,
} from '../../assembly/layout/arm64-state.ts';
import { Arm64Machine, write } from './el0-machine.ts';

const BASE = 0x2000_0000;
const RAM_SIZE = 0x20_0000;
const ADD_X0_1 = 0x91000400;
const B_NEXT_PAGE = 0x14000400;
const B_HERE = 0x14000000;
const SVC = 0xd4000001;
const MSR_DAIFCLR_2 = 0xd50342ff;

/** A machine with space for one record page, and words at their addresses. */
function machineWith(parts: Readonly<Record<number, readonly number[]>>): Arm64Machine {
  const machine = new Arm64Machine({ ramGpa: BASE, ramSize: RAM_SIZE });
  machine.exports.resetPool(machine.u32(ARM64_POOL), poolSize(1), RAM_SIZE);
  for (const [address, words] of Object.entries(parts)) write(machine, Number(address), words);
  machine.setU64(ARM64_PC, BigInt(BASE));
  machine.setEl1(BANK_VBAR, BigInt(BASE + 0x1000));
  return machine;
}

const poolSize = (pages: number) => 0x40 + (RAM_SIZE >> 12) * 4 + pages * ARM64_PAGE_STRIDE;

/** Continues after the pool has been emptied. */
function goOn(machine: Arm64Machine, instructions: number): number {
  machine.exports.resetPool(machine.u32(ARM64_POOL), poolSize(1), RAM_SIZE);
  machine.exports.flushFetch(machine.cpu);
  return machine.exports.run(machine.cpu, instructions);
}

describe('a vCPU whose record pages run out', () => {
  // A slice of 0 ends at the branch itself, one of 100 later.
  it.each([0, 100])('is at the target of a branch, in a slice of %i', (slice) => {
    const machine = machineWith({
      [BASE]: [ADD_X0_1, B_NEXT_PAGE],
      [BASE + 0x1004]: [ADD_X0_1, B_HERE],
    });
    expect(machine.exports.run(machine.cpu, slice)).toBe(ARM64_EXIT_RECORDS_FULL);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(BASE + 0x1004));
    expect(machine.u64(ARM64_COUNT)).toBe(2n);
    expect(goOn(machine, 100)).toBe(ARM64_EXIT_SLICE);
    expect(machine.u64(ARM64_X)).toBe(2n);
  });

  it.each([0, 100])('is at the vector of an exception, in a slice of %i', (slice) => {
    const machine = machineWith({ [BASE]: [ADD_X0_1, SVC], [BASE + 0x1200]: [ADD_X0_1, B_HERE] });
    expect(machine.exports.run(machine.cpu, slice)).toBe(ARM64_EXIT_RECORDS_FULL);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(BASE + 0x1200));
    expect(goOn(machine, 100)).toBe(ARM64_EXIT_SLICE);
    expect(machine.u64(ARM64_X)).toBe(2n);
  });

  it('is at the vector of an interrupt', () => {
    const machine = machineWith({
      [BASE]: [ADD_X0_1, MSR_DAIFCLR_2, B_HERE],
      [BASE + 0x1280]: [ADD_X0_1, B_HERE],
    });
    machine.setU32(ARM64_PENDING, ARM64_PENDING_IRQ);
    expect(machine.exports.run(machine.cpu, 100)).toBe(ARM64_EXIT_RECORDS_FULL);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(BASE + 0x1280));
    expect(goOn(machine, 100)).toBe(ARM64_EXIT_SLICE);
    expect(machine.u64(ARM64_X)).toBe(2n);
  });

  it('takes an exception of a fetch at its own address where no vector can be fetched', () => {
    const machine = machineWith({ [BASE]: [ADD_X0_1, SVC] });
    machine.setEl1(BANK_VBAR, 0x1000_0000n);
    for (const slice of [0, 100, 0]) {
      expect(machine.exports.run(machine.cpu, slice)).toBe(ARM64_EXIT_SLICE);
      expect(machine.u64(ARM64_PC)).toBe(0x1000_0200n);
    }
  });
});
