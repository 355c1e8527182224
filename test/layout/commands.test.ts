// SPDX-License-Identifier: MIT
// Commands and event records against images derived by hand from the bit tables of IHI
// 0070 sections 4 and 7.3.

import { describe, expect, it } from 'vitest';
import * as C from '../../assembly/layout/commands.ts';
import * as E from '../../assembly/layout/events.ts';
import { type Bits, expectFields, expectImage, fieldsOf, type Image, overlaps } from './images.ts';

const COMMON: Record<string, Bits> = { CMD_OP: [0, 7, 0], CMD_SSEC: [0, 10, 10] };
const STREAM: Record<string, Bits> = {
  CMD_SSV: [0, 11, 11],
  CMD_SSID: [0, 31, 12],
  CMD_SID: [0, 63, 32],
};
/**
 * Fields of each format in addition to the common ones: dword 0 and 1 are dwords of the
 * command.
 */
const FORMATS: readonly (readonly [string, Record<string, Bits>])[] = [
  ['CFGI_*', { ...STREAM, CFGI_LEAF: [1, 0, 0] }],
  ['CFGI_STE_RANGE', { CMD_SID: [0, 63, 32], CFGI_RANGE: [1, 4, 0] }],
  [
    'TLBI_*',
    {
      TLBI_NUM: [0, 16, 12],
      TLBI_SCALE: [0, 24, 20],
      TLBI_SCALE_DS: [0, 25, 25],
      TLBI_VMID: [0, 47, 32],
      TLBI_ASID: [0, 63, 48],
      TLBI_LEAF: [1, 0, 0],
      TLBI_TTL: [1, 9, 8],
      TLBI_TG: [1, 11, 10],
      TLBI_ADDR_LO: [1, 31, 12],
      TLBI_ADDR_HI: [1, 63, 32],
    },
  ],
  [
    'ATC_INV',
    {
      ...STREAM,
      ATC_INV_GLOBAL: [0, 9, 9],
      ATC_INV_SIZE: [1, 5, 0],
      ATC_INV_ADDR_LO: [1, 31, 12],
      ATC_INV_ADDR_HI: [1, 63, 32],
    },
  ],
  ['PRI_RESP', { ...STREAM, PRI_RESP_INDEX: [1, 8, 0], PRI_RESP_RESPONSE: [1, 13, 12] }],
  [
    'RESUME',
    {
      CMD_SID: [0, 63, 32],
      RESUME_AC: [0, 12, 12],
      RESUME_AB: [0, 13, 13],
      RESUME_STAG: [1, 15, 0],
    },
  ],
  [
    'CMD_SYNC',
    {
      SYNC_CS: [0, 13, 12],
      SYNC_MSH: [0, 23, 22],
      SYNC_MSIATTR: [0, 27, 24],
      SYNC_MSIDATA: [0, 63, 32],
      SYNC_MSIADDR_LO: [1, 31, 2],
      SYNC_MSIADDR_HI: [1, 51, 32],
    },
  ],
];

/** Fields of E_PAGE_REQUEST in place of an access. */
const HINT_BITS: Record<string, Bits> = {
  EVT_UX: [1, 33, 33],
  EVT_UW: [1, 34, 34],
  EVT_UR: [1, 35, 35],
  EVT_PX: [1, 37, 37],
  EVT_PW: [1, 38, 38],
  EVT_PR: [1, 39, 39],
  EVT_SPAN: [1, 51, 44],
};
const EVENT_BITS: Record<string, Bits> = {
  EVT_ID: [0, 7, 0],
  EVT_SSV: [0, 11, 11],
  EVT_SSID: [0, 31, 12],
  EVT_SID: [0, 63, 32],
  EVT_STAG: [1, 15, 0],
  EVT_STALL: [1, 31, 31],
  EVT_PNU: [1, 33, 33],
  EVT_IND: [1, 34, 34],
  EVT_RNW: [1, 35, 35],
  EVT_S2: [1, 39, 39],
  EVT_CLASS: [1, 41, 40],
  EVT_TTRNW: [1, 44, 44],
  EVT_INPUT_LO: [2, 31, 0],
  EVT_INPUT_HI: [2, 63, 32],
  EVT_ADDR_LO: [3, 31, 0],
  EVT_ADDR_HI: [3, 51, 32],
};

