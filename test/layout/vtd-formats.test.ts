// SPDX-License-Identifier: MIT
// Structures of VT-d against images derived by hand from the tables of the specification.

import { describe, expect, it } from 'vitest';
import * as VTD from '../../assembly/layout/vtd-formats.ts';
import { buildInvalidation, type Invalidation, readInvalidation } from '../../devices/vtd/index.ts';
import { type Bits, doublewordsOf, expectFields, expectImage, type Image } from './images.ts';

/** By structure: doubleword, highest and lowest bit. */
const FORMATS: Readonly<Record<string, Readonly<Record<string, Bits>>>> = {
  GCMD: {
    VTD_GCMD_TE: [0, 31, 31],
    VTD_GCMD_SRTP: [0, 30, 30],
    VTD_GCMD_QIE: [0, 26, 26],
  },
  FSTS: { VTD_FSTS_IQE: [0, 4, 4] },
  ECAP: {
    VTD_ECAP_QI: [0, 1, 1],
    VTD_ECAP_DT: [0, 2, 2],
    VTD_ECAP_NEST: [0, 26, 26],
    VTD_ECAP_SMTS: [0, 43, 43],
    VTD_ECAP_FSTS: [0, 47, 47],
  },
  RTADDR: { VTD_RTADDR_TTM: [0, 11, 10] },
  IQA: { VTD_IQA_QS: [0, 2, 0], VTD_IQA_DW: [0, 11, 11] },
  'context entry': {
    VTD_PRESENT: [0, 0, 0],
    VTD_CONTEXT_DTE: [0, 2, 2],
    VTD_CONTEXT_PRE: [0, 4, 4],
  },
  'PASID table entry': {
    VTD_PE_AW: [0, 4, 2],
    VTD_PE_PGTT: [0, 8, 6],
    VTD_PE_DID: [1, 15, 0],
    VTD_PE_SRE: [2, 0, 0],
    VTD_PE_FSPM: [2, 3, 2],
    VTD_PE_WPE: [2, 4, 4],
  },
  'first-stage entry': { VTD_FS_P: [0, 0, 0], VTD_FS_RW: [0, 1, 1], VTD_PTE_PS: [0, 7, 7] },
  'second-stage entry': { VTD_SS_R: [0, 0, 0], VTD_SS_W: [0, 1, 1] },
  'invalidation of a PASID': {
    VTD_INV_TYPE: [0, 3, 0],
    VTD_INV_G: [0, 5, 4],
    VTD_INV_DID: [0, 31, 16],
    VTD_INV_PASID: [0, 51, 32],
    VTD_INV_AM: [1, 5, 0],
  },
  'invalidation of a device TLB': { VTD_INV_SID: [0, 47, 32], VTD_INV_S: [1, 0, 0] },
  wait: { VTD_WAIT_SW: [0, 5, 5] },
};

const IMAGES: readonly Image[] = [
  [
    'a nested PASID table entry',
    [
      [VTD.VTD_PRESENT, 1],
      [VTD.VTD_PE_AW, VTD.VTD_AW_48],
      [VTD.VTD_PE_PGTT, VTD.VTD_PGTT_NESTED],
      [VTD.VTD_PE_DID, 0x1234],
      [VTD.VTD_PE_WPE, 1],
    ],
    '00000000000000c9 0000000000001234 0000000000000010',
  ],
];

/** Descriptors as in the tables of chapter 6; the upper half is 0. */
const DESCRIPTORS: readonly (readonly [what: Invalidation, doublewords: string])[] = [
  [{ kind: 'context', sourceId: 0x0108 }, '0000010800000031 0000000000000000'],
  [{ kind: 'pasid-cache', did: 0x1234 }, '0000000012340007 0000000000000000'],
  [{ kind: 'domain', did: 0x1234 }, '0000000012340022 0000000000000000'],
  [{ kind: 'pasid', did: 5, range: undefined }, '0000000000050026 0000000000000000'],
  [
    { kind: 'pasid', did: 5, range: { address: 0x1234_8000n, pages: 8n } },
    '0000000000050036 0000000012348003',
  ],
  [
    { kind: 'device-tlb', sourceId: 0x0108, range: { address: 0x1234_5000n, pages: 1n } },
    '0000010800000003 0000000012345000',
  ],
  // Bits 13:12 are ones: eight pages.
  [
    { kind: 'device-tlb', sourceId: 0x0108, range: { address: 0x1234_8000n, pages: 8n } },
    '0000010800000003 000000001234b001',
  ],
  [{ kind: 'device-tlb', sourceId: 0x0108, range: undefined }, '0000010800000003 7ffffffffffff001'],
  [{ kind: 'wait', address: 0x8_8000_0008n, data: 0xabcd }, '0000abcd00000025 0000000880000008'],
  [{ kind: 'wait', address: undefined, data: 0 }, '0000000000000005 0000000000000000'],
];

describe('structures of VT-d', () => {
  it.each(Object.entries(FORMATS))('%s has its fields where they are', (_name, fields) => {
    const constants: Readonly<Record<string, number>> = VTD;
    const own = Object.keys(fields).map((name) => [name, constants[name] ?? -1] as const);
    expectFields(Object.fromEntries(own), fields);
  });

  it.each(IMAGES)('%s', (...image) => expectImage(image));

  it.each(DESCRIPTORS.map(([what, image]) => [what.kind, image, what] as const))(
    '%s %s is a descriptor of 256 bits, and read back',
    (_kind, doublewords, what) => {
      const words = buildInvalidation(what);
      expect(doublewordsOf([...words])).toBe(`${doublewords} 0000000000000000 0000000000000000`);
      expect(readInvalidation(words)).toEqual(what);
    },
  );

  it('has no other descriptors', () => {
    for (const type of [0, 4, 8, 9, 15])
      expect(readInvalidation(Uint32Array.of(type, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    // Global granularity: no domain may use it, and no driver here does.
    expect(readInvalidation(Uint32Array.of(0x12, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
  });
});
