// SPDX-License-Identifier: MIT
// Why a transaction has no STE, or no CD: its StreamID or SubstreamID, and the table
// without an entry for it.

import {
  C_BAD_STREAMID,
  C_BAD_SUBSTREAMID,
  F_STE_FETCH,
  F_STREAM_DISABLED,
} from '../../../assembly/layout/events.ts';
import { IDR1_SSIDSIZE, IDR5_OAS } from '../../../assembly/layout/smmu-registers.ts';
import {
  L1STD_SIZE,
  L1STD_SPAN,
  STE_CONFIG,
  STE_S1CDMAX,
  STE_S1DSS,
  STE_S1DSS_BYPASS,
  STE_S1DSS_CD0,
} from '../../../assembly/layout/ste.ts';
import type { WalkRefusal } from '../../decode/refusals/index.ts';
import { bitsOf, fieldOf, type GuestMemory } from '../../plugin/index.ts';
import { addressSizeOf } from '../../tables/index.ts';
import type { SmmuIdRegisters } from '../id-registers.ts';
import type { StreamTableShape } from '../table-shapes.ts';
import { cdPlaces, substreamsOf } from './guest-cd.ts';
import { level1Table, locateSte } from './locate-ste.ts';

type Memory = Pick<GuestMemory, 'load64'>;

/** Address bits when OAS is reserved. */
const MOST_BITS = 52;
/** Sections that define the events. */
const SECTIONS = new Map([
  [C_BAD_STREAMID, '7.3.3'],
  [F_STE_FETCH, '7.3.4'],
  [F_STREAM_DISABLED, '7.3.7'],
  [C_BAD_SUBSTREAMID, '7.3.9'],
]);

const because = (event: number, text: string): WalkRefusal => ({
  event,
  text,
  section: SECTIONS.get(event) ?? '7.3',
});

const hasStage1 = (ste: Uint32Array) => (fieldOf(ste, STE_CONFIG) & 1) !== 0;
const hex = (value: number | bigint) => `0x${value.toString(16)}`;

/** Why a stream has no STE, or one that cannot be read (C_BAD_STREAMID, F_STE_FETCH). */
export function streamReason(
  table: StreamTableShape,
  sid: number,
  memory: Memory,
): WalkRefusal | undefined {
  const load64 = (address: number) => memory.load64(address);
  const { base, log2size, split } = table;
  const stream = `StreamID ${hex(sid)}`;
  if (sid >= 2 ** log2size)
    return because(
      C_BAD_STREAMID,
      `${stream} is not below 2^${log2size}, by STRTAB_BASE_CFG.LOG2SIZE and IDR1.SIDSIZE`,
    );
  let pointer = `STRTAB_BASE.ADDR = ${hex(base)}`;
  const unreadable = (what: string, address: number) =>
    because(F_STE_FETCH, `${pointer} points to ${what} at ${hex(address)}, which is not memory`);
  if (split !== undefined) {
    const slot = base + Math.floor(sid / 2 ** split) * L1STD_SIZE;
    const descriptor = load64(slot);
    if (descriptor === undefined) return unreadable('a level-1 stream table descriptor', slot);
    pointer = `the level-1 stream table descriptor ${hex(descriptor)} at ${hex(slot)}`;
    const span = `Span = ${bitsOf(Number(descriptor & 0xffff_ffffn), L1STD_SPAN)}`;
    const entries = level1Table(descriptor, split)?.entries;
    if (entries === undefined)
      return because(
        C_BAD_STREAMID,
        `${pointer} is invalid: ${span}, STRTAB_BASE_CFG.SPLIT = ${split}`,
      );
    if (sid % 2 ** split >= entries)
      return because(C_BAD_STREAMID, `${pointer} has ${span}: no STE for ${stream}`);
  }
  const address = locateSte(table, sid, load64);
  if (typeof address !== 'number' || load64(address) !== undefined) return undefined;
  return unreadable('an STE', address);
}

/**
 * Why transactions without a SubstreamID, or with SubstreamID 0, are not allowed in a
 * stream (F_STREAM_DISABLED); the record does not tell which of the two.
 */
export function disabledReason(ste: Uint32Array, ids: SmmuIdRegisters): WalkRefusal | undefined {
  const dss = fieldOf(ste, STE_S1DSS);
  if (!hasStage1(ste) || substreamsOf(ste, ids) === 0 || dss === STE_S1DSS_BYPASS) return undefined;
  const which =
    dss === STE_S1DSS_CD0
      ? 'CD 0 is not for transactions with SubstreamID 0'
      : 'there is no CD for transactions without a SubstreamID';
  return because(
    F_STREAM_DISABLED,
    `STE.S1DSS = ${dss} with STE.S1CDMax = ${fieldOf(ste, STE_S1CDMAX)}: ${which}`,
  );
}

/**
 * Why a stream has no CD for a SubstreamID, which is 0 for a transaction without one
 * (C_BAD_SUBSTREAMID).
 * @param shown registers that the guest sees, which determine its substreams.
 * @param physical registers of the SMMU that reads the CDs.
 */
export function substreamReason(
  ste: Uint32Array,
  ssid: number,
  memory: Memory,
  shown: SmmuIdRegisters,
  physical: SmmuIdRegisters,
): WalkRefusal | undefined {
  const refused = (why: string) =>
    because(C_BAD_SUBSTREAMID, `SubstreamID ${hex(ssid)}, but ${why}`);
  if (!hasStage1(ste)) return refused(`STE.Config = ${fieldOf(ste, STE_CONFIG)} has no stage 1`);
  const substreams = substreamsOf(ste, shown);
  const places = cdPlaces(memory, ste, ssid, substreams);
  const most = `STE.S1CDMax = ${fieldOf(ste, STE_S1CDMAX)}`;
  if (substreams === 0)
    return refused(`${most} with IDR1.SSIDSIZE = ${bitsOf(shown.idr1, IDR1_SSIDSIZE)}`);
  if (ssid >= 2 ** substreams) return refused(most);
  const level1 = places.find(({ what }) => what === 'level-1 CD descriptor');
  const descriptor = level1 && memory.load64(level1.address);
  if (level1 === undefined || descriptor === undefined) return undefined;
  const where = `the level-1 CD descriptor ${hex(descriptor)} at ${hex(level1.address)}`;
  if (places.length === 1) return refused(`${where} is invalid`);
  // The limit is that of the SMMU that reads the pointer.
  const bits = addressSizeOf(bitsOf(physical.idr5, IDR5_OAS)) ?? MOST_BITS;
  const isBeyond = (places[1]?.address ?? 0) >= 2 ** bits;
  return isBeyond ? refused(`${where} is beyond the ${bits} bits of IDR5.OAS`) : undefined;
}
