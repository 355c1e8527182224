// SPDX-License-Identifier: MIT
// Finds a stream's STE in a stream table of either format (IHI 0070 section 3.3.1).

import { C_BAD_STREAMID, F_STE_FETCH } from '../../../assembly/layout/events.ts';
import { L1STD_SIZE, L1STD_SPAN, STE_SIZE } from '../../../assembly/layout/ste.ts';
import { bitsOf } from '../../plugin/index.ts';
import type { StreamTableShape } from '../table-shapes.ts';

const L2PTR_MASK = 0x000f_ffff_ffff_ffc0n;

/**
 * Why a stream has no STE: C_BAD_STREAMID, or F_STE_FETCH with the address that cannot be
 * read.
 */
export interface SteMissing {
  readonly error: typeof C_BAD_STREAMID | typeof F_STE_FETCH;
  readonly fetchAddress: number;
}

const OUT_OF_RANGE: SteMissing = { error: C_BAD_STREAMID, fetchAddress: 0 };

/**
 * The level-2 table of a level-1 descriptor: its address and its number of STEs.
 * @returns undefined when the descriptor is invalid.
 */
export function level1Table(
  descriptor: bigint,
  split: number,
): { readonly base: number; readonly entries: number } | undefined {
  const span = bitsOf(Number(descriptor & 0xffffffffn), L1STD_SPAN);
  if (span === 0 || span > split + 1) return undefined;
  const entries = 2 ** (span - 1);
  const table = Number(descriptor & L2PTR_MASK);
  return { base: table - (table % (STE_SIZE * entries)), entries };
}

/**
 * The address of a stream's STE. The level-1 descriptor is read again each time.
 * @param load64 reads an aligned 64-bit word; undefined when it cannot be read.
 */
export function locateSte(
  { base, log2size, split }: StreamTableShape,
  sid: number,
  load64: (address: number) => bigint | undefined,
): number | SteMissing {
  if (sid >= 2 ** log2size) return OUT_OF_RANGE;
  if (split === undefined) return base + sid * STE_SIZE;
  const slot = base + Math.floor(sid / 2 ** split) * L1STD_SIZE;
  const descriptor = load64(slot);
  if (descriptor === undefined) return { error: F_STE_FETCH, fetchAddress: slot };
  const table = level1Table(descriptor, split);
  const index = sid % 2 ** split;
  return table && index < table.entries ? table.base + index * STE_SIZE : OUT_OF_RANGE;
}
