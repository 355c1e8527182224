// SPDX-License-Identifier: MIT
// Registers of the CMDQV as data. Registers with a computed value (STATUS, the error
// maps) or stored in page 0 (VCMDQ_CONS to VCMDQ_GERRORN) are declared too, for their
// names; global-page.ts and the devices implement them.

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQ_ALLOC_LVCMDQ,
  CMDQ_ALLOC_VINTF,
  CMDQV_CMDQ_ALLOC,
  CMDQV_CMDQ_ERR_MAP,
  CMDQV_CONFIG,
  CMDQV_CONFIG_RESET,
  CMDQV_CONFIG_WRITABLE,
  CMDQV_DIRECT_PAGE0,
  CMDQV_DIRECT_PAGE1,
  CMDQV_MAX_VCMDQS,
  CMDQV_MAX_VINTFS,
  CMDQV_PARAM,
  CMDQV_PARAM_NUM_SID_PER_VM_LOG2,
  CMDQV_PARAM_NUM_VCMDQ_LOG2,
  CMDQV_PARAM_NUM_VINTF_LOG2,
  CMDQV_PARAM_VER,
  CMDQV_SIDS_PER_VINTF,
  CMDQV_STATUS,
  CMDQV_VINTF,
  CMDQV_VINTF_ERR_MAP,
  CMDQV_VINTF_INT_MASK,
  CMDQV_VINTF_STRIDE,
  SID_MATCH_ENABLE,
  SID_MATCH_VIRT_SID,
  SID_REPLACE_PHYS_SID,
  VCMDQ_BASE,
  VCMDQ_BASE_ADDR_HI,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_CONS_INDX_BASE,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
  VINTF_CONFIG,
  VINTF_CONFIG_EN,
  VINTF_CONFIG_HYP_OWN,
  VINTF_CONFIG_VMID,
  VINTF_LVCMDQ_ERR_MAP,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
  VINTF_STATUS,
} from '../../assembly/layout/cmdqv-registers.ts';
import { maskInWord, type RegisterSpec, withBits } from '../plugin/index.ts';
import { isPowerOfTwo } from '../plugin/power-of-two.ts';

/** Configuration of a CMDQV, which determines PARAM and the size of its region. */
export interface CmdqvNumbers {
  /** Number of VINTFs, a power of two from 1 to 64. */
  readonly vintfs: number;
  /** Number of VCMDQs of the whole CMDQV, a power of two from `vintfs` to 128. */
  readonly vcmdqs: number;
  /** False where VINTF_CONFIG.HYP_OWN is wired to zero: in the guest's role. */
  readonly hypOwnWritable: boolean;
}

/** Names of the page-0 registers, by offset / 4. */
export const PAGE0_REGISTERS = ['CONS', 'PROD', 'CONFIG', 'STATUS', 'GERROR', 'GERRORN'] as const;

/**
 * @throws {RangeError} for numbers that PARAM cannot express, or that leave a VINTF
 *   without a VCMDQ.
 */
export function checkNumbers({ vintfs, vcmdqs }: CmdqvNumbers): void {
  if (!isPowerOfTwo(vintfs, CMDQV_MAX_VINTFS))
    throw new RangeError(
      `PhysicalCmdqv: vintfs must be a power of two from 1 to ${CMDQV_MAX_VINTFS}, not ${vintfs}`,
    );
  if (!isPowerOfTwo(vcmdqs, CMDQV_MAX_VCMDQS) || vcmdqs < vintfs)
    throw new RangeError(
      `PhysicalCmdqv: vcmdqs must be a power of two from ${vintfs}, which vintfs is, to ` +
        `${CMDQV_MAX_VCMDQS}, not ${vcmdqs}`,
    );
}

/** PARAM: version 1, and the numbers of VINTFs and VCMDQs. */
export function paramOf({ vintfs, vcmdqs }: CmdqvNumbers): number {
  let param = withBits(0, CMDQV_PARAM_VER, 1);
  param = withBits(param, CMDQV_PARAM_NUM_VCMDQ_LOG2, Math.log2(vcmdqs));
  param = withBits(param, CMDQV_PARAM_NUM_VINTF_LOG2, Math.log2(vintfs));
  return withBits(param, CMDQV_PARAM_NUM_SID_PER_VM_LOG2, Math.log2(CMDQV_SIDS_PER_VINTF));
}

