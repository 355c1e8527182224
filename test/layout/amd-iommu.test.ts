// SPDX-License-Identifier: MIT
// Registers, device table entries, commands and events of an AMD IOMMU against images
// derived by hand from the tables of publication 48882, and VFCTRL from the writes of
// Linux's driver.

import { describe, expect, it } from 'vitest';
import * as AMD from '../../assembly/layout/amd-formats.ts';
import {
  blockedDte,
  completePageRequest,
  completionWait,
  hostDte,
  invalidateDevtabEntry,
  invalidatePages,
} from '../../devices/amd-iommu/index.ts';
import {
  type Bits,
  doublewordsOf,
  expectFields,
  expectImage,
  type Image,
  overlaps,
} from './images.ts';

/** By structure; a register is one doubleword. */
const FORMATS: Readonly<Record<string, Readonly<Record<string, Bits>>>> = {
  'device table base': { AMD_DEVICE_TABLE_SIZE: [0, 8, 0] },
  'buffer base': { AMD_BASE_LENGTH: [0, 59, 56] },
  control: {
    AMD_CONTROL_IOMMU_EN: [0, 0, 0],
    AMD_CONTROL_EVENT_LOG_EN: [0, 2, 2],
    AMD_CONTROL_EVENT_INT_EN: [0, 3, 3],
    AMD_CONTROL_COM_WAIT_INT_EN: [0, 4, 4],
    AMD_CONTROL_CMD_BUF_EN: [0, 12, 12],
    AMD_CONTROL_PPR_LOG_EN: [0, 13, 13],
    AMD_CONTROL_PPR_INT_EN: [0, 14, 14],
    AMD_CONTROL_PPR_EN: [0, 15, 15],
  },
  status: {
    AMD_STATUS_EVENT_OVERFLOW: [0, 0, 0],
    AMD_STATUS_EVENT_LOG_INT: [0, 1, 1],
    AMD_STATUS_COM_WAIT_INT: [0, 2, 2],
    AMD_STATUS_EVENT_LOG_RUN: [0, 3, 3],
    AMD_STATUS_CMD_BUF_RUN: [0, 4, 4],
    AMD_STATUS_PPR_OVERFLOW: [0, 5, 5],
    AMD_STATUS_PPR_INT: [0, 6, 6],
    AMD_STATUS_PPR_RUN: [0, 7, 7],
  },
  'extended features': {
    AMD_EFR_PPR: [0, 1, 1],
    AMD_EFR_GT: [0, 4, 4],
    AMD_EFR_INVALIDATE_ALL: [0, 6, 6],
    AMD_EFR_GIO: [0, 48, 48],
  },
  'ID map': {
    AMD_MAP_VALID: [0, 0, 0],
    AMD_MAP_HOST_ID: [0, 29, 14],
    AMD_MAP_GUEST_ID: [0, 61, 46],
    AMD_MAP_WRITE: [0, 63, 63],
  },
  misc: { AMD_MISC_DEVICE: [0, 31, 16] },
  'buffer control': {
    AMD_VFCTRL_LENGTH: [0, 3, 0],
    AMD_VFCTRL_ENABLE: [0, 8, 8],
    AMD_VFCTRL_INT_ENABLE: [0, 9, 9],
  },
  'device table entry': {
    AMD_DTE_V: [0, 0, 0],
    AMD_DTE_TV: [0, 1, 1],
    AMD_DTE_MODE: [0, 11, 9],
    AMD_DTE_ROOT_LO: [0, 31, 12],
    AMD_DTE_ROOT_HI: [0, 51, 32],
    AMD_DTE_PPR: [0, 52, 52],
    AMD_DTE_GIOV: [0, 54, 54],
    AMD_DTE_GV: [0, 55, 55],
    AMD_DTE_GLX: [0, 57, 56],
    AMD_DTE_GCR3_A: [0, 60, 58],
    AMD_DTE_IR: [0, 61, 61],
    AMD_DTE_IW: [0, 62, 62],
    AMD_DTE_DOMAIN: [1, 15, 0],
    AMD_DTE_GCR3_B: [1, 31, 16],
    AMD_DTE_GCR3_C: [1, 63, 43],
    AMD_DTE_GUEST_PAGING: [2, 55, 54],
    AMD_DTE_VIOMMU: [3, 15, 15],
    AMD_DTE_GUEST_DEVICE: [3, 31, 16],
    AMD_DTE_GUEST_ID: [3, 47, 32],
  },
  COMPLETION_WAIT: {
    AMD_CMD_OP: [0, 63, 60],
    AMD_WAIT_STORE: [0, 0, 0],
    AMD_WAIT_INTERRUPT: [0, 1, 1],
  },
  'commands of a device': { AMD_CMD_OP: [0, 63, 60], AMD_CMD_DEVICE: [0, 15, 0] },
  INVALIDATE_IOMMU_PAGES: {
    AMD_CMD_OP: [0, 63, 60],
    AMD_INV_PASID: [0, 19, 0],
    AMD_INV_DOMAIN: [0, 47, 32],
    AMD_INV_SIZE: [1, 0, 0],
    AMD_INV_GN: [1, 2, 2],
  },
  COMPLETE_PPR_REQUEST: {
    AMD_CMD_OP: [0, 63, 60],
    AMD_CMD_DEVICE: [0, 15, 0],
    AMD_COMPLETE_PASID: [0, 51, 32],
    AMD_COMPLETE_GN: [1, 2, 2],
    AMD_COMPLETE_GROUP: [1, 40, 32],
    AMD_COMPLETE_RESPONSE: [1, 47, 44],
  },
  'page request': {
    AMD_PPR_CODE: [0, 63, 60],
    AMD_PPR_DEVICE: [0, 15, 0],
    AMD_PPR_PASID_LO: [0, 31, 16],
    AMD_PPR_GROUP: [0, 40, 32],
    AMD_PPR_LAST: [0, 41, 41],
    AMD_PPR_PASID_HI: [0, 45, 42],
    AMD_PPR_EXECUTE: [0, 49, 49],
    AMD_PPR_READ: [0, 50, 50],
    AMD_PPR_WRITE: [0, 53, 53],
    AMD_PPR_USER: [0, 54, 54],
    AMD_PPR_GN: [0, 56, 56],
  },
  'event record': {
    AMD_EVENT_CODE: [0, 63, 60],
    AMD_EVENT_DEVICE: [0, 15, 0],
    AMD_EVENT_PASID: [0, 47, 32],
    AMD_EVENT_GN: [0, 48, 48],
    AMD_EVENT_PR: [0, 52, 52],
    AMD_EVENT_RW: [0, 53, 53],
    AMD_EVENT_PE: [0, 54, 54],
  },
};
const NAMES = new Set(Object.values(FORMATS).flatMap((format) => Object.keys(format)));

