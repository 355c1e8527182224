// SPDX-License-Identifier: MIT
// The reasons that a guest's SMMU reports for a transaction without an STE or CD.

import { beforeEach, expect, it } from 'vitest';
import { STE_S1FMT_4K, STE_S1FMT_LINEAR } from '../../../assembly/layout/ste.ts';
import { GUEST_ID_REGISTERS, type SmmuRefusal } from '../../../devices/smmuv3/index.ts';
import { bypassSte, cfgiAll, stage1Ste, writeSte } from '../../../devices/tables/index.ts';
import {
  backend,
  bus,
  CDS,
  enable,
  expectDone,
  issue,
  memory,
  STREAMS,
  setUpWith,
} from './guest-board.ts';

const SID = 8;
const FAR = 0x4_0000_0000;
const hex = (value: number) => `0x${value.toString(16)}`;
let told: SmmuRefusal[];

beforeEach(() => {
  told = [];
  setUpWith(GUEST_ID_REGISTERS, (refusal) => told.push(refusal));
});

/** The reasons for the refusal of an access. */
function said(ssid?: number): string[] {
  told.length = 0;
  issue(cfgiAll());
  expectDone();
  expect(backend.dma(SID, 0x10000, ssid === undefined ? {} : { ssid })).toBeUndefined();
  backend.forwardEvents();
  return told.map(({ event, text, section }) => `${event}: ${text} (${section})`);
}

/** A stream table that replaces that of `enable`. */
function streamTable(base: number, config: number): void {
  bus.write32(0x20, 0xc);
  bus.write64(0x80, BigInt(base));
  bus.write32(0x88, config);
  // RECINVSID
  bus.write32(0x2c, 2);
  bus.write32(0x20, 0xd);
}

it.each([
  [
    'a StreamID beyond a linear table',
    STREAMS,
    3,
    undefined,
    'C_BAD_STREAMID: StreamID 0x8 is not below 2^3, by STRTAB_BASE_CFG.LOG2SIZE and IDR1.SIDSIZE (7.3.3)',
  ],
  [
    'an STE out of RAM',
    FAR,
    4,
    undefined,
    'F_STE_FETCH: STRTAB_BASE.ADDR = 0x400000000 points to an STE at 0x400000200, which is not memory (7.3.4)',
  ],
  [
    'a level-1 descriptor out of RAM',
    FAR,
    0x10188,
    undefined,
    'F_STE_FETCH: STRTAB_BASE.ADDR = 0x400000000 points to a level-1 stream table descriptor at 0x400000000, which is not memory (7.3.4)',
  ],
  [
    'an invalid level-1 descriptor',
    STREAMS,
    0x10188,
    0n,
    `C_BAD_STREAMID: the level-1 stream table descriptor 0x0 at ${hex(STREAMS)} is invalid: Span = 0, STRTAB_BASE_CFG.SPLIT = 6 (7.3.3)`,
  ],
  [
    'a level-1 descriptor of too few',
    STREAMS,
    0x10188,
    BigInt(STREAMS + 0x200 + 4),
    `C_BAD_STREAMID: the level-1 stream table descriptor ${hex(STREAMS + 0x204)} at ${hex(STREAMS)} has Span = 4: no STE for StreamID 0x8 (7.3.3)`,
  ],
  [
    'a level-1 descriptor that points out of RAM',
    STREAMS,
    0x10188,
    BigInt(FAR + 5),
    `F_STE_FETCH: the level-1 stream table descriptor 0x400000005 at ${hex(STREAMS)} points to an STE at 0x400000200, which is not memory (7.3.4)`,
  ],
] as const)('%s', (_name, base, config, descriptor, text) => {
  if (descriptor !== undefined) memory.store64(STREAMS, descriptor);
  enable();
  streamTable(base, config);
  expect(said()).toEqual([text]);
});

it.each([
  [
    'no CDs but one',
    stage1Ste({ contextPtr: CDS }),
    3,
    'C_BAD_SUBSTREAMID: SubstreamID 0x3, but STE.S1CDMax = 0 with IDR1.SSIDSIZE = 20 (7.3.9)',
  ],
  [
    'no stage 1',
    bypassSte(),
    3,
    'C_BAD_SUBSTREAMID: SubstreamID 0x3, but STE.Config = 4 has no stage 1 (7.3.9)',
  ],
  [
    'beyond S1CDMax',
    stage1Ste({ contextPtr: CDS, cdMax: 2, format: STE_S1FMT_LINEAR }),
    4,
    'C_BAD_SUBSTREAMID: SubstreamID 0x4, but STE.S1CDMax = 2 (7.3.9)',
  ],
  [
    'an invalid level-1 descriptor',
    stage1Ste({ contextPtr: CDS, cdMax: 7, format: STE_S1FMT_4K }),
    65,
    `C_BAD_SUBSTREAMID: SubstreamID 0x41, but the level-1 CD descriptor 0x0 at ${hex(CDS + 8)} is invalid (7.3.9)`,
  ],
  [
    'the same, of CD 0',
    stage1Ste({ contextPtr: CDS, cdMax: 7, format: STE_S1FMT_4K }),
    undefined,
    `C_BAD_SUBSTREAMID: SubstreamID 0x0, but the level-1 CD descriptor 0x0 at ${hex(CDS)} is invalid (7.3.9)`,
  ],
  [
    'none, with S1DSS = 0',
    stage1Ste({ contextPtr: CDS, cdMax: 2, dss: 0 }),
    undefined,
    'F_STREAM_DISABLED: STE.S1DSS = 0 with STE.S1CDMax = 2: there is no CD for transactions without a SubstreamID (7.3.7)',
  ],
  [
    'none, with the reserved S1DSS',
    stage1Ste({ contextPtr: CDS, cdMax: 2, dss: 3 }),
    undefined,
    'F_STREAM_DISABLED: STE.S1DSS = 3 with STE.S1CDMax = 2: there is no CD for transactions without a SubstreamID (7.3.7)',
  ],
  [
    '0, with S1DSS = 2',
    stage1Ste({ contextPtr: CDS, cdMax: 2, dss: 2 }),
    0,
    'F_STREAM_DISABLED: STE.S1DSS = 2 with STE.S1CDMax = 2: CD 0 is not for transactions with SubstreamID 0 (7.3.7)',
  ],
] as const)('SubstreamID: %s', (_name, ste, ssid, text) => {
  writeSte(memory, STREAMS, SID, ste);
  enable();
  expect(said(ssid)).toEqual([text]);
});

it('is nothing once the table has been mended', () => {
  writeSte(memory, STREAMS, SID, stage1Ste({ contextPtr: CDS, cdMax: 2, dss: 0 }));
  enable();
  issue(cfgiAll());
  expect(backend.dma(SID, 0x10000)).toBeUndefined();
  writeSte(memory, STREAMS, SID, stage1Ste({ contextPtr: CDS }));
  backend.forwardEvents();
  expect(told).toEqual([]);
});

it('SubstreamID: a level-1 descriptor that points beyond OAS', () => {
  memory.store64(CDS, 0x000f_0000_0000_1001n);
  writeSte(memory, STREAMS, SID, stage1Ste({ contextPtr: CDS, cdMax: 7, format: STE_S1FMT_4K }));
  enable();
  expect(said(1)).toEqual([
    `C_BAD_SUBSTREAMID: SubstreamID 0x1, but the level-1 CD descriptor 0xf000000001001 at ${hex(CDS)} is beyond the 48 bits of IDR5.OAS (7.3.9)`,
  ]);
});
