// SPDX-License-Identifier: MIT
// The CD of a guest's stream, in guest memory (IHI 0070 section 5.3).

import { CD_SIZE, L1CD_SIZE, L1CD_V } from '../../../assembly/layout/cd.ts';
import { IDR1_SSIDSIZE } from '../../../assembly/layout/smmu-registers.ts';
import {
  STE_S1CDMAX,
  STE_S1CONTEXTPTR_HI,
  STE_S1CONTEXTPTR_LO,
  STE_S1FMT,
  STE_S1FMT_4K,
  STE_S1FMT_64K,
} from '../../../assembly/layout/ste.ts';
import { bitsOf, fieldOf, type GuestMemory } from '../../plugin/index.ts';
import { guestStructure } from '../../tables/guest-structure.ts';
import type { SmmuIdRegisters } from '../id-registers.ts';

const L2PTR_MASK = 0x000f_ffff_ffff_f000n;
/** SubstreamID bits that index a leaf table. */
const LEAF_BITS = new Map([
  [STE_S1FMT_4K, 6],
  [STE_S1FMT_64K, 10],
]);

/** A step of the search for a CD. */
export interface CdPlace {
  /** Address of the level-1 descriptor or the CD. */
  readonly address: number;
  readonly what: 'level-1 CD descriptor' | 'CD';
  /** The field or descriptor that points to it, with its value. */
  readonly pointer: string;
}

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

/**
 * The fetches for the CD of a SubstreamID, in order. The last is the CD, unless its
 * level-1 descriptor is invalid or not in RAM.
 * @param substreams log2 of the number of CDs: S1CDMax, or 0 when the SMMU has no
 *   substreams.
 */
export function cdPlaces(
  memory: Pick<GuestMemory, 'load64'>,
  ste: Uint32Array,
  ssid: number,
  substreams: number,
): CdPlace[] {
  const first =
    fieldOf(ste, STE_S1CONTEXTPTR_HI) * 2 ** 32 + fieldOf(ste, STE_S1CONTEXTPTR_LO) * 64;
  const pointer = `STE.S1ContextPtr = ${hex(first)}`;
  const leafBits = substreams === 0 ? undefined : LEAF_BITS.get(fieldOf(ste, STE_S1FMT));
  if (leafBits === undefined) return [{ address: first + ssid * CD_SIZE, what: 'CD', pointer }];
  const slot = first + (ssid >>> leafBits) * L1CD_SIZE;
  const level1: CdPlace = { address: slot, what: 'level-1 CD descriptor', pointer };
  const descriptor = memory.load64(slot);
  if (descriptor === undefined || !bitsOf(Number(descriptor & 0xffff_ffffn), L1CD_V))
    return [level1];
  const size = CD_SIZE * 2 ** leafBits;
  const table = Number(descriptor & L2PTR_MASK);
  const address = table - (table % size) + (ssid % 2 ** leafBits) * CD_SIZE;
  const why = `the level-1 CD descriptor ${hex(descriptor)} at ${hex(slot)}`;
  return [level1, { address, what: 'CD', pointer: why }];
}

/**
 * Address of the CD of a SubstreamID; undefined when its level-1 descriptor is invalid,
 * or not in RAM.
 */
export function locateCd(
  memory: Pick<GuestMemory, 'load64'>,
  ste: Uint32Array,
  ssid: number,
  substreams: number,
): number | undefined {
  const last = cdPlaces(memory, ste, ssid, substreams).at(-1);
  return last?.what === 'CD' ? last.address : undefined;
}

/** log2 of a stream's number of CDs, for an SMMU with these registers. */
export function substreamsOf(ste: Uint32Array, { idr1 }: SmmuIdRegisters): number {
  return bitsOf(idr1, IDR1_SSIDSIZE) === 0 ? 0 : fieldOf(ste, STE_S1CDMAX);
}

/**
 * The CD of a SubstreamID.
 * @param ids determine the substreams that the SMMU supports.
 * @returns 16 words; undefined when there is none.
 */
export function guestCd(
  memory: GuestMemory,
  ste: Uint32Array,
  ssid: number,
  ids: SmmuIdRegisters,
): Uint32Array<ArrayBuffer> | undefined {
  const address = locateCd(memory, ste, ssid, substreamsOf(ste, ids));
  return address === undefined ? undefined : guestStructure(memory, address, CD_SIZE);
}
