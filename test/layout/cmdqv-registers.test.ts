// SPDX-License-Identifier: MIT
// The register map of CMDQV against literal tables from docs/cmdqv.md.

import { describe, expect, it } from 'vitest';
import * as CMDQV from '../../assembly/layout/cmdqv-registers.ts';
import type { FieldValue } from './images.ts';
import { expectRegisterFields, expectValue, pick, unnamed } from './registers.ts';

const CMDQV_OFFSETS = {
  CMDQV_CONFIG: 0x0000,
  CMDQV_PARAM: 0x0004,
  CMDQV_STATUS: 0x0008,
  CMDQV_VINTF_ERR_MAP: 0x0014,
  CMDQV_VINTF_INT_MASK: 0x001c,
  CMDQV_CMDQ_ERR_MAP: 0x0024,
  CMDQV_CMDQ_ALLOC: 0x0200,
  CMDQV_VINTF: 0x1000,
  CMDQV_VINTF_STRIDE: 0x100,
  CMDQV_PAGE_SIZE: 0x10000,
  CMDQV_DIRECT_PAGE0: 0x10000,
  CMDQV_DIRECT_PAGE1: 0x20000,
  CMDQV_LOGICAL_PAGE0: 0x30000,
  CMDQV_LOGICAL_STRIDE: 0x20000,
  CMDQV_MAX_VINTFS: 64,
  CMDQV_MAX_VCMDQS: 128,
  CMDQV_SIDS_PER_VINTF: 16,
  CMDQV_CONFIG_RESET: 0x00020083,
  CMDQV_CONFIG_WRITABLE: 0x001fffff,
  VCMDQ_STRIDE: 0x80,
  VINTF_CONFIG: 0x00,
  VINTF_STATUS: 0x04,
  VINTF_SID_MATCH: 0x40,
  VINTF_SID_REPLACE: 0x80,
  VINTF_LVCMDQ_ERR_MAP: 0xc0,
  VCMDQ_CONS: 0x00,
  VCMDQ_PROD: 0x04,
  VCMDQ_CONFIG: 0x08,
  VCMDQ_STATUS: 0x0c,
  VCMDQ_GERROR: 0x10,
  VCMDQ_GERRORN: 0x14,
  VCMDQ_BASE: 0x00,
  VCMDQ_CONS_INDX_BASE: 0x08,
  VCMDQ_GERROR_VALID: 0x7,
  VCMDQ_BASE_ADDR_LO: 0xffffffe0,
  VCMDQ_BASE_ADDR_HI: 0x0000ffff,
};

const CMDQV_BITS: Record<string, Record<string, readonly [number, number]>> = {
  CONFIG: { CMDQV_CONFIG_EN: [0, 0] },
  PARAM: {
    CMDQV_PARAM_VER: [3, 0],
    CMDQV_PARAM_NUM_VCMDQ_LOG2: [7, 4],
    CMDQV_PARAM_NUM_VINTF_LOG2: [11, 8],
    CMDQV_PARAM_NUM_SID_PER_VM_LOG2: [15, 12],
  },
  STATUS: { CMDQV_STATUS_ENABLED: [0, 0] },
  CMDQ_ALLOC: {
    CMDQ_ALLOC_ALLOCATED: [0, 0],
    CMDQ_ALLOC_LVCMDQ: [7, 1],
    CMDQ_ALLOC_VINTF: [20, 15],
  },
  VINTF_CONFIG: {
    VINTF_CONFIG_EN: [0, 0],
    VINTF_CONFIG_VMID: [16, 1],
    VINTF_CONFIG_HYP_OWN: [17, 17],
  },
  VINTF_STATUS: {
    VINTF_STATUS_ENABLED: [0, 0],
    VINTF_STATUS_STATUS: [3, 1],
    VINTF_STATUS_NUM_LVCMDQ: [23, 16],
  },
  SID_MATCH: { SID_MATCH_ENABLE: [0, 0], SID_MATCH_VIRT_SID: [20, 1] },
  SID_REPLACE: { SID_REPLACE_PHYS_SID: [19, 0] },
  VCMDQ_CONS: { VCMDQ_CONS_RD: [19, 0], VCMDQ_CONS_ERR: [30, 24] },
  VCMDQ_PROD: { VCMDQ_PROD_WR: [19, 0] },
  VCMDQ_CONFIG: { VCMDQ_CONFIG_EN: [0, 0] },
  VCMDQ_STATUS: { VCMDQ_STATUS_ENABLED: [0, 0] },
  VCMDQ_GERROR: {
    VCMDQ_GERROR_CMDQ_ERR: [0, 0],
    VCMDQ_GERROR_CONS_DRAM_WR_ABT_ERR: [1, 1],
    VCMDQ_GERROR_CMDQ_INIT_ERR: [2, 2],
  },
  VCMDQ_BASE: { VCMDQ_BASE_LOG2SIZE: [4, 0] },
};

