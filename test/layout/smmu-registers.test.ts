// SPDX-License-Identifier: MIT
// The register map of SMMUv3 against literal tables from IHI 0070 section 6.

import { describe, expect, it } from 'vitest';
import * as SMMU from '../../assembly/layout/smmu-registers.ts';
import type { FieldValue } from './images.ts';
import { expectRegisterFields, expectValue, pick, unnamed } from './registers.ts';

const SMMU_OFFSETS = {
  SMMU_IDR0: 0x000,
  SMMU_IDR1: 0x004,
  SMMU_IDR2: 0x008,
  SMMU_IDR3: 0x00c,
  SMMU_IDR4: 0x010,
  SMMU_IDR5: 0x014,
  SMMU_IDR6: 0x190,
  SMMU_CMDQ_CONTROL_PAGE_BASE: 0x4000,
  SMMU_CMDQ_CONTROL_PAGE_CFG: 0x4008,
  SMMU_CMDQ_CONTROL_PAGE_STATUS: 0x400c,
  SMMU_ECMDQ_PAGE: 0x20000,
  ECMDQ_BASE: 0x00,
  ECMDQ_PROD: 0x08,
  ECMDQ_CONS: 0x0c,
  SMMU_IIDR: 0x018,
  SMMU_AIDR: 0x01c,
  SMMU_CR0: 0x020,
  SMMU_CR0ACK: 0x024,
  SMMU_CR1: 0x028,
  SMMU_CR2: 0x02c,
  SMMU_STATUSR: 0x040,
  SMMU_GBPA: 0x044,
  SMMU_AGBPA: 0x048,
  SMMU_IRQ_CTRL: 0x050,
  SMMU_IRQ_CTRLACK: 0x054,
  SMMU_GERROR: 0x060,
  SMMU_GERRORN: 0x064,
  SMMU_GERROR_IRQ_CFG0: 0x068,
  SMMU_GERROR_IRQ_CFG1: 0x070,
  SMMU_GERROR_IRQ_CFG2: 0x074,
  SMMU_STRTAB_BASE: 0x080,
  SMMU_STRTAB_BASE_CFG: 0x088,
  SMMU_CMDQ_BASE: 0x090,
  SMMU_CMDQ_PROD: 0x098,
  SMMU_CMDQ_CONS: 0x09c,
  SMMU_EVENTQ_BASE: 0x0a0,
  SMMU_EVENTQ_PROD_PAGE0: 0x0a8,
  SMMU_EVENTQ_CONS_PAGE0: 0x0ac,
  SMMU_EVENTQ_IRQ_CFG0: 0x0b0,
  SMMU_EVENTQ_IRQ_CFG1: 0x0b8,
  SMMU_EVENTQ_IRQ_CFG2: 0x0bc,
  SMMU_PRIQ_BASE: 0x0c0,
  SMMU_PRIQ_PROD_PAGE0: 0x0c8,
  SMMU_PRIQ_CONS_PAGE0: 0x0cc,
  SMMU_PRIQ_IRQ_CFG0: 0x0d0,
  SMMU_PRIQ_IRQ_CFG1: 0x0d8,
  SMMU_PRIQ_IRQ_CFG2: 0x0dc,
  SMMU_EVENTQ_PROD: 0x100a8,
  SMMU_EVENTQ_CONS: 0x100ac,
  SMMU_PRIQ_PROD: 0x100c8,
  SMMU_PRIQ_CONS: 0x100cc,
};

