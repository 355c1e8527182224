// SPDX-License-Identifier: MIT
// Stream table entries, context descriptors and translation table descriptors against
// images derived by hand from the bit tables of IHI 0070 sections 5.2 and 5.4 and of the
// VMSAv8-64 descriptors, with the values that Linux writes.

import { describe, expect, it } from 'vitest';
import * as CD from '../../assembly/layout/cd.ts';
import * as PTE from '../../assembly/layout/descriptors.ts';
import * as STE from '../../assembly/layout/ste.ts';
import { type Bits, expectFields, expectImage, fieldsOf, type Image, overlaps } from './images.ts';

const STE_BITS: Record<string, Bits> = {
  STE_V: [0, 0, 0],
  STE_CONFIG: [0, 3, 1],
  STE_S1FMT: [0, 5, 4],
  STE_S1CONTEXTPTR_LO: [0, 31, 6],
  STE_S1CONTEXTPTR_HI: [0, 51, 32],
  STE_S1CDMAX: [0, 63, 59],
  STE_S1DSS: [1, 1, 0],
  STE_S1CIR: [1, 3, 2],
  STE_S1COR: [1, 5, 4],
  STE_S1CSH: [1, 7, 6],
  STE_CONT: [1, 16, 13],
  STE_MEV: [1, 19, 19],
  STE_S2FWB: [1, 25, 25],
  STE_S1STALLD: [1, 27, 27],
  STE_EATS: [1, 29, 28],
  STE_STRW: [1, 31, 30],
  STE_SHCFG: [1, 45, 44],
  STE_S2VMID: [2, 15, 0],
  STE_S2T0SZ: [2, 37, 32],
  STE_S2SL0: [2, 39, 38],
  STE_S2IR0: [2, 41, 40],
  STE_S2OR0: [2, 43, 42],
  STE_S2SH0: [2, 45, 44],
  STE_S2TG: [2, 47, 46],
  STE_S2PS: [2, 50, 48],
  STE_S2AA64: [2, 51, 51],
  STE_S2ENDI: [2, 52, 52],
  STE_S2AFFD: [2, 53, 53],
  STE_S2PTW: [2, 54, 54],
  STE_S2HD: [2, 55, 55],
  STE_S2HA: [2, 56, 56],
  STE_S2S: [2, 57, 57],
  STE_S2R: [2, 58, 58],
  STE_S2SL0_2: [3, 2, 2],
  STE_S2DS: [3, 3, 3],
  STE_S2TTB_LO: [3, 31, 4],
  STE_S2TTB_HI: [3, 51, 32],
};

const CD_BITS: Record<string, Bits> = {
  CD_T0SZ: [0, 5, 0],
  CD_TG0: [0, 7, 6],
  CD_IR0: [0, 9, 8],
  CD_OR0: [0, 11, 10],
  CD_SH0: [0, 13, 12],
  CD_EPD0: [0, 14, 14],
  CD_ENDI: [0, 15, 15],
  CD_T1SZ: [0, 21, 16],
  CD_TG1: [0, 23, 22],
  CD_IR1: [0, 25, 24],
  CD_OR1: [0, 27, 26],
  CD_SH1: [0, 29, 28],
  CD_EPD1: [0, 30, 30],
  CD_V: [0, 31, 31],
  CD_IPS: [0, 34, 32],
  CD_AFFD: [0, 35, 35],
  CD_WXN: [0, 36, 36],
  CD_UWXN: [0, 37, 37],
  CD_TBI0: [0, 38, 38],
  CD_TBI1: [0, 39, 39],
  CD_PAN: [0, 40, 40],
  CD_AA64: [0, 41, 41],
  CD_HD: [0, 42, 42],
  CD_HA: [0, 43, 43],
  CD_S: [0, 44, 44],
  CD_R: [0, 45, 45],
  CD_A: [0, 46, 46],
  CD_ASET: [0, 47, 47],
  CD_ASID: [0, 63, 48],
  CD_HAD0: [1, 1, 1],
  CD_TTB0_LO: [1, 31, 4],
  CD_TTB0_HI: [1, 51, 32],
  CD_HAD1: [2, 1, 1],
  CD_TTB1_LO: [2, 31, 4],
  CD_TTB1_HI: [2, 51, 32],
  CD_DS: [2, 58, 58],
  CD_MAIR_LO: [3, 31, 0],
  CD_MAIR_HI: [3, 63, 32],
};

