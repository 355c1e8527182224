// SPDX-License-Identifier: MIT
// System instructions in a region: at each exception level, and with each stack pointer,
// they do exactly what the interpreter does, exceptions included.

import { describe, expect, it } from 'vitest';
import { ARM64_EXIT_HLT } from '../../assembly/layout/arm64-results.ts';
import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_COUNT,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_PC,
  ARM64_SPSEL,
  ARM64_X,
  BANK_ESR,
  BANK_SP,
} from '../../assembly/layout/arm64-state.ts';
import { machineWith, NOP, PROGRAM } from './program-machine.ts';

const HLT = 0xd440_0000;
/** A whole page of NOPs of the vectors is longer. */
const SLICE = 16;
const AT = PROGRAM + 16;

interface State {
  readonly name: string;
  readonly el: number;
  readonly spsel: number;
}

/** Runs an instruction and what follows, in a region or by the interpreter. */
function run(word: number, { el, spsel }: State, translate: boolean) {
  const machine = machineWith([NOP, HLT, NOP, NOP, word, NOP, HLT], { el });
  // The page has to be known before a region can be made of it.
  expect(machine.exports.run(machine.cpu, SLICE)).toBe(ARM64_EXIT_HLT);
  if (translate) machine.translate(AT);
  machine.setU64(ARM64_X, 0x1234_5678_9ac0n);
  machine.setU32(ARM64_EL, el);
  machine.setU32(ARM64_SPSEL, spsel);
  machine.setU64(ARM64_PC, BigInt(AT));
  const exit = machine.exports.run(machine.cpu, SLICE);
  const banks = [0, ARM64_BANK_STRIDE].map((bank) => machine.u64(ARM64_BANK + bank + BANK_SP));
  return {
    exit,
    state: [ARM64_EL, ARM64_SPSEL, ARM64_DAIF].map((offset) => machine.u32(offset)),
    values: [ARM64_X, ARM64_PC, ARM64_COUNT].map((offset) => machine.u64(offset)),
    banks,
    syndrome: machine.el1(BANK_ESR),
  };
}

const STATES: readonly State[] = [
  { name: 'EL0', el: 0, spsel: 0 },
  { name: 'EL1 with SP_EL0', el: 1, spsel: 0 },
  { name: 'EL1 with SP_EL1', el: 1, spsel: 1 },
];

describe.each(STATES)('at $name, a region does what the interpreter does:', (state) => {
  it.each([
    ['MRS X0, SP_EL0', 0xd5384100],
    ['MSR SP_EL0, X0', 0xd5184100],
    ['MRS X0, DAIF', 0xd53b4220],
    ['MSR DAIF, X0', 0xd51b4220],
    ['MSR DAIFSet, #2', 0xd50342df],
    ['MSR DAIFClr, #2', 0xd50342ff],
    ['MRS X0, TPIDR_EL0', 0xd53bd040],
    ['MSR TPIDR_EL0, X0', 0xd51bd040],
    ['MRS X0, TPIDR_EL1', 0xd538d080],
    ['MSR TPIDR_EL1, X0', 0xd518d080],
    ['MRS X0, CNTVCT_EL0', 0xd53be040],
    ['MRS X0, DCZID_EL0', 0xd53b00e0],
  ])('%s', (_text, word) => {
    expect(run(word, state, true)).toEqual(run(word, state, false));
  });
});

it('SP_EL0 belongs to EL1 only while EL1 uses its own stack pointer', () => {
  const isRefused = (state: State) => run(0xd5184100, state, false).syndrome !== 0n;
  expect(STATES.map(isRefused)).toEqual([true, true, false]);
});