const IMAGES: readonly Image[] = [
  [
    "a guest's device in domain 5, GCR3 table at 0x8_1234_5000",
    [
      [AMD.AMD_DTE_V, 1],
      [AMD.AMD_DTE_TV, 1],
      [AMD.AMD_DTE_GIOV, 1],
      [AMD.AMD_DTE_GV, 1],
      [AMD.AMD_DTE_GCR3_A, 5],
      [AMD.AMD_DTE_GCR3_B, 0x2468],
      [AMD.AMD_DTE_GCR3_C, 0x10],
      [AMD.AMD_DTE_IR, 1],
      [AMD.AMD_DTE_IW, 1],
      [AMD.AMD_DTE_DOMAIN, 5],
    ],
    '74c0000000000003 0000800024680005 0000000000000000 0000000000000000',
  ],
  [
    'the ID map of guest DeviceID 0x0123 to 0x4567',
    [
      [AMD.AMD_MAP_VALID, 1],
      [AMD.AMD_MAP_WRITE, 1],
      [AMD.AMD_MAP_GUEST_ID, 0x0123],
      [AMD.AMD_MAP_HOST_ID, 0x4567],
    ],
    '8048c0001159c001',
  ],
];

describe('AMD IOMMU', () => {
  it.each(Object.entries(FORMATS))(
    '%s has its fields where the specification has them',
    (_what, format) => {
      const fields = Object.fromEntries(
        Object.keys(format).map((name) => [
          name,
          (AMD as Readonly<Record<string, number>>)[name] ?? 0,
        ]),
      );
      expectFields(fields, format);
      expect(overlaps(fields)).toEqual([]);
    },
  );

  it('has every field in one of these', () => {
    const fields = Object.keys(AMD).filter((name) =>
      /^AMD_(CONTROL|STATUS|EFR|DTE|INV|WAIT|MAP|MISC|COMPLETE)_/.test(name),
    );
    expect(fields.filter((name) => !NAMES.has(name))).toEqual(['AMD_DTE_SIZE']);
  });

  it.each(IMAGES)('%s', (...image) => expectImage(image));

  it('builds entries and commands', () => {
    const built = (words: Uint32Array) => doublewordsOf([...words]);
    expect(built(blockedDte())).toBe(
      '0000000000000003 0000000000000000 0000000000000000 0000000000000000',
    );
    // Mode 4, root 0x1_2345_6000, IR, IW; domain 7.
    expect(built(hostDte(7, 0x123456000, 4))).toBe(
      '6000000123456803 0000000000000007 0000000000000000 0000000000000000',
    );
    expect(built(completionWait({ address: 0x180001238, data: 9 }, true))).toBe(
      '100000018000123b 0000000000000009',
    );
    expect(built(invalidateDevtabEntry(0x1234))).toBe('2000000000001234 0000000000000000');
    expect(built(completePageRequest(0x1234, 0x1ff, 1, 0x54321))).toBe(
      '7005432100001234 000011ff00000004',
    );
    expect(built(completePageRequest(8, 5, 15))).toBe('7000000000000008 0000f00500000000');
    expect(built(invalidatePages(7, 3, 0x123456789))).toBe('3000000700000003 0000000123456004');
    expect(built(invalidatePages(7))).toBe('3000000700000000 7ffffffffffff001');
  });
});