/** Highest and lowest bit of every field, by register. */
const SMMU_BITS: Record<string, Record<string, readonly [number, number]>> = {
  IDR0: {
    IDR0_S2P: [0, 0],
    IDR0_S1P: [1, 1],
    IDR0_TTF: [3, 2],
    IDR0_COHACC: [4, 4],
    IDR0_BTM: [5, 5],
    IDR0_HTTU: [7, 6],
    IDR0_DORMHINT: [8, 8],
    IDR0_HYP: [9, 9],
    IDR0_ATS: [10, 10],
    IDR0_NS1ATS: [11, 11],
    IDR0_ASID16: [12, 12],
    IDR0_MSI: [13, 13],
    IDR0_SEV: [14, 14],
    IDR0_ATOS: [15, 15],
    IDR0_PRI: [16, 16],
    IDR0_VMW: [17, 17],
    IDR0_VMID16: [18, 18],
    IDR0_CD2L: [19, 19],
    IDR0_VATOS: [20, 20],
    IDR0_TTENDIAN: [22, 21],
    IDR0_ATSRECERR: [23, 23],
    IDR0_STALL_MODEL: [25, 24],
    IDR0_TERM_MODEL: [26, 26],
    IDR0_ST_LEVEL: [28, 27],
    IDR0_RME_IMPL: [30, 30],
  },
  IDR1: {
    IDR1_SIDSIZE: [5, 0],
    IDR1_SSIDSIZE: [10, 6],
    IDR1_PRIQS: [15, 11],
    IDR1_EVENTQS: [20, 16],
    IDR1_CMDQS: [25, 21],
    IDR1_ECMDQ: [31, 31],
  },
  IDR3: { IDR3_HAD: [2, 2], IDR3_XNX: [4, 4], IDR3_FWB: [8, 8], IDR3_RIL: [10, 10] },
  IDR5: {
    IDR5_OAS: [2, 0],
    IDR5_GRAN4K: [4, 4],
    IDR5_GRAN16K: [5, 5],
    IDR5_GRAN64K: [6, 6],
    IDR5_DS: [7, 7],
    IDR5_VAX: [11, 10],
    IDR5_STALL_MAX: [31, 16],
  },
  IDR6: { IDR6_LOG2NUMQ: [19, 16], IDR6_LOG2NUMP: [27, 24] },
  CMDQ_CONTROL_PAGE_BASE: { CMDQ_CONTROL_PAGE_PRESET: [0, 0], CMDQ_CONTROL_PAGE_CMDQGS: [2, 1] },
  CMDQ_CONTROL_PAGE_CFG: { CMDQ_CONTROL_PAGE_EN: [0, 0] },
  ECMDQ_PROD: { ECMDQ_PROD_ERRACK: [23, 23], ECMDQ_PROD_EN: [31, 31] },
  ECMDQ_CONS: {
    ECMDQ_CONS_ERR: [23, 23],
    ECMDQ_CONS_ERR_REASON: [26, 24],
    ECMDQ_CONS_ENACK: [31, 31],
  },
  CR0: {
    CR0_SMMUEN: [0, 0],
    CR0_PRIQEN: [1, 1],
    CR0_EVENTQEN: [2, 2],
    CR0_CMDQEN: [3, 3],
    CR0_ATSCHK: [4, 4],
  },
  CR2: { CR2_E2H: [0, 0], CR2_RECINVSID: [1, 1], CR2_PTM: [2, 2], CR2_REC_CFG_ATS: [3, 3] },
  GBPA: { GBPA_ABORT: [20, 20], GBPA_UPDATE: [31, 31] },
  PRIQ_IRQ_CFG2: { PRIQ_IRQ_CFG2_LO: [31, 31] },
  IRQ_CTRL: {
    IRQ_CTRL_GERROR_IRQEN: [0, 0],
    IRQ_CTRL_PRIQ_IRQEN: [1, 1],
    IRQ_CTRL_EVENTQ_IRQEN: [2, 2],
  },
  GERROR: {
    GERROR_CMDQ_ERR: [0, 0],
    GERROR_EVENTQ_ABT_ERR: [2, 2],
    GERROR_PRIQ_ABT_ERR: [3, 3],
    GERROR_MSI_CMDQ_ABT_ERR: [4, 4],
    GERROR_MSI_EVENTQ_ABT_ERR: [5, 5],
    GERROR_MSI_PRIQ_ABT_ERR: [6, 6],
    GERROR_MSI_GERROR_ABT_ERR: [7, 7],
    GERROR_CMDQP_ERR: [9, 9],
  },
  STRTAB_BASE_CFG: {
    STRTAB_BASE_CFG_LOG2SIZE: [5, 0],
    STRTAB_BASE_CFG_SPLIT: [10, 6],
    STRTAB_BASE_CFG_FMT: [17, 16],
  },
  Q_BASE: { Q_BASE_LOG2SIZE: [4, 0] },
  CMDQ_BASE: { CMDQ_BASE_LOG2SIZE: [4, 0] },
  CMDQ_PROD: { CMDQ_PROD_WR: [19, 0] },
  Q_PROD: { Q_INDEX: [19, 0], Q_OVFLG: [31, 31] },
  CMDQ_CONS: { CMDQ_CONS_RD: [19, 0], CMDQ_CONS_ERR: [30, 24] },
  EVENTQ_BASE: { EVENTQ_BASE_LOG2SIZE: [4, 0] },
  EVENTQ_PROD: { EVENTQ_PROD_WR: [19, 0], EVENTQ_PROD_OVFLG: [31, 31] },
  EVENTQ_CONS: { EVENTQ_CONS_RD: [19, 0], EVENTQ_CONS_OVACKFLG: [31, 31] },
  PRIQ_BASE: { PRIQ_BASE_LOG2SIZE: [4, 0] },
  PRIQ_PROD: { PRIQ_PROD_WR: [19, 0], PRIQ_PROD_OVFLG: [31, 31] },
  PRIQ_CONS: { PRIQ_CONS_RD: [19, 0], PRIQ_CONS_OVACKFLG: [31, 31] },
};