function vintfRegisters(vintf: number, hypOwnWritable: boolean): RegisterSpec[] {
  const base = CMDQV_VINTF + vintf * CMDQV_VINTF_STRIDE;
  const config =
    maskInWord(VINTF_CONFIG_EN) |
    maskInWord(VINTF_CONFIG_VMID) |
    (hypOwnWritable ? maskInWord(VINTF_CONFIG_HYP_OWN) : 0);
  const match = maskInWord(SID_MATCH_ENABLE) | maskInWord(SID_MATCH_VIRT_SID);
  return [
    { name: `VINTF${vintf}_CONFIG`, offset: base + VINTF_CONFIG, writable: config },
    { name: `VINTF${vintf}_STATUS`, offset: base + VINTF_STATUS },
    {
      name: `VINTF${vintf}_SID_MATCH`,
      offset: base + VINTF_SID_MATCH,
      count: CMDQV_SIDS_PER_VINTF,
      writable: match,
    },
    {
      name: `VINTF${vintf}_SID_REPLACE`,
      offset: base + VINTF_SID_REPLACE,
      count: CMDQV_SIDS_PER_VINTF,
      writable: maskInWord(SID_REPLACE_PHYS_SID),
    },
    { name: `VINTF${vintf}_LVCMDQ_ERR_MAP`, offset: base + VINTF_LVCMDQ_ERR_MAP, count: 4 },
  ];
}

/**
 * Registers of the CONFIG page and the direct views; the logical views are aliases of
 * these.
 */
export function cmdqvRegisters(numbers: CmdqvNumbers): readonly RegisterSpec[] {
  const { vintfs, vcmdqs, hypOwnWritable } = numbers;
  const alloc =
    maskInWord(CMDQ_ALLOC_ALLOCATED) | maskInWord(CMDQ_ALLOC_LVCMDQ) | maskInWord(CMDQ_ALLOC_VINTF);
  const page0 = (name: string, register: number) => ({
    name: `VCMDQ_${name}`,
    offset: CMDQV_DIRECT_PAGE0 + register,
    count: vcmdqs,
    stride: VCMDQ_STRIDE,
  });
  const page1 = (name: string, register: number) => ({
    name: `VCMDQ_${name}`,
    offset: CMDQV_DIRECT_PAGE1 + register,
    count: vcmdqs,
    stride: VCMDQ_STRIDE,
    size: 8 as const,
    writable: 0xffffffff,
    writableHi: VCMDQ_BASE_ADDR_HI,
  });
  return [
    {
      name: 'CMDQV_CONFIG',
      offset: CMDQV_CONFIG,
      reset: CMDQV_CONFIG_RESET,
      writable: CMDQV_CONFIG_WRITABLE,
    },
    { name: 'CMDQV_PARAM', offset: CMDQV_PARAM, reset: paramOf(numbers) },
    { name: 'CMDQV_STATUS', offset: CMDQV_STATUS },
    { name: 'CMDQV_VINTF_ERR_MAP', offset: CMDQV_VINTF_ERR_MAP, count: 2 },
    // One bit per existing VINTF.
    {
      name: 'CMDQV_VINTF_INT_MASK',
      offset: CMDQV_VINTF_INT_MASK,
      writable: 2 ** Math.min(vintfs, 32) - 1,
    },
    {
      name: 'CMDQV_VINTF_INT_MASK[63:32]',
      offset: CMDQV_VINTF_INT_MASK + 4,
      writable: vintfs > 32 ? 0xffffffff : 0,
    },
    { name: 'CMDQV_CMDQ_ERR_MAP', offset: CMDQV_CMDQ_ERR_MAP, count: 4 },
    { name: 'CMDQV_CMDQ_ALLOC', offset: CMDQV_CMDQ_ALLOC, count: vcmdqs, writable: alloc },
    ...Array.from({ length: vintfs }, (_, vintf) => vintfRegisters(vintf, hypOwnWritable)).flat(),
    page0('CONS', VCMDQ_CONS),
    page0('PROD', VCMDQ_PROD),
    page0('CONFIG', VCMDQ_CONFIG),
    page0('STATUS', VCMDQ_STATUS),
    page0('GERROR', VCMDQ_GERROR),
    page0('GERRORN', VCMDQ_GERRORN),
    page1('BASE', VCMDQ_BASE),
    page1('CONS_INDX_BASE', VCMDQ_CONS_INDX_BASE),
  ];
}
