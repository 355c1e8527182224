// SPDX-License-Identifier: MIT
// The configuration of a stream from the structures in memory: STE, CD, tables. The
// SMMU's caches may contain older ones.

import * as CD from '../../assembly/layout/cd.ts';
import * as STE from '../../assembly/layout/ste.ts';
import {
  BY_TG0,
  BY_TG1,
  startLevelOf,
} from '../../devices/decode/refusals/table-shape-refusals.ts';
import { fieldOf } from '../../devices/plugin/index.ts';
import type { Granule } from '../../devices/tables/index.ts';
import { entryShift, firstLevel } from '../../devices/tables/table-geometry.ts';
import type { Tables } from './table-walk.ts';

/** An address in two fields: the lower one starts at bit `low`. */
function addressOf(words: Uint32Array, lo: number, low: number, hi: number): number {
  return fieldOf(words, hi) * 2 ** 32 + fieldOf(words, lo) * 2 ** low;
}

/** The stages of translation of an STE's streams. */
export function stagesOf(ste: Uint32Array): { readonly one: boolean; readonly two: boolean } {
  const config = fieldOf(ste, STE.STE_V) ? fieldOf(ste, STE.STE_CONFIG) : STE.STE_CONFIG_ABORT;
  const has = (stage: number) => (config & stage) === stage;
  return { one: has(STE.STE_CONFIG_S1), two: has(STE.STE_CONFIG_S2) };
}

/** Aligns a table to its size. */
function aligned(root: number, granule: Granule, inputBits: number, startLevel: number): number {
  const size = Math.max(64, 2 ** (inputBits - entryShift(granule, startLevel) + 3));
  return root - (root % size);
}

/** The stage-1 tables of a CD for an address, or the reason why there are none. */
export function stage1Tables(cd: Uint32Array, input: bigint): Tables | { readonly why: string } {
  const isUpper = ((input >> 55n) & 1n) === 1n;
  const half = isUpper
    ? { size: CD.CD_T1SZ, tg: CD.CD_TG1, epd: CD.CD_EPD1, tbi: CD.CD_TBI1 }
    : { size: CD.CD_T0SZ, tg: CD.CD_TG0, epd: CD.CD_EPD0, tbi: CD.CD_TBI0 };
  const name = isUpper ? 'upper' : 'lower';
  if (fieldOf(cd, half.epd)) return { why: `the ${name} half is disabled (EPD${+isUpper})` };
  const granule = (isUpper ? BY_TG1 : BY_TG0)[fieldOf(cd, half.tg)];
  if (granule === undefined) return { why: `TG${+isUpper} is reserved` };
  const inputBits = 64 - fieldOf(cd, half.size);
  const top = fieldOf(cd, half.tbi) ? 56n : 64n;
  const above = BigInt.asUintN(Number(top), input) >> BigInt(inputBits);
  const ones = (1n << (top - BigInt(inputBits))) - 1n;
  if (above !== (isUpper ? ones : 0n))
    return { why: `the address is outside of the ${name} half, which has ${inputBits} bits` };
  const startLevel = firstLevel(granule, inputBits);
  const root = isUpper
    ? addressOf(cd, CD.CD_TTB1_LO, 4, CD.CD_TTB1_HI)
    : addressOf(cd, CD.CD_TTB0_LO, 4, CD.CD_TTB0_HI);
  return {
    stage: 1,
    root: aligned(root, granule, inputBits, startLevel),
    granule,
    inputBits,
    startLevel,
    ds: fieldOf(cd, CD.CD_DS) !== 0,
    isBigEndian: fieldOf(cd, CD.CD_ENDI) !== 0,
  };
}

/** The stage-2 tables of an STE for an IPA, or the reason why there are none. */
export function stage2Tables(ste: Uint32Array, ipa: bigint): Tables | { readonly why: string } {
  const granule = BY_TG0[fieldOf(ste, STE.STE_S2TG)];
  if (granule === undefined) return { why: 'S2TG is reserved' };
  const inputBits = 64 - fieldOf(ste, STE.STE_S2T0SZ);
  if (ipa >> BigInt(inputBits) !== 0n) return { why: `the IPA has more than ${inputBits} bits` };
  const ds = fieldOf(ste, STE.STE_S2DS) !== 0;
  const [sl0, sl2] = [fieldOf(ste, STE.STE_S2SL0), fieldOf(ste, STE.STE_S2SL0_2)];
  const startLevel = startLevelOf(granule, sl0, sl2, ds);
  if (startLevel === undefined) return { why: 'S2SL0 is reserved' };
  const root = addressOf(ste, STE.STE_S2TTB_LO, 4, STE.STE_S2TTB_HI);
  return {
    stage: 2,
    root: aligned(root, granule, inputBits, startLevel),
    granule,
    inputBits,
    startLevel,
    ds,
    isBigEndian: fieldOf(ste, STE.STE_S2ENDI) !== 0,
  };
}