// One structure each for a page or block, and for a table; the same bits have different
// names at stage 1 and stage 2.
const PTE_S1_BITS: Record<string, Bits> = {
  PTE_TYPE: [0, 1, 0],
  PTE_ATTRINDX: [0, 4, 2],
  PTE_NS: [0, 5, 5],
  PTE_AP_UNPRIV: [0, 6, 6],
  PTE_AP_RO: [0, 7, 7],
  PTE_SH: [0, 9, 8],
  PTE_AF: [0, 10, 10],
  PTE_NG: [0, 11, 11],
  PTE_DBM: [0, 51, 51],
  PTE_CONTIGUOUS: [0, 52, 52],
  PTE_PXN: [0, 53, 53],
  PTE_XN: [0, 54, 54],
  PTE_SOFTWARE: [0, 58, 55],
};
const PTE_S2_BITS: Record<string, Bits> = {
  PTE_S2_MEMATTR: [0, 5, 2],
  PTE_S2AP_R: [0, 6, 6],
  PTE_S2AP_W: [0, 7, 7],
};
const PTE_TABLE_BITS: Record<string, Bits> = {
  PTE_VALID: [0, 0, 0],
  PTE_TABLE_PXN: [0, 59, 59],
  PTE_TABLE_XN: [0, 60, 60],
  PTE_APTABLE_PRIV: [0, 61, 61],
  PTE_APTABLE_RO: [0, 62, 62],
  PTE_TABLE_NS: [0, 63, 63],
};

