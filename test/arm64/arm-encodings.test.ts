// SPDX-License-Identifier: MIT
// The table of forms against Arm's own list of encodings (arm-encodings.txt, which
// scripts/arm-encodings.mjs makes): every encoding of the CPU's version has a form of its name, later
// ones have none, and no form has words beyond them.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { A64_FORMS, type A64Form, formOf, matches } from '../../assembly/layout/a64/a64-forms.ts';
import {
  ARM64_EL,
  ARM64_PC,
  ARM64_SPSEL,
  BANK_ELR,
  BANK_ESR,
} from '../../assembly/layout/arm64-state.ts';
import { disassembleA64 } from '../../vmm/vcpu/arm64/a64-disassembler.ts';
import { type Arm64Machine, write } from './el0-machine.ts';
import { machineWith, PROGRAM } from './program-machine.ts';
import { Random } from './sequences.ts';

interface Encoding {
  readonly group: string;
  readonly name: string;
  /** As Arm lists it. */
  readonly mnemonic: string;
  /** Bits that are as `value` says, with or without those that only should be. */
  readonly mask: number;
  readonly firmMask: number;
  readonly value: number;
}

/** The disassembler's name. RPRFM is a PRFM to a CPU without range prefetches. */
function mnemonicOf(name: string): string {
  if (name === 'RPRFM') return 'prfm';
  return name.replace(/^(LSL|LSR|ASR|ROR)V$/, '$1').toLowerCase();
}

const number = (bits: string) => Number.parseInt(bits, 2);
const LIST: readonly Encoding[] = readFileSync(
  new URL('./arm-encodings.txt', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [group = '', name = '', bits = ''] = line.split(' ');
    return {
      group,
      name,
      mnemonic: mnemonicOf(name.split('_')[0] ?? ''),
      mask: number(bits.replace(/[01IO]/g, '1').replace(/x/g, '0')),
      firmMask: number(bits.replace(/[01]/g, '1').replace(/[xIO]/g, '0')),
      value: number(bits.replace(/I/g, '1').replace(/[xO]/g, '0')),
    };
  });

/** Encodings of extensions that the CPU does not have, but for hints, all of which are NOP or more. */
const LATER = [
  // Pointer authentication, branches of guarded stacks.
  /^(AUT|PAC|XPAC|BRA[AB]|BLRA[AB]|RETA[AB]|ERETA[AB]|LDRA[AB]|GCSST)/,
  // Memory tagging.
  /^(ADDG|SUBG|SUBPS?|IRG|GMI|LDGM?|STG[MP]?|STZGM?|ST2G|STZ2G)_/,
  // Checked pointers; common short sequences; flags.
  /^(ADDPT|SUBPT|MADDPT|MSUBPT|[SU](MAX|MIN)_(32U?|64U?)_|(CTZ|CNT|ABS)_|RMIF|SETF|CFINV|XAFLAG|AXFLAG)/,
  /^(CB(GT|GE|LT|HI|HS|LO|EQ|NE)_|CB[BH](GT|GE|HI|HS|EQ|NE)_|BC_)/,
  // Waits with a limit, DSB nXS, pairs of system registers, thread changes.
  /^(WFET|WFIT|DSB_BOn|SYSP|MSRR|MRRS|TSTART|TTEST|TENTER|TEXIT|TCHANGE)/,
  // Memory copies; LORegions; RCpc 2 and 3; LSE128, translation hardening, unprivileged atomics; 64 bytes.
  /^(CPY|SET|STLLR|LDLAR|STLUR|LDAPUR|STILP|LDIAPP|STLP|LDAPP?_|ST64B|LD64B)/,
  /^(STLR_(32|64)S|LDAPR_(32|64)L)_ldapstl_writeback$/,
  /^(RCW|LDT(ADD|CLR|SET)|SWPT|CAST|CASLT|CASAT|CASALT|CASPT|CASPLT|CASPAT|CASPALT)/,
  /^(LDCLRP|LDSETP|SWPP)A?L?_/,
  /^(STTXR|STLTXR|LDTXR|LDATXR|STTNP|LDTNP|STTP|LDTP)_/,
];
const NEVER = ['UDF_only_perm_undef'];
/** V: a load or store of a register of Advanced SIMD and floating point. */
const VECTOR = 2 ** 26;

const isSimd = ({ group, value }: Encoding) =>
  group === 'simd_dp' || (group === 'ldst' && (value & VECTOR) !== 0);
const isLater = ({ name }: Encoding) =>
  NEVER.includes(name) || LATER.some((pattern) => pattern.test(name));
const isSimdForm = ({ feature }: A64Form) => feature === 'FP';
const isHint = ({ name }: Encoding) => name.endsWith('_hints');