/** A register value, and the values of all its fields. */
const VALUES: readonly (readonly [name: string, value: number, fields: readonly FieldValue[]])[] = [
  [
    'IDR0 of a vSMMU with 2-level stream tables',
    0x0d40101a,
    [
      [SMMU.IDR0_S1P, 1],
      [SMMU.IDR0_TTF, 2],
      [SMMU.IDR0_COHACC, 1],
      [SMMU.IDR0_ASID16, 1],
      [SMMU.IDR0_TTENDIAN, 2],
      [SMMU.IDR0_STALL_MODEL, 1],
      [SMMU.IDR0_TERM_MODEL, 1],
      [SMMU.IDR0_ST_LEVEL, 1],
    ],
  ],
  [
    'IDR0 of a physical SMMU',
    0x0d44101b,
    [
      [SMMU.IDR0_S2P, 1],
      [SMMU.IDR0_S1P, 1],
      [SMMU.IDR0_TTF, 2],
      [SMMU.IDR0_COHACC, 1],
      [SMMU.IDR0_ASID16, 1],
      [SMMU.IDR0_VMID16, 1],
      [SMMU.IDR0_TTENDIAN, 2],
      [SMMU.IDR0_STALL_MODEL, 1],
      [SMMU.IDR0_TERM_MODEL, 1],
      [SMMU.IDR0_ST_LEVEL, 1],
    ],
  ],
  [
    'IDR1: 256 entries per queue, 16-bit StreamIDs',
    0x01080010,
    [
      [SMMU.IDR1_SIDSIZE, 16],
      [SMMU.IDR1_EVENTQS, 8],
      [SMMU.IDR1_CMDQS, 8],
    ],
  ],
  ['IDR3: range invalidation', 0x400, [[SMMU.IDR3_RIL, 1]]],
  [
    'IDR5: 48 bits, 4 KiB',
    0x15,
    [
      [SMMU.IDR5_OAS, 5],
      [SMMU.IDR5_GRAN4K, 1],
    ],
  ],
  [
    'CR0 with SMMU, event queue and command queue enabled',
    0xd,
    [
      [SMMU.CR0_SMMUEN, 1],
      [SMMU.CR0_EVENTQEN, 1],
      [SMMU.CR0_CMDQEN, 1],
    ],
  ],
  [
    'CR2 as Linux writes it',
    0x6,
    [
      [SMMU.CR2_RECINVSID, 1],
      [SMMU.CR2_PTM, 1],
    ],
  ],
  [
    'STRTAB_BASE_CFG of two levels, 16-bit StreamIDs',
    0x10210,
    [
      [SMMU.STRTAB_BASE_CFG_FMT, 1],
      [SMMU.STRTAB_BASE_CFG_SPLIT, 8],
      [SMMU.STRTAB_BASE_CFG_LOG2SIZE, 16],
    ],
  ],
  [
    'CMDQ_CONS at index 5 after a wrap of 256, illegal command',
    0x01000105,
    [
      [SMMU.Q_INDEX, 0x105],
      [SMMU.CMDQ_CONS_ERR, 1],
    ],
  ],
];

describe('register map of the SMMU', () => {
  it('has the SMMU registers where the specification has them', () => {
    expect(pick(SMMU, SMMU_OFFSETS)).toEqual(SMMU_OFFSETS);
    expectRegisterFields(SMMU, SMMU_BITS);
    const numbers = {
      SMMU_REGION_SIZE: 0x20000,
      SMMU_PAGE1: 0x10000,
      CR0_WRITABLE: 0x1df,
      STRTAB_FMT_2LEVEL: 1,
      TTENDIAN_MIXED: 0,
      TTENDIAN_LITTLE: 2,
      STALL_MODEL_BOTH: 0,
      STALL_MODEL_TERMINATE: 1,
      STALL_MODEL_FORCED: 2,
      GERROR_VALID: 0x3fd,
      SMMU_ECMDQ_PAGE_SIZE: 0x10000,
      CMDQ_ENTRY_SIZE: 16,
      EVENTQ_ENTRY_SIZE: 32,
      PRIQ_ENTRY_SIZE: 16,
    };
    expect(pick(SMMU, numbers)).toEqual(numbers);
    expect(unnamed(SMMU, { ...SMMU_OFFSETS, ...numbers }, SMMU_BITS)).toEqual([]);
  });

  it.each(VALUES)('%s', (_, value, fields) => expectValue(value, fields));
});