const ZERO = '0000000000000000';
const COMMANDS: readonly Image[] = [
  [
    'PREFETCH_CFG of stream 8',
    [
      [C.CMD_OP, C.OP_PREFETCH_CFG],
      [C.CMD_SID, 8],
    ],
    `0000000800000001 ${ZERO}`,
  ],
  [
    'CFGI_STE of stream 0x10100, leaf',
    [
      [C.CMD_OP, C.OP_CFGI_STE],
      [C.CMD_SID, 0x10100],
      [C.CFGI_LEAF, 1],
    ],
    '0001010000000003 0000000000000001',
  ],
  [
    'CFGI_ALL',
    [
      [C.CMD_OP, C.OP_CFGI_STE_RANGE],
      [C.CFGI_RANGE, C.CFGI_RANGE_ALL],
    ],
    '0000000000000004 000000000000001f',
  ],
  [
    'CFGI_CD of stream 8, substream 5, leaf',
    [
      [C.CMD_OP, C.OP_CFGI_CD],
      [C.CMD_SID, 8],
      [C.CMD_SSID, 5],
      [C.CFGI_LEAF, 1],
    ],
    '0000000800005005 0000000000000001',
  ],
  [
    'CFGI_CD_ALL of the highest stream',
    [
      [C.CMD_OP, C.OP_CFGI_CD_ALL],
      [C.CMD_SID, 0xffffffff],
    ],
    `ffffffff00000006 ${ZERO}`,
  ],
  [
    'TLBI_NH_ALL of VMID 0xbeef',
    [
      [C.CMD_OP, C.OP_TLBI_NH_ALL],
      [C.TLBI_VMID, 0xbeef],
    ],
    `0000beef00000010 ${ZERO}`,
  ],
  [
    'TLBI_NH_ASID',
    [
      [C.CMD_OP, C.OP_TLBI_NH_ASID],
      [C.TLBI_VMID, 3],
      [C.TLBI_ASID, 5],
    ],
    `0005000300000011 ${ZERO}`,
  ],
  [
    'TLBI_NH_VA of one page, leaf',
    [
      [C.CMD_OP, C.OP_TLBI_NH_VA],
      [C.TLBI_VMID, 3],
      [C.TLBI_ASID, 5],
      [C.TLBI_LEAF, 1],
      [C.TLBI_ADDR_LO, 0x12345],
    ],
    '0005000300000012 0000000012345001',
  ],
  [
    'TLBI_NH_VA of a range: 32 << 3 granules of 4 KiB, level 3',
    [
      [C.CMD_OP, C.OP_TLBI_NH_VA],
      [C.TLBI_NUM, 31],
      [C.TLBI_SCALE, 3],
      [C.TLBI_VMID, 3],
      [C.TLBI_ASID, 5],
      [C.TLBI_LEAF, 1],
      [C.TLBI_TTL, 3],
      [C.TLBI_TG, 1],
      [C.TLBI_ADDR_LO, 0x12345],
      [C.TLBI_ADDR_HI, 0xffff8000],
    ],
    '000500030031f012 ffff800012345701',
  ],
  [
    'TLBI_NH_VAA',
    [
      [C.CMD_OP, C.OP_TLBI_NH_VAA],
      [C.TLBI_VMID, 1],
      [C.TLBI_ADDR_LO, 1],
    ],
    '0000000100000013 0000000000001000',
  ],
  [
    'TLBI_S12_VMALL',
    [
      [C.CMD_OP, C.OP_TLBI_S12_VMALL],
      [C.TLBI_VMID, 0xffff],
    ],
    `0000ffff00000028 ${ZERO}`,
  ],
  [
    'TLBI_S2_IPA of the highest page',
    [
      [C.CMD_OP, C.OP_TLBI_S2_IPA],
      [C.TLBI_VMID, 3],
      [C.TLBI_ADDR_LO, 0xfffff],
      [C.TLBI_ADDR_HI, 0xfffff],
    ],
    '000000030000002a 000ffffffffff000',
  ],
  ['TLBI_NSNH_ALL', [[C.CMD_OP, C.OP_TLBI_NSNH_ALL]], `0000000000000030 ${ZERO}`],
  [
    'ATC_INV of everything of a substream',
    [
      [C.CMD_OP, C.OP_ATC_INV],
      [C.CMD_SSV, 1],
      [C.CMD_SSID, 0xabcde],
      [C.CMD_SID, 8],
      [C.ATC_INV_SIZE, C.ATC_INV_SIZE_ALL],
    ],
    '00000008abcde840 0000000000000034',
  ],
  [
    'ATC_INV of 16 KiB in every substream',
    [
      [C.CMD_OP, C.OP_ATC_INV],
      [C.ATC_INV_GLOBAL, 1],
      [C.CMD_SID, 8],
      [C.ATC_INV_SIZE, 2],
      [C.ATC_INV_ADDR_LO, 4],
      [C.ATC_INV_ADDR_HI, 0x7f00],
    ],
    '0000000800000240 00007f0000004002',
  ],
  [
    'RESUME with a retry',
    [
      [C.CMD_OP, C.OP_RESUME],
      [C.CMD_SID, 8],
      [C.RESUME_AC, 1],
      [C.RESUME_STAG, 0xfc01],
    ],
    '0000000800001044 000000000000fc01',
  ],
  [
    'RESUME with an abort',
    [
      [C.CMD_OP, C.OP_RESUME],
      [C.CMD_SID, 8],
      [C.RESUME_AB, 1],
      [C.RESUME_STAG, 1],
    ],
    '0000000800002044 0000000000000001',
  ],
  [
    'CMD_SYNC without signal',
    [
      [C.CMD_OP, C.OP_CMD_SYNC],
      [C.SYNC_CS, C.SYNC_CS_NONE],
    ],
    `0000000000000046 ${ZERO}`,
  ],
  [
    'CMD_SYNC with an MSI to 80200130',
    [
      [C.CMD_OP, C.OP_CMD_SYNC],
      [C.SYNC_CS, C.SYNC_CS_IRQ],
      [C.SYNC_MSH, 3],
      [C.SYNC_MSIATTR, 15],
      [C.SYNC_MSIADDR_LO, 0x80200130 >>> 2],
    ],
    '000000000fc01046 0000000080200130',
  ],
  [
    'CMD_SYNC with SEV, and MSI data and address that do not matter',
    [
      [C.CMD_OP, C.OP_CMD_SYNC],
      [C.SYNC_CS, C.SYNC_CS_SEV],
      [C.SYNC_MSIDATA, 0xdeadbeef],
      [C.SYNC_MSIADDR_HI, 0xfffff],
    ],
    'deadbeef00002046 000fffff00000000',
  ],
  [
    'a Secure command',
    [
      [C.CMD_OP, C.OP_TLBI_NSNH_ALL],
      [C.CMD_SSEC, 1],
    ],
    `0000000000000430 ${ZERO}`,
  ],
];

