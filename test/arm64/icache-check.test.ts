// SPDX-License-Identifier: MIT
// The check of the instruction cache: what it reports, with both addresses, what it does
// not report, and that it does not change how code behaves.

import { describe, expect, it } from 'vitest';
import { ARM64_POOL_CHECK } from '../../assembly/layout/arm64-records.ts';
import {
  ARM64_PC,
  ARM64_POOL,
  ARM64_STALE_FETCH,
  ARM64_STALE_STORE,
  ARM64_STALE_WHY,
  ARM64_X,
  BANK_ELR,
  BANK_SPSR,
} from '../../assembly/layout/arm64-state.ts';
import { type Arm64Machine, FLAT_EL1, mapAgain, write } from './el0-machine.ts';
import { DATA, machineWith, NOP, PROGRAM } from './program-machine.ts';

const STALE = 9;
const SLICE = 0;
const MISSING = ['IC', 'ISB'];
const LOOP = 0x14000000;
const ONE = 0xd2800022; // MOVZ X2, #1
const TWO = 0xd2800042; // MOVZ X2, #2
const STORE = 0xb9000020; // STR W0, [X1]
const IC_IVAU = 0xd50b7521; // IC IVAU, X1
const IC_IALLU = 0xd508751f;
const ISB = 0xd5033fdf;
const DSB = 0xd5033b9f;
const ERET = 0xd69f03e0;

/** X0 is an instruction, X1 where it is stored. */
function machine(words: readonly number[], target: number, isChecked = true): Arm64Machine {
  const made = machineWith(words, { attributes: FLAT_EL1 });
  made.view.setUint32(made.u32(ARM64_POOL) + ARM64_POOL_CHECK, isChecked ? 1 : 0, true);
  made.setU64(ARM64_X, BigInt(TWO));
  made.setU64(ARM64_X + 8, BigInt(PROGRAM + 4 * target));
  return made;
}

/**
 * Runs. Returns the reports: indices of the instruction that stored and of the one that
 * was executed.
 */
function reports(made: Arm64Machine, steps = false): string[] {
  const found: string[] = [];
  for (let i = 0; i < 60; i++) {
    const exit = steps ? made.exports.step(made.cpu) : made.exports.run(made.cpu, 40);
    if (exit === STALE) {
      const index = (offset: number) => (Number(made.u64(offset)) - PROGRAM) / 4;
      expect(Number(made.u64(ARM64_PC))).toBe(Number(made.u64(ARM64_STALE_FETCH)));
      found.push(
        `${index(ARM64_STALE_STORE)} ${index(ARM64_STALE_FETCH)} ${MISSING[made.u32(ARM64_STALE_WHY)]}`,
      );
    } else {
      expect(exit).toBe(SLICE);
      if (!steps) break;
    }
  }
  return found;
}