const OURS = LIST.filter((one) => !isSimd(one) && !isLater(one));

/** Words of a pattern, with more zeros, more ones, and as they come. */
function wordsOf({ mask, value }: { mask: number; value: number }, count: number): number[] {
  const random = new Random(17);
  return Array.from({ length: count }, (_, i) => {
    let word = random.word();
    if (i % 3 === 1) word |= random.word();
    if (i % 3 === 2) word &= random.word();
    return ((word & ~mask) | value) >>> 0;
  });
}

/** Words of the classes of SVE and SME, which the list leaves out. */
const SVE_AND_SME = [
  ...wordsOf({ mask: 0x1e000000, value: 0x04000000 }, 300),
  ...wordsOf({ mask: 0x9e000000, value: 0x80000000 }, 300),
];

/** ESR of EC 0, with IL. */
const UNKNOWN_REASON = 0x2000000n;

/** Executes one word as the program, at EL1 or EL0. */
function executeAnew(machine: Arm64Machine, word: number, el: number): void {
  write(machine, PROGRAM, [word]);
  machine.exports.invalidateAll(machine.cpu);
  machine.setU64(ARM64_PC, BigInt(PROGRAM));
  machine.setU32(ARM64_EL, el);
  machine.setU32(ARM64_SPSEL, el);
  machine.setEl1(BANK_ESR, 0n);
  machine.setEl1(BANK_ELR, 0n);
  machine.exports.step(machine.cpu);
}

const WORDS = 60;
const formsOf = (word: number) => A64_FORMS.filter((form) => matches(word, form));

describe("Arm's list of A64 encodings", () => {
  it('is all there', () => {
    expect(LIST).toHaveLength(2185);
    expect(OURS).toHaveLength(493);
  });

  it('has a form of its name for each that the CPU has', () => {
    const wrong = OURS.filter(({ name }) => !/^MSR_SI_pstate$/.test(name)).flatMap((encoding) =>
      wordsOf(encoding, WORDS).flatMap((word) => {
        if (formsOf(word).length !== 1) return [`${encoding.name} ${word.toString(16)}: no form`];
        const text = disassembleA64(word);
        // An immediate, shift or pair that is UNALLOCATED.
        if (text === undefined) return [];
        const mnemonic = (text.split(' ')[0] ?? '').replace(/^b\..*/, 'b');
        const expected = isHint(encoding) ? 'hint' : encoding.mnemonic;
        return mnemonic === expected ? [] : [`${encoding.name} ${word.toString(16)}: ${text}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('has no form for one of a later extension', () => {
    const wrong = LIST.filter((one) => !isSimd(one) && isLater(one) && !isHint(one)).flatMap(
      (encoding) =>
        wordsOf(encoding, WORDS)
          .filter((word) => formOf(word) && !isSimdForm(formOf(word) as A64Form))
          .map((word) => `${encoding.name} ${word.toString(16)}: ${disassembleA64(word)}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has floating point and Advanced SIMD where the CPU has nothing else', () => {
    const wrong = LIST.filter(isSimd).flatMap((encoding) =>
      wordsOf(encoding, WORDS).flatMap((word) => {
        const form = formOf(word);
        return !form || isSimdForm(form) ? [] : [`${encoding.name} ${word.toString(16)}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it.each([0, 1])('has none that is executed although the CPU lacks it, at EL%i', (el) => {
    const machine = machineWith([], { el });
    const missing = LIST.filter((one) => (isSimd(one) || isLater(one)) && !isHint(one));
    const words = [...missing.flatMap((encoding) => wordsOf(encoding, 3)), ...SVE_AND_SME];
    const wrong = words.flatMap((word) => {
      executeAnew(machine, word, el);
      const [esr, elr] = [machine.el1(BANK_ESR), machine.el1(BANK_ELR)];
      const isUndefined = esr === UNKNOWN_REASON && elr === BigInt(PROGRAM);
      return isUndefined ? [] : [`${word.toString(16)}: ESR ${esr.toString(16)}`];
    });
    expect(wrong).toEqual([]);
    expect(words.length).toBeGreaterThan(4000);
  });

  it('has each word that a form has', () => {
    const wrong = A64_FORMS.filter((form) => !isSimdForm(form)).flatMap((form) =>
      wordsOf(form, WORDS)
        .filter((word) => formOf(word) === form)
        .filter(
          (word) =>
            !OURS.some((one) => (word & one.firmMask) >>> 0 === (one.value & one.firmMask) >>> 0),
        )
        .map((word) => `${form.name} ${word.toString(16)}`),
    );
    expect(wrong).toEqual([]);
  });
});
