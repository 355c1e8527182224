// SPDX-License-Identifier: MIT
// Structures of the arm64 toy: commands, CD, STE and the stage 1 tables of its one
// address space, as 64-bit words.

import {
  CD_A,
  CD_AA64,
  CD_ASET,
  CD_ASID,
  CD_EPD1,
  CD_IPS,
  CD_IR0,
  CD_MAIR_LO,
  CD_OR0,
  CD_R,
  CD_SH0,
  CD_T0SZ,
  CD_V,
} from '../../assembly/layout/cd.ts';
import {
  CFGI_LEAF,
  CFGI_RANGE,
  CFGI_RANGE_ALL,
  CMD_SID,
  CMD_SSID,
  OP_ATC_INV,
  OP_CFGI_CD,
  OP_CFGI_STE,
  OP_CFGI_STE_RANGE,
  OP_TLBI_NH_ASID,
  OP_TLBI_NH_VA,
  OP_TLBI_NSNH_ALL,
  TLBI_ASID as TLBI_ASID_FIELD,
} from '../../assembly/layout/commands.ts';
import {
  STE_CONFIG,
  STE_CONFIG_ABORT,
  STE_CONFIG_S1,
  STE_EATS,
  STE_EATS_FULL,
  STE_S1CDMAX,
  STE_S1CIR,
  STE_S1COR,
  STE_S1CSH,
  STE_S1DSS,
  STE_S1DSS_CD0,
  STE_V,
} from '../../assembly/layout/ste.ts';
import {
  ASID,
  CONTEXT,
  DOORBELL,
  DOORBELL_IOVA,
  LIVE,
  LIVE_IOVA,
  PASID,
  PASID_ASID,
  PASID_CONTEXTS,
  PASID_PAGE,
  PASID_TABLES,
  SCRATCH_IOVA,
  SOURCE,
  SOURCE_IOVA,
  STREAM,
  TABLES,
  TARGET,
  TARGET_IOVA,
} from './a64-places.ts';
import { inField } from './a64-source.ts';

const WRITE_BACK = 1;
const INNER_SHAREABLE = 3;
const T0SZ_39_BITS = 25;
/** log2 of the number of CDs of a stream with PASIDs. */
const CDS_LOG2 = 1;
/** 48 bits of output addresses, as far as the SMMU has them. */
const IPS_40_BITS = 2;
/** Index 0: non-cacheable, 1: write-back, 2: device. */
const MAIR = 0x04ff44;

export const COMMAND_ALL_CONFIGURATIONS = [
  BigInt(OP_CFGI_STE_RANGE),
  inField(CFGI_RANGE, CFGI_RANGE_ALL),
] as const;
export const COMMAND_STREAM_CONFIGURATION = [
  BigInt(OP_CFGI_STE) | inField(CMD_SID, STREAM),
  inField(CFGI_LEAF, 1),
] as const;
export const COMMAND_ALL_TRANSLATIONS = BigInt(OP_TLBI_NSNH_ALL);
/** The second word is ATC_INV_SIZE_ALL, or the page's iova. */
export const COMMAND_ATC = BigInt(OP_ATC_INV) | inField(CMD_SID, STREAM);
export const COMMAND_ASID = BigInt(OP_TLBI_NH_ASID) | inField(TLBI_ASID_FIELD, ASID);
/** The second word is the page's iova. */
export const COMMAND_PAGE = BigInt(OP_TLBI_NH_VA) | inField(TLBI_ASID_FIELD, ASID);
/** The same for the address space of the PASID. */
export const COMMAND_PASID_PAGE = BigInt(OP_TLBI_NH_VA) | inField(TLBI_ASID_FIELD, PASID_ASID);
/** The SMMU reads the CD of the PASID again. */
export const COMMAND_PASID_CONFIGURATION = [
  BigInt(OP_CFGI_CD) | inField(CMD_SSID, PASID) | inField(CMD_SID, STREAM),
  inField(CFGI_LEAF, 1),
] as const;

/** The CD of an address space. */
export const contextWords = (asid = ASID, tables = TABLES): readonly bigint[] => [
  inField(CD_T0SZ, T0SZ_39_BITS) |
    inField(CD_IR0, WRITE_BACK) |
    inField(CD_OR0, WRITE_BACK) |
    inField(CD_SH0, INNER_SHAREABLE) |
    inField(CD_EPD1, 1) |
    inField(CD_V, 1) |
    inField(CD_IPS, IPS_40_BITS) |
    inField(CD_AA64, 1) |
    inField(CD_R, 1) |
    inField(CD_A, 1) |
    inField(CD_ASET, 1) |
    inField(CD_ASID, asid),
  BigInt(tables),
  0n,
  inField(CD_MAIR_LO, MAIR),
];