const EVENTS: readonly Image[] = [
  [
    'C_BAD_STREAMID',
    [
      [E.EVT_ID, E.C_BAD_STREAMID],
      [E.EVT_SID, 0x10100],
    ],
    `0001010000000002 ${ZERO} ${ZERO} ${ZERO}`,
  ],
  [
    'F_TRANSLATION: stage 1, unprivileged data write to 00000001_00002040',
    [
      [E.EVT_ID, E.F_TRANSLATION],
      [E.EVT_SID, 8],
      [E.EVT_CLASS, E.EVT_CLASS_IN],
      [E.EVT_INPUT_LO, 0x2040],
      [E.EVT_INPUT_HI, 1],
    ],
    `0000000800000010 0000020000000000 0000000100002040 ${ZERO}`,
  ],
  [
    'F_TRANSLATION: stage 2, read, IPA 1_80201000',
    [
      [E.EVT_ID, E.F_TRANSLATION],
      [E.EVT_SID, 8],
      [E.EVT_RNW, 1],
      [E.EVT_S2, 1],
      [E.EVT_CLASS, E.EVT_CLASS_IN],
      [E.EVT_INPUT_LO, 0x2040],
      [E.EVT_ADDR_LO, 0x80201000],
      [E.EVT_ADDR_HI, 1],
    ],
    '0000000800000010 0000028800000000 0000000000002040 0000000180201000',
  ],
  [
    'F_PERMISSION: substream 5, privileged fetch, stalled with tag 0xabcd, at a table that was to be written',
    [
      [E.EVT_ID, E.F_PERMISSION],
      [E.EVT_SSV, 1],
      [E.EVT_SSID, 5],
      [E.EVT_SID, 8],
      [E.EVT_STAG, 0xabcd],
      [E.EVT_STALL, 1],
      [E.EVT_PNU, 1],
      [E.EVT_IND, 1],
      [E.EVT_RNW, 1],
      [E.EVT_CLASS, E.EVT_CLASS_TT],
      [E.EVT_TTRNW, 1],
    ],
    '0000000800005813 0000110e8000abcd',
  ],
  [
    'F_CD_FETCH at 2_80003000',
    [
      [E.EVT_ID, E.F_CD_FETCH],
      [E.EVT_SID, 8],
      [E.EVT_CLASS, E.EVT_CLASS_CD],
      [E.EVT_ADDR_LO, 0x80003000],
      [E.EVT_ADDR_HI, 2],
    ],
    `0000000800000009 ${ZERO} ${ZERO} 0000000280003000`,
  ],
];

