// SPDX-License-Identifier: MIT
// Stream table entries (IHI 0070 section 5.2).

import * as STE from '../../assembly/layout/ste.ts';
import { fieldOf } from '../plugin/index.ts';
import { checkWordList } from '../plugin/known-words.ts';
import { addressSizeText, CACHEABILITY, inputSizeText, SHAREABILITY, TG0 } from './meanings.ts';
import {
  type Decoded,
  decodeFields,
  type FieldTexts,
  fieldNames,
  type Words,
} from './structure.ts';

const DOUBLEWORDS = STE.STE_SIZE / 8;

const valid = (words: Words) => fieldOf(words, STE.STE_V) !== 0;
const translates = (words: Words, config: number) =>
  valid(words) && (fieldOf(words, STE.STE_CONFIG) & config) === config;
const stage1 = (words: Words) => translates(words, STE.STE_CONFIG_S1);
const stage2 = (words: Words) => translates(words, STE.STE_CONFIG_S2);
const anyStage = (words: Words) => stage1(words) || stage2(words);
// Config 0 aborts regardless of the other fields.
const passes = (words: Words) => translates(words, STE.STE_CONFIG_BYPASS);
const substreams = (words: Words) => stage1(words) && fieldOf(words, STE.STE_S1CDMAX) !== 0;

const S2SL0: readonly (readonly string[])[] = [
  ['level 2', 'level 1', 'level 0', 'level 3'],
  ['level 3', 'level 2', 'level 1'],
  ['level 3', 'level 2', 'level 1'],
];

const NAMES = fieldNames(STE, 'STE_');

const TEXTS: FieldTexts<typeof STE> = {
  STE_V: { means: ['invalid: every transaction is C_BAD_STE', 'valid'] },
  STE_CONFIG: {
    name: 'Config',
    means: [
      'abort',
      'abort',
      'abort',
      'abort',
      'bypass',
      'stage 1',
      'stage 2',
      'stage 1 and stage 2',
    ],
    used: valid,
  },
  STE_S1FMT: {
    name: 'S1Fmt',
    means: [
      'linear CD table',
      '2-level CD table, 4 KiB leaves',
      '2-level CD table, 64 KiB leaves',
      'reserved, acts as linear',
    ],
    used: substreams,
  },
  STE_S1CONTEXTPTR_LO: {
    name: 'S1ContextPtr',
    means: (_value, words) => (stage2(words) ? 'IPA of the CDs' : 'PA of the CDs'),
    used: stage1,
  },
  STE_S1CDMAX: {
    name: 'S1CDMax',
    means: (value) => (value === 0 ? 'one CD, no substreams' : `${2 ** value} CDs`),
    used: stage1,
  },
  STE_S1DSS: {
    means: [
      'no SubstreamID: refused',
      'no SubstreamID: stage 1 is bypassed',
      'no SubstreamID: CD 0',
      'reserved, acts as 0',
    ],
    used: substreams,
  },
  STE_S1CIR: { means: CACHEABILITY, used: stage1 },
  STE_S1COR: { means: CACHEABILITY, used: stage1 },
  STE_S1CSH: { means: SHAREABILITY, used: stage1 },
  STE_CONT: {
    means: (value) => `the same for ${2 ** value} streams`,
    used: (words) => valid(words) && fieldOf(words, STE.STE_CONT) !== 0,
  },
  STE_MEV: { means: ['each event has a record', 'equal events may share a record'], used: valid },
  STE_S2FWB: {
    means: ['memory type of both stages', 'stage 2 forces the memory type'],
    used: stage2,
  },
  STE_S1STALLD: {
    means: ['stage-1 faults may stall', 'stage-1 faults do not stall'],
    used: stage1,
  },
  STE_EATS: { means: ['no ATS', 'full ATS', 'split-stage ATS'], used: anyStage },
  STE_STRW: { means: ['NS-EL1', 'reserved', 'EL2'], used: stage1 },
  STE_SHCFG: {
    means: ['non-shareable', 'as incoming', 'outer shareable', 'inner shareable'],
    used: passes,
  },
  STE_S2VMID: { used: anyStage },
  STE_S2T0SZ: { means: inputSizeText, used: stage2 },
  STE_S2SL0: {
    means: (value, words) => S2SL0[fieldOf(words, STE.STE_S2TG)]?.[value] ?? 'reserved',
    used: stage2,
  },
  STE_S2IR0: { means: CACHEABILITY, used: stage2 },
  STE_S2OR0: { means: CACHEABILITY, used: stage2 },
  STE_S2SH0: { means: SHAREABILITY, used: stage2 },
  STE_S2TG: { means: TG0, used: stage2 },
  STE_S2PS: { means: addressSizeText, used: stage2 },
  STE_S2AA64: { means: ['AArch32 tables', 'AArch64 tables'], used: stage2 },
  STE_S2ENDI: { means: ['little-endian', 'big-endian'], used: stage2 },
  STE_S2AFFD: { means: ['AF = 0 is F_ACCESS', 'AF is not looked at'], used: stage2 },
  STE_S2PTW: { means: ['', 'stage-1 walks of Device memory are refused'], used: stage2 },
  STE_S2HD: { means: ['', 'hardware updates the dirty state'], used: stage2 },
  STE_S2HA: { means: ['', 'hardware updates the access flag'], used: stage2 },
  STE_S2S: { means: ['faults terminate', 'faults stall'], used: stage2 },
  STE_S2R: { means: ['faults are not recorded', 'faults are recorded'], used: stage2 },
  STE_S2SL0_2: {
    name: 'S2SL0[2]',
    means: ['', 'level -1 with S2DS and 4 KiB granules'],
    used: stage2,
  },
  STE_S2DS: {
    means: ['', '52-bit addresses with 4 and 16 KiB granules, where the SMMU has IDR5.DS'],
    used: stage2,
  },
  STE_S2TTB_LO: { means: () => 'PA of the first table', used: stage2 },
};

function summary(words: Words): string {
  if (!valid(words)) return 'invalid: every transaction is refused and recorded as C_BAD_STE';
  const config = fieldOf(words, STE.STE_CONFIG);
  if (config < STE.STE_CONFIG_BYPASS) return 'every transaction is refused, without a record';
  const stages = ['passes untranslated', 'stage 1', 'stage 2', 'stage 1 on top of stage 2'];
  return stages[config & 3] ?? '';
}

/**
 * Decodes an STE: 16 words. Fields that are unused because of V or Config are marked as
 * ignored.
 * @throws {TypeError|RangeError} unless the words are 32-bit integers.
 */
export function decodeSte(words: Words): Decoded {
  checkWordList(words, 'decodeSte: words');
  return {
    name: 'STE',
    summary: summary(words),
    fields: decodeFields(words, DOUBLEWORDS, STE, NAMES, TEXTS),
  };
}