/**
 * Doubleword 1 of the engine's STE, and doubleword 0, which makes it valid for stage 1.
 */
export const STE_ATTRIBUTES =
  inField(STE_S1DSS, STE_S1DSS_CD0) |
  inField(STE_S1CIR, WRITE_BACK) |
  inField(STE_S1COR, WRITE_BACK) |
  inField(STE_S1CSH, INNER_SHAREABLE);
export const STE_STAGE1 = BigInt(CONTEXT) | inField(STE_V, 1) | inField(STE_CONFIG, STE_CONFIG_S1);
/** Doubleword 0 for two CDs, the second one for the PASID. */
export const STE_STAGE1_PASID =
  BigInt(PASID_CONTEXTS) |
  inField(STE_V, 1) |
  inField(STE_CONFIG, STE_CONFIG_S1) |
  inField(STE_S1CDMAX, CDS_LOG2);
/** Doubleword 1 for a device with an ATC, and doubleword 0 of an aborting stream. */
export const STE_ATTRIBUTES_ATS = STE_ATTRIBUTES | inField(STE_EATS, STE_EATS_FULL);
export const STE_ABORT = inField(STE_V, 1) | inField(STE_CONFIG, STE_CONFIG_ABORT);

const TABLE = 3n;
/** Page, attributes 1, inner shareable, AF, nG, privileged and unprivileged. */
const PAGE = 0xf47n;
const READ_ONLY = 0x80n;
/** Attributes 2. */
const DEVICE_PAGE = 0xf4bn;

/** A page that the device may read and write. */
export const writablePage = (address: number): bigint => BigInt(address) | PAGE;
export const readablePage = (address: number): bigint => BigInt(address) | PAGE | READ_ONLY;

const LEVEL1_SHIFT = 30;
const SIZE = 0x1000;
/**
 * Pages of the buffers, and of the part of the last range that is mapped for the
 * measurement.
 */
export const BUFFER_PAGES = 4;
export const LIVE_PAGES = 8;

/** Ranges, each in a separate GiB: iova and pages. */
const RANGES: readonly (readonly [iova: number, pages: readonly bigint[]])[] = [
  [SOURCE_IOVA, Array.from({ length: BUFFER_PAGES }, (_, i) => readablePage(SOURCE + SIZE * i))],
  [TARGET_IOVA, Array.from({ length: BUFFER_PAGES }, (_, i) => writablePage(TARGET + SIZE * i))],
  [LIVE_IOVA, Array.from({ length: LIVE_PAGES }, (_, i) => readablePage(LIVE + SIZE * i))],
  [DOORBELL_IOVA, [BigInt(DOORBELL) | DEVICE_PAGE]],
  [SCRATCH_IOVA, []],
];

/** Level 3 tables of each range: the range that the measurement unmaps has two. */
const LEVEL3_TABLES = 2;
const level2 = (range: number) => TABLES + SIZE * (1 + range);
const level3 = (range: number) => TABLES + SIZE * (1 + RANGES.length + LEVEL3_TABLES * range);

/** Address of the first level-3 descriptor of a range. */
export function leafOf(iova: number): number {
  return level3(RANGES.findIndex(([start]) => start === iova));
}

/** Stage 1 tables: addresses, and the words from each address. */
export const tableWords = (): readonly (readonly [address: number, words: readonly bigint[]])[] =>
  RANGES.flatMap(([iova, pages], i) => [
    [TABLES + 8 * Math.floor(iova / 2 ** LEVEL1_SHIFT), [BigInt(level2(i)) | TABLE]],
    [level2(i), [0, 1].map((n) => BigInt(level3(i) + SIZE * n) | TABLE)],
    [level3(i), pages],
  ]);

/** Where the PASID's address space has the descriptor of the page at SOURCE_IOVA. */
export const PASID_LEAF = PASID_TABLES + 2 * SIZE;

/** Its tables, which map that one page. */
export const pasidTableWords = (): readonly (readonly [
  address: number,
  words: readonly bigint[],
])[] => [
  [
    PASID_TABLES + 8 * Math.floor(SOURCE_IOVA / 2 ** LEVEL1_SHIFT),
    [BigInt(PASID_TABLES + SIZE) | TABLE],
  ],
  [PASID_TABLES + SIZE, [BigInt(PASID_LEAF) | TABLE]],
  [PASID_LEAF, [readablePage(PASID_PAGE)]],
];
