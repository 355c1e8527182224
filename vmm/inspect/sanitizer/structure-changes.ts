// SPDX-License-Identifier: MIT
// The number of doublewords in which an STE or CD differs from another reading of it, in
// fields that the SMMU uses. The SMMU reads 64 bits at a time (IHI 0070 section 3.21.3):
// when two doublewords change without a CFGI in between, it may combine an old one with a
// new one.

import {
  CD_A,
  CD_AA64,
  CD_AFFD,
  CD_ASET,
  CD_ASID,
  CD_DS,
  CD_ENDI,
  CD_EPD0,
  CD_EPD1,
  CD_HA,
  CD_HAD0,
  CD_HAD1,
  CD_HD,
  CD_IPS,
  CD_PAN,
  CD_R,
  CD_S,
  CD_T0SZ,
  CD_T1SZ,
  CD_TBI0,
  CD_TBI1,
  CD_TG0,
  CD_TG1,
  CD_TTB0_HI,
  CD_TTB0_LO,
  CD_TTB1_HI,
  CD_TTB1_LO,
  CD_UWXN,
  CD_V,
  CD_WXN,
} from '../../../assembly/layout/cd.ts';
import { type Field, fieldOf, maskInWord, wordOf } from '../../../devices/plugin/index.ts';
import { steDoublewordsInUse } from '../../../host/kernel/index.ts';
import type { ConfigSuspect } from './suspect.ts';

const CD_ALWAYS = [
  ...[CD_V, CD_EPD0, CD_EPD1, CD_ENDI, CD_IPS, CD_AFFD, CD_WXN, CD_UWXN, CD_TBI0, CD_TBI1],
  ...[CD_PAN, CD_AA64, CD_HD, CD_HA, CD_S, CD_R, CD_A, CD_ASET, CD_ASID, CD_DS],
];
const CD_HALF0 = [CD_T0SZ, CD_TG0, CD_HAD0, CD_TTB0_LO, CD_TTB0_HI];
const CD_HALF1 = [CD_T1SZ, CD_TG1, CD_HAD1, CD_TTB1_LO, CD_TTB1_HI];

/** The fields that an SMMU uses in a CD, except memory attributes. */
function cdFieldsInUse(cd: Uint32Array): readonly Field[] {
  if (!fieldOf(cd, CD_V)) return [CD_V];
  return [
    ...CD_ALWAYS,
    ...(fieldOf(cd, CD_EPD0) ? [] : CD_HALF0),
    ...(fieldOf(cd, CD_EPD1) ? [] : CD_HALF1),
  ];
}

function cdDoublewordsInUse(from: Uint32Array, to: Uint32Array): number[] {
  const found = new Set<number>();
  for (const field of [...cdFieldsInUse(from), ...cdFieldsInUse(to)]) {
    const word = wordOf(field);
    if (((from[word] ?? 0) ^ (to[word] ?? 0)) & maskInWord(field)) found.add(word >> 1);
  }
  return [...found].sort((a, b) => a - b);
}

/** An STE or CD as 32-bit words. */
export function wordsOf(doublewords: readonly bigint[]): Uint32Array {
  return new Uint32Array(BigUint64Array.from(doublewords).buffer);
}

/**
 * The structure that a guest or a host has changed between two readings of a stream's
 * configuration with one CFGI too few; undefined when there is none.
 */
export function missedChange({ ste, cd, readings }: ConfigSuspect): 'STE' | 'CD' | undefined {
  if (!readings || !ste.old || !cd.old) return undefined;
  const most = readings.cfgis;
  const stes = steDoublewordsInUse(wordsOf(ste.old), wordsOf(ste.now)).length;
  if (stes > 0) return stes > most ? 'STE' : undefined;
  if (readings.cds)
    return cdDoublewordsInUse(wordsOf(cd.old), wordsOf(cd.now)).length > most ? 'CD' : undefined;
  // The first reading ended before the CD, at a level-1 descriptor.
  return most === 0 ? 'CD' : undefined;
}
