// SPDX-License-Identifier: MIT
// The steps in which a driver changes a stream table entry while its device is active.
// The SMMU may read the entry at any moment, one 64-bit doubleword at a time (IHI 0070
// section 3.21.3.1). The driver first changes what the entry's Config does not use, then
// one doubleword in use, then clears the rest: at no point is the entry anything but the
// old one or the new one. Where two doublewords in use differ, the entry has to be
// invalid in between.

import {
  STE_CONFIG,
  STE_CONFIG_BYPASS,
  STE_EATS,
  STE_EATS_SPLIT,
  STE_MEV,
  STE_S1CDMAX,
  STE_S1CIR,
  STE_S1CONTEXTPTR_HI,
  STE_S1CONTEXTPTR_LO,
  STE_S1COR,
  STE_S1CSH,
  STE_S1DSS,
  STE_S1DSS_BYPASS,
  STE_S1FMT,
  STE_S1STALLD,
  STE_S2AA64,
  STE_S2AFFD,
  STE_S2DS,
  STE_S2ENDI,
  STE_S2FWB,
  STE_S2HA,
  STE_S2HD,
  STE_S2IR0,
  STE_S2OR0,
  STE_S2PS,
  STE_S2PTW,
  STE_S2R,
  STE_S2S,
  STE_S2SH0,
  STE_S2SL0,
  STE_S2SL0_2,
  STE_S2T0SZ,
  STE_S2TG,
  STE_S2TTB_HI,
  STE_S2TTB_LO,
  STE_S2VMID,
  STE_SHCFG,
  STE_STRW,
  STE_V,
} from '../../assembly/layout/ste.ts';
import { type Field, fieldOf, maskInWord, wordOf } from '../../devices/plugin/index.ts';

/** Config[0]: stage 1 translates; Config[1]: stage 2 does. */
const CONFIG_STAGE1 = 1;
const CONFIG_STAGE2 = 2;

const BOTH_STAGES = [STE_EATS, STE_MEV, STE_S2VMID];
const STAGE1 = [
  STE_S1FMT,
  STE_S1CONTEXTPTR_LO,
  STE_S1CONTEXTPTR_HI,
  STE_S1CDMAX,
  STE_S1DSS,
  STE_S1CIR,
  STE_S1COR,
  STE_S1CSH,
  STE_S1STALLD,
  STE_STRW,
  ...BOTH_STAGES,
];
const STAGE2 = [
  STE_S2FWB,
  STE_SHCFG,
  STE_S2T0SZ,
  STE_S2SL0,
  STE_S2IR0,
  STE_S2OR0,
  STE_S2SH0,
  STE_S2TG,
  STE_S2PS,
  STE_S2AA64,
  STE_S2ENDI,
  STE_S2AFFD,
  STE_S2PTW,
  STE_S2HD,
  STE_S2HA,
  STE_S2S,
  STE_S2R,
  STE_S2SL0_2,
  STE_S2DS,
  STE_S2TTB_LO,
  STE_S2TTB_HI,
  ...BOTH_STAGES,
];

/** The fields of an entry that an SMMU uses. */
function fieldsInUse(ste: Uint32Array): readonly Field[] {
  if (fieldOf(ste, STE_V) === 0) return [STE_V];
  const config = fieldOf(ste, STE_CONFIG);
  const translates = config > STE_CONFIG_BYPASS;
  const bypasses =
    config === STE_CONFIG_BYPASS || (translates && fieldOf(ste, STE_S1DSS) === STE_S1DSS_BYPASS);
  return [
    STE_V,
    STE_CONFIG,
    ...(translates && config & CONFIG_STAGE1 ? STAGE1 : []),
    ...(translates && config & CONFIG_STAGE2 ? STAGE2 : []),
    ...(bypasses ? [STE_SHCFG] : []),
  ];
}

/**
 * Fields that may change in any order although they are in use. Without MEV, an SMMU may
 * merge events (7.3.1). EATS permits or refuses requests of a device that was trusted
 * with them before or is now; but split-stage ATS has addresses of another kind, and S2S
 * forbids full ATS.
 */
function anyOrder(from: Uint32Array, to: Uint32Array): readonly Field[] {
  const eats = [from, to].every(
    (ste) => fieldOf(ste, STE_EATS) !== STE_EATS_SPLIT && fieldOf(ste, STE_S2S) === 0,
  );
  return eats ? [STE_MEV, STE_EATS] : [STE_MEV];
}

function maskOf(words: number, fields: readonly Field[]): Uint32Array {
  const mask = new Uint32Array(words);
  for (const field of fields) {
    const word = wordOf(field);
    mask[word] = (mask[word] ?? 0) | maskInWord(field);
  }
  return mask;
}

/** An entry with one doubleword of another entry. */
function withDoubleword(ste: Uint32Array, doubleword: number, from: Uint32Array): Uint32Array {
  return ste.map((word, i) => (i >> 1 === doubleword ? (from[i] ?? 0) : word));
}

/**
 * Doublewords, numbered from 0, in which two STEs differ in a field that either of them
 * uses and whose order matters. With more than one, a driver needs more than one step.
 */
export function steDoublewordsInUse(from: Uint32Array, to: Uint32Array): number[] {
  const [before, after] = [from, to].map((ste) => maskOf(ste.length, fieldsInUse(ste)));
  const free = maskOf(from.length, anyOrder(from, to));
  const differs = (i: number) =>
    ((from[i] ?? 0) ^ (to[i] ?? 0)) & ((before?.[i] ?? 0) | (after?.[i] ?? 0)) & ~(free[i] ?? 0);
  return Array.from({ length: from.length / 2 }, (_, i) => i).filter(
    (i) => differs(2 * i) || differs(2 * i + 1),
  );
}

const INVALID = new Uint32Array(2);

/**
 * The steps from one STE to another: the entry's contents after each step. The driver
 * issues CFGI_STE and CMD_SYNC between steps. Empty when nothing changes.
 */
export function steUpdate(from: Uint32Array, to: Uint32Array): Uint32Array[] {
  const inUse = maskOf(from.length, fieldsInUse(from));
  const free = maskOf(from.length, anyOrder(from, to));
  const wanted = maskOf(to.length, fieldsInUse(to));
  const prepared = from.map((word, i) => {
    const kept = (inUse[i] ?? 0) & ~(free[i] ?? 0);
    return (word & kept) | ((to[i] ?? 0) & ~kept);
  });
  const differs = (i: number) => (((prepared[i] ?? 0) ^ (to[i] ?? 0)) & (wanted[i] ?? 0)) !== 0;
  const critical = Array.from(to.keys())
    .filter((i) => i % 2 === 0 && (differs(i) || differs(i + 1)))
    .map((i) => i / 2);
  const [doubleword] = critical;
  if (critical.length > 1)
    return [withDoubleword(from, 0, INVALID), withDoubleword(to, 0, INVALID), to];
  const steps =
    doubleword === undefined
      ? [to]
      : [withDoubleword(prepared, doubleword, from), withDoubleword(prepared, doubleword, to), to];
  return steps.filter((step, i) =>
    step.some((word, at) => word !== ((i === 0 ? from : steps[i - 1])?.[at] ?? 0)),
  );
}
