// SPDX-License-Identifier: MIT
// Which system instructions regions contain, and which they leave to the interpreter.

import { describe, expect, it } from 'vitest';
import { fieldsOf, formOf } from '../../assembly/layout/a64/a64-forms.ts';
import { SYSTEM } from '../../vmm/vcpu/arm64/translator/emit-system.ts';

function isTranslated(word: number): boolean {
  const form = formOf(word);
  if (!form) throw new Error(`there is no instruction 0x${word.toString(16)}`);
  return SYSTEM[form.name]?.(fieldsOf(word, form)) !== undefined;
}

describe('regions contain', () => {
  it.each([
    ['MRS X0, SP_EL0', 0xd5384100],
    ['MSR SP_EL0, X0', 0xd5184100],
    ['MRS X0, DAIF', 0xd53b4220],
    ['MSR DAIF, X0', 0xd51b4220],
    ['MSR DAIFSet, #2', 0xd50342df],
    ['MRS X0, TPIDR_EL0', 0xd53bd040],
    ['MSR TPIDR_EL0, X0', 0xd51bd040],
    ['MRS X0, CNTVCT_EL0', 0xd53be040],
    ['DC ZVA, X0', 0xd50b7420],
    ['DSB SY', 0xd5033f9f],
    ['ISB', 0xd5033fdf],
    ['NOP', 0xd503201f],
    ['CLREX', 0xd5033f5f],
  ])('%s', (_text, word) => {
    expect(isTranslated(word)).toBe(true);
  });
});

describe('regions leave to the interpreter', () => {
  it.each([
    ['MSR SCTLR_EL1, X0', 0xd5181000],
    ['MSR TTBR0_EL1, X0', 0xd5182000],
    ['MSR SPSel, #1', 0xd50041bf],
    ['DC CVAC, X0', 0xd50b7a20],
    ['TLBI VMALLE1', 0xd508871f],
    ['WFE', 0xd503205f],
    ['WFI', 0xd503207f],
    ['SEV', 0xd503209f],
    ['SEVL', 0xd50320bf],
  ])('%s', (_text, word) => {
    expect(isTranslated(word)).toBe(false);
  });
});
