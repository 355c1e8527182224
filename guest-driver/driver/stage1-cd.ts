// SPDX-License-Identifier: MIT
// Context descriptors: one for each address space, in the form that Linux uses for its
// DMA domains.

import {
  CD_A,
  CD_AA64,
  CD_ASET,
  CD_ASID,
  CD_EPD1,
  CD_IPS,
  CD_IR0,
  CD_OR0,
  CD_R,
  CD_SH0,
  CD_SIZE,
  CD_T0SZ,
  CD_V,
} from '../../assembly/layout/cd';
import { IDR5_OAS } from '../../assembly/layout/smmu-registers';
import { gpaOf } from '../runtime/abi';
import { bitsOf, place } from '../runtime/guest-fields';
import { allocate } from '../runtime/pages';
import { smmu } from './smmu';

/** T0SZ of a 48-bit input address. */
const T0SZ_48_BITS = 16;
const WRITE_BACK = 1;
const INNER_SHAREABLE = 3;
/**
 * MAIR: index 0 non-cacheable, 1 write-back, 2 device, 3 inner non-cacheable and outer
 * write-back.
 */
const MAIR: u64 = 0xf404ff44;

/**
 * Allocates invalid CDs, one for each substream.
 * @param cdMax log2 of their number.
 * @returns their memory offset, 0 when memory is exhausted.
 */
export function allocateContextDescriptors(cdMax: u32): usize {
  const size = (<usize>CD_SIZE) << cdMax;
  return allocate(size, size);
}

/**
 * Writes a CD: one table at TTB0, 4 KiB granule, 48-bit addresses, faults recorded and
 * aborted.
 * @param cd memory offset, CD_SIZE bytes, 64-byte aligned.
 * @param table memory offset of the level-0 table.
 * @param shared the vCPUs use this ASID, too, and their broadcast TLBIs apply to this CD
 *   (ASET = 0).
 */
export function writeContextDescriptor(
  cd: usize,
  table: usize,
  asid: u32,
  shared: bool = false,
): void {
  const word0 =
    place(CD_T0SZ, T0SZ_48_BITS) |
    place(CD_IR0, WRITE_BACK) |
    place(CD_OR0, WRITE_BACK) |
    place(CD_SH0, INNER_SHAREABLE) |
    place(CD_EPD1, 1) |
    place(CD_V, 1);
  const word1 =
    place(CD_IPS, bitsOf(smmu().idr5, IDR5_OAS)) |
    place(CD_AA64, 1) |
    place(CD_R, 1) |
    place(CD_A, 1) |
    place(CD_ASET, shared ? 0 : 1) |
    place(CD_ASID, asid);
  memory.fill(cd, 0, CD_SIZE);
  store<u64>(cd, gpaOf(table), 8);
  store<u64>(cd, MAIR, 24);
  atomic.store<u64>(cd, ((<u64>word1) << 32) | word0);
}
