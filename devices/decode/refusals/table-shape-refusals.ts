// SPDX-License-Identifier: MIT
// Sizes and granules of translation tables that an SMMU refuses, for CDs and for stage 2.

import {
  IDR5_DS,
  IDR5_GRAN4K,
  IDR5_GRAN16K,
  IDR5_GRAN64K,
  IDR5_OAS,
  IDR5_VAX,
} from '../../../assembly/layout/smmu-registers.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K, type Granule } from '../../tables/index.ts';
import { SHIFTS } from '../../tables/table-geometry.ts';
import { granuleText } from '../meanings.ts';
import {
  addressBitsOf,
  type JudgingRegisters,
  type Named,
  type Refusal,
  registerField,
  told,
} from './refusal.ts';

/** Maximum T0SZ and T1SZ without small translation tables. */
export const MAX_TSZ = 39;

/** Granules by TG0 and S2TG, and by TG1; undefined: reserved. */
export const BY_TG0: readonly (Granule | undefined)[] = [GRANULE_4K, GRANULE_64K, GRANULE_16K];
export const BY_TG1: readonly (Granule | undefined)[] = [
  undefined,
  GRANULE_16K,
  GRANULE_4K,
  GRANULE_64K,
];

const ADVERTISED = {
  [GRANULE_4K]: ['GRAN4K', IDR5_GRAN4K],
  [GRANULE_16K]: ['GRAN16K', IDR5_GRAN16K],
  [GRANULE_64K]: ['GRAN64K', IDR5_GRAN64K],
} as const;

/** Checks that the granule is not reserved, and that the SMMU supports it. */
export function* granuleRefusals(
  tg: Named,
  granule: Granule | undefined,
  { idr5 }: JudgingRegisters,
  section: string,
): Generator<Refusal> {
  if (granule === undefined) {
    yield { text: `${told(tg)} is reserved`, section };
    return;
  }
  const [name, field] = ADVERTISED[granule];
  const advertised = registerField('IDR5', idr5)(name, field);
  if (advertised.value === 0)
    yield { text: `${told(tg)}, ${granuleText(granule)}, but ${told(advertised)}`, section };
}

/**
 * CD.DS and STE.S2DS have an effect if the SMMU supports them, for granules of 4 and 16
 * KiB.
 */
export function hasLpa2(granule: Granule, ds: Named, { idr5 }: JudgingRegisters): boolean {
  return (
    granule !== GRANULE_64K && ds.value !== 0 && registerField('', idr5)('', IDR5_DS).value !== 0
  );
}

/**
 * Smallest TxSZ: 52-bit inputs require 64 KiB granules or LPA2, and at stage 1 IDR5.VAX.
 */
export function minTsz(
  granule: Granule,
  lpa2: boolean,
  stage: 1 | 2,
  ids: JudgingRegisters,
): number {
  const isLarge = stage === 2 || registerField('', ids.idr5)('', IDR5_VAX).value === 1;
  return (granule === GRANULE_64K || lpa2) && isLarge ? 12 : 16;
}

export const oasOf = ({ idr5 }: JudgingRegisters) =>
  addressBitsOf(registerField('', idr5)('', IDR5_OAS).value);

/**
 * Bits of an output address: the value of IPS or S2PS, limited by OAS and by the
 * descriptor format.
 */
export function outputBits(
  size: Named,
  granule: Granule,
  lpa2: boolean,
  ids: JudgingRegisters,
): number {
  const bits = Math.min(addressBitsOf(size.value), oasOf(ids));
  return granule === GRANULE_64K || lpa2 ? bits : Math.min(bits, 48);
}

/** Checks that the first table is within the reach of table addresses. */
export function* baseRefusals(
  name: string,
  address: bigint,
  size: Named,
  granule: Granule,
  lpa2: boolean,
  ids: JudgingRegisters,
): Generator<Refusal> {
  const bits = outputBits(size, granule, lpa2, ids);
  if (address >> BigInt(bits) === 0n) return;
  yield {
    text:
      `${name} = 0x${address.toString(16)} is beyond ${bits} bits: ${told(size)} ` +
      `(${addressBitsOf(size.value)} bits), IDR5.OAS has ${oasOf(ids)}` +
      (granule === GRANULE_64K || lpa2 ? '' : `, and ${granuleText(granule)} without DS 48`),
    section: '3.4',
  };
}

/**
 * Level at which a stage 2 walk starts; undefined when the encoding is reserved for the
 * granule.
 */
export function startLevelOf(
  granule: Granule,
  sl0: number,
  sl2: number,
  lpa2: boolean,
): number | undefined {
  if (granule === GRANULE_4K) {
    if (lpa2 && sl2 !== 0) return sl0 === 0 ? -1 : undefined;
    return sl0 === 3 ? undefined : 2 - sl0;
  }
  return sl0 === 3 && !(granule === GRANULE_16K && lpa2) ? undefined : 3 - sl0;
}

/** Smallest OAS for which a start level is allowed (DDI 0487 R_SRKBC, R_DXBSH). */
export function oasOfStart(granule: Granule, sl0: number): number {
  if (sl0 === 2) return granule === GRANULE_16K ? 42 : 44;
  return sl0 === 3 ? 52 : 0;
}

/** Index bits of a full table. */
export const indexBits = (granule: Granule) => SHIFTS[granule] - 3;