/** A register value, and the values of all its fields. */
const VALUES: readonly (readonly [name: string, value: number, fields: readonly FieldValue[]])[] = [
  [
    'PARAM: 1 VINTF, 2 VCMDQs, 16 SIDs',
    0x4011,
    [
      [CMDQV.CMDQV_PARAM_VER, 1],
      [CMDQV.CMDQV_PARAM_NUM_VCMDQ_LOG2, 1],
      [CMDQV.CMDQV_PARAM_NUM_VINTF_LOG2, 0],
      [CMDQV.CMDQV_PARAM_NUM_SID_PER_VM_LOG2, 4],
    ],
  ],
  [
    'PARAM: 2 VINTFs, 4 VCMDQs',
    0x4121,
    [
      [CMDQV.CMDQV_PARAM_VER, 1],
      [CMDQV.CMDQV_PARAM_NUM_VCMDQ_LOG2, 2],
      [CMDQV.CMDQV_PARAM_NUM_VINTF_LOG2, 1],
      [CMDQV.CMDQV_PARAM_NUM_SID_PER_VM_LOG2, 4],
    ],
  ],
  [
    'PARAM: 64 VINTFs, 128 VCMDQs',
    0x4671,
    [
      [CMDQV.CMDQV_PARAM_VER, 1],
      [CMDQV.CMDQV_PARAM_NUM_VCMDQ_LOG2, 7],
      [CMDQV.CMDQV_PARAM_NUM_VINTF_LOG2, 6],
      [CMDQV.CMDQV_PARAM_NUM_SID_PER_VM_LOG2, 4],
    ],
  ],
  [
    'CMDQ_ALLOC: VINTF 3, LVCMDQ 1',
    0x18003,
    [
      [CMDQV.CMDQ_ALLOC_ALLOCATED, 1],
      [CMDQV.CMDQ_ALLOC_LVCMDQ, 1],
      [CMDQV.CMDQ_ALLOC_VINTF, 3],
    ],
  ],
  [
    'CMDQ_ALLOC: the highest',
    0x1f80ff,
    [
      [CMDQV.CMDQ_ALLOC_ALLOCATED, 1],
      [CMDQV.CMDQ_ALLOC_LVCMDQ, 127],
      [CMDQV.CMDQ_ALLOC_VINTF, 63],
    ],
  ],
  [
    'VINTF_CONFIG: VMID 0x1234, enabled',
    0x2469,
    [
      [CMDQV.VINTF_CONFIG_EN, 1],
      [CMDQV.VINTF_CONFIG_VMID, 0x1234],
    ],
  ],
  [
    'VINTF_CONFIG: host, enabled',
    0x20001,
    [
      [CMDQV.VINTF_CONFIG_EN, 1],
      [CMDQV.VINTF_CONFIG_HYP_OWN, 1],
    ],
  ],
  [
    'VINTF_STATUS: enabled, an error, 2 LVCMDQs',
    0x20003,
    [
      [CMDQV.VINTF_STATUS_ENABLED, 1],
      [CMDQV.VINTF_STATUS_STATUS, 1],
      [CMDQV.VINTF_STATUS_NUM_LVCMDQ, 2],
    ],
  ],
  [
    'SID_MATCH: vSID 8',
    0x11,
    [
      [CMDQV.SID_MATCH_ENABLE, 1],
      [CMDQV.SID_MATCH_VIRT_SID, 8],
    ],
  ],
  ['SID_REPLACE: pSID 0x10100', 0x10100, [[CMDQV.SID_REPLACE_PHYS_SID, 0x10100]]],
  [
    'VCMDQ CONS: wrapped, at 1, ATC timeout',
    0x03000101,
    [
      [CMDQV.VCMDQ_CONS_RD, 0x101],
      [CMDQV.VCMDQ_CONS_ERR, 3],
    ],
  ],
];

describe('register map of CMDQV', () => {
  it('has the CMDQV registers where docs/cmdqv.md has them', () => {
    expect(pick(CMDQV, CMDQV_OFFSETS)).toEqual(CMDQV_OFFSETS);
    expectRegisterFields(CMDQV, CMDQV_BITS);
    expect(unnamed(CMDQV, CMDQV_OFFSETS, CMDQV_BITS)).toEqual([]);
  });

  it('has CMDQV regions of the sizes that device trees give', () => {
    const size = (vintfs: number) =>
      CMDQV.CMDQV_LOGICAL_PAGE0 + vintfs * CMDQV.CMDQV_LOGICAL_STRIDE;
    expect(size(1)).toBe(0x50000);
    expect(size(64)).toBe(0x830000);
  });

  it('leaves room for every VINTF block, CMDQ_ALLOC and VCMDQ slot', () => {
    expect(CMDQV.CMDQV_CMDQ_ALLOC + 4 * CMDQV.CMDQV_MAX_VCMDQS).toBeLessThanOrEqual(
      CMDQV.CMDQV_VINTF,
    );
    expect(
      CMDQV.CMDQV_VINTF + CMDQV.CMDQV_VINTF_STRIDE * CMDQV.CMDQV_MAX_VINTFS,
    ).toBeLessThanOrEqual(CMDQV.CMDQV_PAGE_SIZE);
    expect(CMDQV.VCMDQ_STRIDE * CMDQV.CMDQV_MAX_VCMDQS).toBeLessThanOrEqual(CMDQV.CMDQV_PAGE_SIZE);
  });

  it.each(VALUES)('%s', (_, value, fields) => expectValue(value, fields));
});