const ZERO = '0000000000000000';
const IMAGES: readonly Image[] = [
  [
    'STE: abort',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_ABORT],
    ],
    '0000000000000001',
  ],
  [
    'STE: bypass',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_BYPASS],
    ],
    '0000000000000009',
  ],
  [
    'STE: bypass with incoming shareability',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_BYPASS],
      [STE.STE_SHCFG, 1],
    ],
    '0000000000000009 0000100000000000',
  ],
  [
    'STE: stage 1, context descriptor at f8000_00123440',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_S1],
      [STE.STE_S1CONTEXTPTR_LO, 0x00123440 >> 6],
      [STE.STE_S1CONTEXTPTR_HI, 0xf8000],
      [STE.STE_S1DSS, 2],
      [STE.STE_S1CIR, 1],
      [STE.STE_S1COR, 1],
      [STE.STE_S1CSH, 3],
    ],
    '000f80000012344b 00000000000000d6',
  ],
  [
    'STE: stage 1 with 1024 substreams in two levels, full ATS, no stalls, EL2, merged events',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_S1],
      [STE.STE_S1FMT, 2],
      [STE.STE_S1CONTEXTPTR_LO, 0x80002000 >>> 6],
      [STE.STE_S1CDMAX, 10],
      [STE.STE_S1DSS, 2],
      [STE.STE_S1CIR, 1],
      [STE.STE_S1COR, 1],
      [STE.STE_S1CSH, 3],
      [STE.STE_MEV, 1],
      [STE.STE_S1STALLD, 1],
      [STE.STE_EATS, 1],
      [STE.STE_STRW, 2],
    ],
    '500000008000202b 00000000980800d6',
  ],
  [
    'STE: stage 2, VMID 3, 48 bits, 4 KiB, level 0, table at 12345_6789abc0',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_S2],
      [STE.STE_S2VMID, 3],
      [STE.STE_S2T0SZ, 16],
      [STE.STE_S2SL0, 2],
      [STE.STE_S2IR0, 1],
      [STE.STE_S2OR0, 1],
      [STE.STE_S2SH0, 3],
      [STE.STE_S2TG, 0],
      [STE.STE_S2PS, 5],
      [STE.STE_S2AA64, 1],
      [STE.STE_S2PTW, 1],
      [STE.STE_S2R, 1],
      [STE.STE_S2TTB_LO, 0x06789abc],
      [STE.STE_S2TTB_HI, 0x12345],
    ],
    // dw2 = VMID | 0x53590 << 32 | S2AA64 (51) | S2PTW (54) | S2R (58)
    `000000000000000d ${ZERO} 044d359000000003 000123456789abc0`,
  ],
  [
    'STE: nested, VMID 0xbeef, stalling stage-2 faults, forced write-back',
    [
      [STE.STE_V, 1],
      [STE.STE_CONFIG, STE.STE_CONFIG_NESTED],
      [STE.STE_S1CONTEXTPTR_LO, 0x90000040 >>> 6],
      [STE.STE_S1DSS, 2],
      [STE.STE_S2FWB, 1],
      [STE.STE_S2VMID, 0xbeef],
      [STE.STE_S2S, 1],
      [STE.STE_S2HA, 1],
      [STE.STE_S2HD, 1],
      [STE.STE_S2AFFD, 1],
      [STE.STE_S2ENDI, 1],
    ],
    '000000009000004f 0000000002000002 03b000000000beef',
  ],
  [
    'CD: Linux, 48-bit VA, 4 KiB, 48-bit output, ASID 1, table at 80005000, MAIR',
    [
      [CD.CD_T0SZ, 16],
      [CD.CD_TG0, 0],
      [CD.CD_IR0, 1],
      [CD.CD_OR0, 1],
      [CD.CD_SH0, 3],
      [CD.CD_EPD1, 1],
      [CD.CD_V, 1],
      [CD.CD_IPS, 5],
      [CD.CD_AA64, 1],
      [CD.CD_R, 1],
      [CD.CD_A, 1],
      [CD.CD_ASET, 1],
      [CD.CD_ASID, 1],
      [CD.CD_TTB0_LO, 0x80005000 >>> 4],
      [CD.CD_MAIR_LO, 0xf404ff44],
    ],
    `0001e205c0003510 0000000080005000 ${ZERO} 00000000f404ff44`,
  ],
  [
    'CD: both halves, 64 KiB and 4 KiB, tags ignored, stalls, hardware update',
    [
      [CD.CD_T0SZ, 25],
      [CD.CD_TG0, 1],
      [CD.CD_T1SZ, 25],
      [CD.CD_TG1, 2],
      [CD.CD_IR1, 1],
      [CD.CD_OR1, 1],
      [CD.CD_SH1, 3],
      [CD.CD_V, 1],
      [CD.CD_AFFD, 1],
      [CD.CD_TBI0, 1],
      [CD.CD_TBI1, 1],
      [CD.CD_AA64, 1],
      [CD.CD_HD, 1],
      [CD.CD_HA, 1],
      [CD.CD_S, 1],
      [CD.CD_ASID, 0xffff],
      [CD.CD_HAD0, 1],
      [CD.CD_TTB0_HI, 0xfffff],
      [CD.CD_HAD1, 1],
      [CD.CD_TTB1_LO, 0xfffffff],
      [CD.CD_MAIR_HI, 0x80000000],
    ],
    'ffff1ec8b5990059 000fffff00000002 00000000fffffff2 8000000000000000',
  ],
  [
    'PTE: stage 1, what Linux writes for a read-write cached page',
    [
      [PTE.PTE_TYPE, PTE.PTE_TYPE_PAGE],
      [PTE.PTE_ATTRINDX, 1],
      [PTE.PTE_AP_UNPRIV, 1],
      [PTE.PTE_SH, 3],
      [PTE.PTE_AF, 1],
      [PTE.PTE_NG, 1],
    ],
    '0000000000000f47',
  ],
  [
    'PTE: contiguous, dirty-bit managed, never executable',
    [
      [PTE.PTE_DBM, 1],
      [PTE.PTE_CONTIGUOUS, 1],
      [PTE.PTE_PXN, 1],
      [PTE.PTE_XN, 1],
    ],
    '0078000000000000',
  ],
  [
    'PTE: table that takes everything away',
    [
      [PTE.PTE_TYPE, PTE.PTE_TYPE_TABLE],
      [PTE.PTE_TABLE_PXN, 1],
      [PTE.PTE_TABLE_XN, 1],
      [PTE.PTE_APTABLE_PRIV, 1],
      [PTE.PTE_APTABLE_RO, 1],
    ],
    '7800000000000003',
  ],
  [
    'PTE: stage-2 write-only block',
    [
      [PTE.PTE_TYPE, PTE.PTE_TYPE_BLOCK],
      [PTE.PTE_S2_MEMATTR, 15],
      [PTE.PTE_S2AP_W, 1],
    ],
    '00000000000000bd',
  ],
];

