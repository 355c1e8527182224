// The CD of a guest's stream, in guest memory (IHI 0070 section 5.3).

import { CD_SIZE, L1CD_V } from '../../../assembly/layout/cd.ts';
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

const L1CD_SIZE = 8;
const L2PTR_MASK = 0x000f_ffff_ffff_f000n;
/** SubstreamID bits that index a leaf table. */
const LEAF_BITS = new Map([
  [STE_S1FMT_4K, 6],
  [STE_S1FMT_64K, 10],
]);

/**
 * Where the CD of a SubstreamID lies; undefined where its level-1 descriptor is invalid, or not in RAM.
 * @param substreams log2 of the CDs: S1CDMax, or 0 where the SMMU has no substreams.
 */
export function locateCd(
  memory: Pick<GuestMemory, 'load64'>,
  ste: Uint32Array,
  ssid: number,
  substreams: number,
): number | undefined {
  const pointer =
    fieldOf(ste, STE_S1CONTEXTPTR_HI) * 2 ** 32 + fieldOf(ste, STE_S1CONTEXTPTR_LO) * 64;
  const leafBits = substreams === 0 ? undefined : LEAF_BITS.get(fieldOf(ste, STE_S1FMT));
  if (leafBits === undefined) return pointer + ssid * CD_SIZE;
  const descriptor = memory.load64(pointer + (ssid >>> leafBits) * L1CD_SIZE);
  if (descriptor === undefined || !bitsOf(Number(descriptor & 0xffff_ffffn), L1CD_V))
    return undefined;
  const size = CD_SIZE * 2 ** leafBits;
  const table = Number(descriptor & L2PTR_MASK);
  return table - (table % size) + (ssid % 2 ** leafBits) * CD_SIZE;
}

/**
 * The CD of a SubstreamID.
 * @param ids which substreams the SMMU has.
 * @returns 16 words; undefined where there is none.
 */
export function guestCd(
  memory: GuestMemory,
  ste: Uint32Array,
  ssid: number,
  ids: SmmuIdRegisters,
): Uint32Array<ArrayBuffer> | undefined {
  const substreams = bitsOf(ids.idr1, IDR1_SSIDSIZE) === 0 ? 0 : fieldOf(ste, STE_S1CDMAX);
  const address = locateCd(memory, ste, ssid, substreams);
  return address === undefined ? undefined : guestStructure(memory, address, CD_SIZE);
}