describe('the check of the instruction cache', () => {
  it.each<[string, number[], number, string[], bigint]>([
    ['nothing between', [STORE, ONE, LOOP], 1, ['0 1 IC'], 2n],
    ['DSB and ISB alone', [STORE, DSB, ISB, ONE, LOOP], 3, ['0 3 IC'], 2n],
    ['IC before the store', [IC_IVAU, STORE, ISB, ONE, LOOP], 3, ['1 3 IC'], 2n],
    ['IC without ISB', [STORE, DSB, IC_IVAU, DSB, ONE, LOOP], 4, ['0 4 ISB'], 2n],
    ['IC and ISB', [STORE, DSB, IC_IVAU, DSB, ISB, ONE, LOOP], 5, [], 2n],
    ['IC of all and ISB', [STORE, IC_IALLU, ISB, ONE, LOOP], 3, [], 2n],
    ['a store after the IC', [STORE, IC_IVAU, STORE, ISB, ONE, LOOP], 4, ['2 4 IC'], 2n],
    ['STP', [0xa9000020, NOP, ONE, NOP, TWO, NOP, LOOP], 2, ['0 2 IC'], 2n], // STP X0, X0, [X1]
    ['SWP', [0xb820803f, ONE, LOOP], 1, ['0 1 IC'], 2n], // SWP W0, WZR, [X1]
    ['STLR', [0x889ffc20, ONE, LOOP], 1, ['0 1 IC'], 2n],
    ['a store to another word', [STORE, ONE, LOOP, ONE], 3, [], 1n],
  ])('finds %s', (_, words, target, found, x2) => {
    for (const steps of [false, true]) {
      const made = machine(words, target);
      if (words[0] === 0xa9000020) made.setU64(ARM64_X, BigInt(TWO) | (BigInt(NOP) << 32n));
      expect(reports(made, steps)).toEqual(found);
      expect(made.u64(ARM64_X + 16)).toBe(x2);
      const unchecked = machine(words, target, false);
      if (words[0] === 0xa9000020) unchecked.setU64(ARM64_X, BigInt(TWO) | (BigInt(NOP) << 32n));
      expect(reports(unchecked, steps)).toEqual([]);
      expect(unchecked.u64(ARM64_X + 16)).toBe(x2);
    }
  });

  it('keeps executing the old instruction if it has been executed before', () => {
    // ONE; ADD X3, X3, #1; STR; B back
    for (const isChecked of [true, false]) {
      const made = machine([ONE, 0x91000463, STORE, 0x17fffffd], 0, isChecked);
      const found = reports(made);
      expect(new Set(found)).toEqual(new Set(isChecked ? ['2 0 IC'] : []));
      expect(made.u64(ARM64_X + 16)).toBe(1n);
      expect(made.u64(ARM64_X + 24)).toBeGreaterThan(5n);
    }
  });

  it('finds each store to an instruction that is stored to again, with what IC has fetched', () => {
    const call = 0xd63f0020; // BLR X1
    const back = 0xb9000024; // STR W4, [X1]
    const words = [call, STORE, call, IC_IVAU, ISB, call, back, call, LOOP];
    const made = machine(words, 0);
    write(made, DATA, [ONE, 0xd65f03c0]); // RET
    made.setU64(ARM64_X + 8, BigInt(DATA));
    made.setU64(ARM64_X + 32, BigInt(ONE));
    const callee = (DATA - PROGRAM) / 4;
    expect(reports(made)).toEqual([`1 ${callee} IC`, `6 ${callee} IC`]);
    expect(made.u64(ARM64_X + 16)).toBe(2n);
  });

  it.each([
    [0x14000002, [], 0n], // B .+8
    [0xd4200000, [], 0n], // BRK
    [TWO, ['0 1 IC'], 2n],
  ])('lets a NOP be replaced while it is executed by what may be: %i', (word, found, x2) => {
    const made = machine([STORE, NOP, LOOP, LOOP], 1);
    made.setU64(ARM64_X, BigInt(word));
    expect(reports(made)).toEqual(found);
    expect(made.u64(ARM64_X + 16)).toBe(x2);
  });

  it('treats the return from an exception as an ISB', () => {
    const made = machine([STORE, IC_IVAU, ERET, ONE, LOOP], 3);
    made.setEl1(BANK_ELR, BigInt(PROGRAM + 12));
    made.setEl1(BANK_SPSR, 0x3c5n);
    expect(reports(made)).toEqual([]);
    expect(made.u64(ARM64_X + 16)).toBe(2n);
  });

  it('ignores a store of the same value', () => {
    const made = machine([STORE, TWO, LOOP], 1);
    expect(reports(made)).toEqual([]);
  });

  it('reports a store through another address, and one whose page is in the TLB already', () => {
    const alias = machine([STORE, ONE, LOOP], 1);
    mapAgain(alias, FLAT_EL1);
    alias.setU64(ARM64_X + 8, BigInt(PROGRAM + 4 + 0x4000_0000));
    expect(reports(alias)).toEqual(['0 1 IC']);
    // A store, a call of the stored code, and another store to it.
    const again = machine([STORE, 0xd63f0020, 0xb9000024, 0xd63f0020, LOOP], 0);
    write(again, DATA, [NOP, 0xd65f03c0]); // RET
    again.setU64(ARM64_X + 8, BigInt(DATA));
    again.setU64(ARM64_X + 32, BigInt(ONE));
    expect(reports(again)).toEqual([`2 ${(DATA - PROGRAM) / 4} IC`]);
    // The first call has decoded it.
    expect(again.u64(ARM64_X + 16)).toBe(2n);
  });
});