const OPCODES = {
  OP_PREFETCH_CFG: 0x01,
  OP_PREFETCH_ADDR: 0x02,
  OP_CFGI_STE: 0x03,
  OP_CFGI_STE_RANGE: 0x04,
  OP_CFGI_CD: 0x05,
  OP_CFGI_CD_ALL: 0x06,
  OP_CFGI_VMS_PIDM: 0x07,
  OP_TLBI_NH_ALL: 0x10,
  OP_TLBI_NH_ASID: 0x11,
  OP_TLBI_NH_VA: 0x12,
  OP_TLBI_NH_VAA: 0x13,
  OP_TLBI_EL3_ALL: 0x18,
  OP_TLBI_EL3_VA: 0x1a,
  OP_TLBI_EL2_ALL: 0x20,
  OP_TLBI_EL2_ASID: 0x21,
  OP_TLBI_EL2_VA: 0x22,
  OP_TLBI_EL2_VAA: 0x23,
  OP_TLBI_S12_VMALL: 0x28,
  OP_TLBI_S2_IPA: 0x2a,
  OP_TLBI_NSNH_ALL: 0x30,
  OP_ATC_INV: 0x40,
  OP_PRI_RESP: 0x41,
  OP_RESUME: 0x44,
  OP_STALL_TERM: 0x45,
  OP_CMD_SYNC: 0x46,
};

const EVENT_IDS = {
  F_UUT: 0x01,
  C_BAD_STREAMID: 0x02,
  F_STE_FETCH: 0x03,
  C_BAD_STE: 0x04,
  F_BAD_ATS_TREQ: 0x05,
  F_STREAM_DISABLED: 0x06,
  F_TRANSL_FORBIDDEN: 0x07,
  C_BAD_SUBSTREAMID: 0x08,
  F_CD_FETCH: 0x09,
  C_BAD_CD: 0x0a,
  F_WALK_EABT: 0x0b,
  F_TRANSLATION: 0x10,
  F_ADDR_SIZE: 0x11,
  F_ACCESS: 0x12,
  F_PERMISSION: 0x13,
  F_TLB_CONFLICT: 0x20,
  F_CFG_CONFLICT: 0x21,
  E_PAGE_REQUEST: 0x24,
  F_VMS_FETCH: 0x25,
};

const only = (layout: Record<string, number>, names: RegExp) =>
  Object.fromEntries(Object.entries(layout).filter(([name]) => names.test(name)));

describe('commands', () => {
  it.each(COMMANDS.map((image) => [image[0], image] as const))('%s', (_, image) =>
    expectImage(image),
  );

  const fields = fieldsOf(C, /^OP_|^CERROR_|_ALL$|^SYNC_CS_|^PRI_RESP_[FS]|^PRI_RESP_INVALID/);

  it('has every field where the specification has it', () => {
    expectFields(fields, Object.assign({}, COMMON, ...FORMATS.map(([, format]) => format)));
  });

  it.each(FORMATS)('%s has no two fields on one bit', (_, format) => {
    const names = Object.keys({ ...COMMON, ...format });
    expect(overlaps(Object.fromEntries(names.map((name) => [name, fields[name] ?? 0])))).toEqual(
      [],
    );
  });

  it('has the opcodes of the specification', () => {
    expect(only(C, /^OP_/)).toEqual(OPCODES);
  });

  it('has the error codes and signals of the specification', () => {
    expect(only(C, /^CERROR_/)).toEqual({
      CERROR_NONE: 0,
      CERROR_ILL: 1,
      CERROR_ABT: 2,
      CERROR_ATC_INV_SYNC: 3,
    });
    expect(only(C, /^SYNC_CS_/)).toEqual({ SYNC_CS_NONE: 0, SYNC_CS_IRQ: 1, SYNC_CS_SEV: 2 });
  });
});

describe('event records', () => {
  it.each(EVENTS.map((image) => [image[0], image] as const))('%s', (_, image) =>
    expectImage(image),
  );

  it('has every field where the specification has it', () => {
    const ofHints = /^EVT_([UP][RWX]|SPAN)$/;
    const fields = fieldsOf(only(E, /^EVT_(?!CLASS_)/), ofHints);
    const hint = only(E, ofHints);
    expectFields(fields, EVENT_BITS);
    expectFields(hint, HINT_BITS);
    expect([...overlaps(fields), ...overlaps(hint)]).toEqual([]);
  });

  it('has the event IDs of the specification', () => {
    expect(only(E, /^[CEF]_/)).toEqual(EVENT_IDS);
    expect(only(E, /^EVT_CLASS_/)).toEqual({ EVT_CLASS_CD: 0, EVT_CLASS_TT: 1, EVT_CLASS_IN: 2 });
  });
});