describe('tables in memory', () => {
  it.each(IMAGES.map((image) => [image[0], image] as const))('%s', (_, image) =>
    expectImage(image),
  );

  it('has page descriptors ready to be used with a PA', () => {
    const page = (bits: number) => (0x80201000n | BigInt(bits)).toString(16);
    expect(page(PTE.PTE_S1_PAGE_RW)).toBe('80201f47');
    expect(page(PTE.PTE_S1_PAGE_RO)).toBe('80201fc7');
    // Page, MemAttr 15, readable and writable, inner shareable, accessed.
    expect(page(PTE.PTE_S2_PAGE_RW)).toBe('802017ff');
  });

  it('has every STE field where the specification has it', () => {
    const fields = fieldsOf(
      STE,
      /^STE_EATS_FULL$|^STE_EATS_SPLIT$|^STE_SIZE$|^STE_CONFIG_|^STE_S1FMT_|^STE_S1DSS_|^L1STD_/,
    );
    expectFields(fields, STE_BITS);
    expect(overlaps(fields)).toEqual([]);
    expect(STE.STE_SIZE).toBe(64);
    expect([STE.STE_EATS_FULL, STE.STE_EATS_SPLIT]).toEqual([1, 2]);
    expect([STE.STE_S1FMT_LINEAR, STE.STE_S1FMT_4K, STE.STE_S1FMT_64K]).toEqual([0, 1, 2]);
  });

  it('has the level-1 descriptors where the specification has them', () => {
    const { L1STD_SIZE, ...level1Ste } = fieldsOf(STE, /^STE_/);
    const { L1CD_SIZE, ...level1Cd } = fieldsOf(CD, /^CD_/);
    expectFields(level1Ste, {
      L1STD_SPAN: [0, 4, 0],
      L1STD_L2PTR_LO: [0, 31, 6],
      L1STD_L2PTR_HI: [0, 51, 32],
    });
    expectFields(level1Cd, {
      L1CD_V: [0, 0, 0],
      L1CD_L2PTR_LO: [0, 31, 12],
      L1CD_L2PTR_HI: [0, 51, 32],
    });
    expect([L1STD_SIZE, L1CD_SIZE]).toEqual([8, 8]);
  });

  it('has every CD field where the specification has it', () => {
    const fields = fieldsOf(CD, /^CD_SIZE$|^L1CD_/);
    expectFields(fields, CD_BITS);
    expect(overlaps(fields)).toEqual([]);
    expect(CD.CD_SIZE).toBe(64);
  });

  it('has every descriptor field where the architecture has it', () => {
    const fields = fieldsOf(PTE, /^PTE_TYPE_|^PTE_S[12]_PAGE_/);
    expectFields(fields, { ...PTE_S1_BITS, ...PTE_S2_BITS, ...PTE_TABLE_BITS });
    for (const structure of [PTE_S1_BITS, PTE_S2_BITS, PTE_TABLE_BITS]) {
      expect(
        overlaps(
          Object.fromEntries(Object.keys(structure).map((name) => [name, fields[name] ?? 0])),
        ),
      ).toEqual([]);
    }
  });
});
