// SPDX-License-Identifier: MIT
// Address decoding of the CMDQV's region: CONFIG page, direct views of all VCMDQs,
// logical views of each VINTF's VCMDQs.

import {
  CMDQV_DIRECT_PAGE0,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_LOGICAL_STRIDE,
  CMDQV_MAX_VINTFS,
  CMDQV_PAGE_SIZE,
  VCMDQ_CONS,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import { checkInteger } from '../plugin/known-values.ts';

/** Target of an access to VCMDQ registers. */
export interface VcmdqAddress {
  /** VINTF of a logical view; undefined in the direct view. */
  readonly vintf: number | undefined;
  /**
   * LVCMDQ in a logical view, VCMDQ in the direct view: 0 to 511. The caller checks it
   * against the number that exists.
   */
  readonly slot: number;
  /** 0: CONS to GERRORN, 1: BASE and CONS_INDX_BASE. */
  readonly page: 0 | 1;
  /** Byte offset in the slot. */
  readonly register: number;
}

/**
 * Size of the region of a CMDQV with this many VINTFs, in bytes.
 * @throws {TypeError|RangeError} unless it is an integer from 1 to 64.
 */
export function cmdqvRegionSize(vintfs: number): number {
  checkInteger(vintfs, 1, CMDQV_MAX_VINTFS, 'cmdqvRegionSize: vintfs');
  return CMDQV_LOGICAL_PAGE0 + vintfs * CMDQV_LOGICAL_STRIDE;
}

/** Decodes an offset after the CONFIG page; undefined for one within it. */
export function vcmdqAddress(offset: number): VcmdqAddress | undefined {
  if (offset < CMDQV_DIRECT_PAGE0) return undefined;
  const direct = offset < CMDQV_LOGICAL_PAGE0;
  const inViews = offset - (direct ? CMDQV_DIRECT_PAGE0 : CMDQV_LOGICAL_PAGE0);
  const inPage = inViews % CMDQV_PAGE_SIZE;
  return {
    vintf: direct ? undefined : Math.floor(inViews / CMDQV_LOGICAL_STRIDE),
    slot: Math.floor(inPage / VCMDQ_STRIDE),
    page: inViews % CMDQV_LOGICAL_STRIDE < CMDQV_PAGE_SIZE ? 0 : 1,
    register: inPage % VCMDQ_STRIDE,
  };
}

/** CONS of a VCMDQ, in any view. */
export function isVcmdqCons(offset: number): boolean {
  const at = vcmdqAddress(offset);
  return at?.page === 0 && at.register === VCMDQ_CONS;
}
