// SPDX-License-Identifier: MIT
// Context descriptors (IHI 0070 section 5.4).

import * as CD from '../../assembly/layout/cd.ts';
import { type Field, fieldOf } from '../plugin/index.ts';
import { checkWordList } from '../plugin/known-words.ts';
import {
  addressSizeText,
  CACHEABILITY,
  inputSizeText,
  SHAREABILITY,
  TG0,
  TG1,
} from './meanings.ts';
import {
  type Decoded,
  decodeFields,
  type FieldTexts,
  fieldNames,
  type Words,
} from './structure.ts';

const DOUBLEWORDS = CD.CD_SIZE / 8;
const NAMES = fieldNames(CD, 'CD_');

const valid = (words: Words) => fieldOf(words, CD.CD_V) !== 0;
const half = (disabled: Field) => (words: Words) => valid(words) && fieldOf(words, disabled) === 0;
const lower = half(CD.CD_EPD0);
const upper = half(CD.CD_EPD1);

const EPD: readonly string[] = ['translated', 'every access is F_TRANSLATION'];
const TBI: readonly string[] = ['the top byte is part of the address', 'the top byte is ignored'];
const HAD: readonly string[] = ['table permissions count', 'table permissions are ignored'];

const TEXTS: FieldTexts<typeof CD> = {
  CD_T0SZ: { means: inputSizeText, used: lower },
  CD_TG0: { means: TG0, used: lower },
  CD_IR0: { means: CACHEABILITY, used: lower },
  CD_OR0: { means: CACHEABILITY, used: lower },
  CD_SH0: { means: SHAREABILITY, used: lower },
  CD_EPD0: { means: EPD, used: valid },
  CD_ENDI: { means: ['little-endian tables', 'big-endian tables'], used: valid },
  CD_T1SZ: { means: inputSizeText, used: upper },
  CD_TG1: { means: TG1, used: upper },
  CD_IR1: { means: CACHEABILITY, used: upper },
  CD_OR1: { means: CACHEABILITY, used: upper },
  CD_SH1: { means: SHAREABILITY, used: upper },
  CD_EPD1: { means: EPD, used: valid },
  CD_V: { means: ['invalid: every transaction is C_BAD_CD', 'valid'] },
  CD_IPS: { means: addressSizeText, used: valid },
  CD_AFFD: { means: ['AF = 0 is F_ACCESS', 'AF is not looked at'], used: valid },
  CD_WXN: { means: ['', 'writable pages are not executable'], used: valid },
  CD_UWXN: {
    means: ['', 'pages writable by unprivileged code are not executable by privileged code'],
    used: valid,
  },
  CD_TBI0: { means: TBI, used: lower },
  CD_TBI1: { means: TBI, used: upper },
  CD_PAN: { means: ['', 'no privileged access to unprivileged pages'], used: valid },
  CD_AA64: { means: ['AArch32 tables', 'AArch64 tables'], used: valid },
  CD_HD: { means: ['', 'hardware updates the dirty state'], used: valid },
  CD_HA: { means: ['', 'hardware updates the access flag'], used: valid },
  CD_S: { means: ['faults terminate', 'faults stall'], used: valid },
  CD_R: { means: ['faults are not recorded', 'faults are recorded'], used: valid },
  CD_A: { means: ['a faulting read gives 0', 'a faulting access aborts'], used: valid },
  CD_ASET: { means: ['ASID is shared with CPUs', "ASID is the SMMU's own"], used: valid },
  CD_ASID: { used: valid },
  CD_HAD0: { means: HAD, used: lower },
  CD_TTB0_LO: { means: () => 'first table of the lower half', used: lower },
  CD_HAD1: { means: HAD, used: upper },
  CD_TTB1_LO: { means: () => 'first table of the upper half', used: upper },
  CD_DS: {
    means: ['', '52-bit addresses with 4 and 16 KiB granules, where the SMMU has IDR5.DS'],
    used: valid,
  },
  CD_MAIR_LO: { used: valid },
};

function summary(words: Words): string {
  if (!valid(words)) return 'invalid: every transaction is refused and recorded as C_BAD_CD';
  const halves = [lower(words) ? 'lower' : '', upper(words) ? 'upper' : ''].filter(
    (name) => name !== '',
  );
  const asid = `ASID ${fieldOf(words, CD.CD_ASID)}`;
  return halves.length === 0
    ? `${asid}, every access faults`
    : `${asid}, translates the ${halves.join(' and the ')} half`;
}

/**
 * Decodes a CD: 16 words. Fields that are unused because of V or EPD are marked as
 * ignored.
 * @throws {TypeError|RangeError} unless the words are 32-bit integers.
 */
export function decodeCd(words: Words): Decoded {
  checkWordList(words, 'decodeCd: words');
  return {
    name: 'CD',
    summary: summary(words),
    fields: decodeFields(words, DOUBLEWORDS, CD, NAMES, TEXTS),
  };
}
