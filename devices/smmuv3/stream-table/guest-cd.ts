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
import type { SmmuIdRegisters } from '../id-registers.ts';

const L1CD_SIZE = 8;
const L2PTR_MASK = 0x000f_ffff_ffff_f000n;
/** SubstreamID bits that index a leaf table. */
const LEAF_BITS = new Map([
  [STE_S1FMT_4K, 6],
  [STE_S1FMT_64K, 10],
]);

/** 64-bit words as a structure of 32-bit ones; undefined where they are not all in RAM. */
export function guestStructure(
  memory: GuestMemory,
  gpa: number,
  bytes: number,
): Uint32Array<ArrayBuffer> | undefined {
  const words = new BigUint64Array(bytes / 8);
  for (let i = 0; i < words.length; i++) {
    const word = memory.load64(gpa + 8 * i);
    if (word === undefined) return undefined;
    words[i] = word;
  }
  return new Uint32Array(words.buffer);
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
  const pointer =
    fieldOf(ste, STE_S1CONTEXTPTR_HI) * 2 ** 32 + fieldOf(ste, STE_S1CONTEXTPTR_LO) * 64;
  const substreams = bitsOf(ids.idr1, IDR1_SSIDSIZE) === 0 ? 0 : fieldOf(ste, STE_S1CDMAX);
  const leafBits = substreams === 0 ? undefined : LEAF_BITS.get(fieldOf(ste, STE_S1FMT));
  if (leafBits === undefined) return guestStructure(memory, pointer + ssid * CD_SIZE, CD_SIZE);
  const descriptor = memory.load64(pointer + (ssid >>> leafBits) * L1CD_SIZE);
  if (descriptor === undefined || !bitsOf(Number(descriptor & 0xffff_ffffn), L1CD_V))
    return undefined;
  const size = CD_SIZE * 2 ** leafBits;
  const table = Number(descriptor & L2PTR_MASK);
  return guestStructure(memory, table - (table % size) + (ssid % 2 ** leafBits) * CD_SIZE, CD_SIZE);
}
