// SPDX-License-Identifier: MIT
// The reasons why a guest's SMMU has refused a stream, in addition to its event records.

import { beforeEach, expect, it } from 'vitest';
import { CD_A, CD_TG0 } from '../../../assembly/layout/cd.ts';
import { EVT_ID, EVT_SID, EVT_SSID, EVT_SSV, F_CD_FETCH } from '../../../assembly/layout/events.ts';
import {
  STE_S1CDMAX,
  STE_S1FMT,
  STE_S1FMT_64K,
  STE_S1FMT_LINEAR,
} from '../../../assembly/layout/ste.ts';
import { setField } from '../../../devices/plugin/index.ts';
import { GUEST_ID_REGISTERS, type SmmuRefusal } from '../../../devices/smmuv3/index.ts';
import { RefusalWatch } from '../../../devices/smmuv3/refusal-watch.ts';
import {
  cfgiAll,
  cfgiSte,
  contextDescriptor,
  invalidSte,
  nestedSte,
  S1_READ_WRITE,
  stage1Ste,
  writeCd,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  BUFFER,
  backend,
  bus,
  CDS,
  device,
  enable,
  expectDone,
  host,
  issue,
  memory,
  STREAMS,
  setUpWith,
  stage1,
} from './guest-board.ts';

const SID = 8;
let told: SmmuRefusal[];

beforeEach(() => {
  told = [];
  setUpWith(GUEST_ID_REGISTERS, (refusal) => told.push(refusal));
});

/** An access, which is refused, and whose events have been delivered to the guest. */
function access(): void {
  expect(backend.dma(SID, 0x10000)).toBeUndefined();
  backend.forwardEvents();
}

/** A CD with changed fields. */
function cd(change: (words: Uint32Array) => void): void {
  const words = contextDescriptor({ asid: 1, lower: { ttb: CDS, inputBits: 48 } });
  change(words);
  writeCd(memory, CDS, 0, words);
}

it('a CD is refused for a field, with its value and the register that limits it', () => {
  cd((words) => setField(words, CD_A, 0));
  writeSte(memory, STREAMS, SID, stage1Ste({ contextPtr: CDS }));
  enable();
  access();
  expect(told).toEqual([
    {
      event: 'C_BAD_CD',
      streamId: SID,
      substreamId: undefined,
      text: 'CD.A = 0 but IDR0.TERM_MODEL = 1',
      section: '5.4',
    },
  ]);
});

it('an STE is judged by the registers that the guest was shown', () => {
  writeSte(memory, STREAMS, SID, invalidSte());
  enable();
  access();
  writeSte(
    memory,
    STREAMS,
    SID,
    nestedSte({ contextPtr: CDS }, { vmid: 0, ttb: 0, inputBits: 40 }),
  );
  issue(cfgiSte(SID));
  expectDone();
  access();
  expect(told.map(({ event, text }) => `${event}: ${text}`)).toEqual([
    'C_BAD_STE: STE.V = 0',
    'C_BAD_STE: STE.Config = 7 but IDR0.S2P = 0',
  ]);
});

it('an address is refused for a descriptor, with its value and address', () => {
  const table = stage1();
  enable();
  for (const [iova, write] of [
    [0x11000, true],
    [0x12000, false],
  ] as const) {
    expect(backend.dma(SID, iova, { write })).toBeUndefined();
    backend.forwardEvents();
  }
  const leaf = table.leafOf(0x11000) ?? 0;
  const at = (address: number) => `at 0x${address.toString(16)}`;
  expect(told.map(({ event, text }) => `${event}: ${text}`)).toEqual([
    `F_PERMISSION: the level-3 descriptor 0x${memory.load64(leaf).toString(16)} ${at(leaf)} has AP[2] = 1: read-only`,
    `F_TRANSLATION: the level-3 descriptor 0x0 ${at(leaf + 8)} is invalid`,
  ]);
  // Corrected before the check: there is nothing to report.
  told.length = 0;
  expect(backend.dma(SID, 0x13000)).toBeUndefined();
  table.map(0x13000, BUFFER, 0x1000, S1_READ_WRITE);
  backend.forwardEvents();
  expect(told).toEqual([]);
});

it('each reason is reported once, and again after a reset', () => {
  cd((words) => setField(words, CD_TG0, 3));
  writeSte(memory, STREAMS, SID, stage1Ste({ contextPtr: CDS }));
  enable();
  for (let i = 0; i < 3; i++) access();
  expect(told.map(({ text }) => text)).toEqual(['CD.TG0 = 3 is reserved']);
  device.reset();
  enable();
  issue(cfgiAll());
  access();
  expect(told).toHaveLength(2);
});

it('at most 256 are reported, regardless of the guest', () => {
  enable();
  for (let i = 0; i < 300; i++) {
    // Another address each time.
    writeSte(memory, STREAMS, SID, stage1Ste({ contextPtr: 2 ** 51 + 64 * i }));
    issue(cfgiSte(SID));
    access();
    bus.write32(0x100ac, bus.read32(0x100a8));
  }
  expect(told).toHaveLength(256);
  expect(told[255]?.text).toMatch(/^STE\.S1ContextPtr = 0x8000000003fc0 is beyond/);
});

it.each([
  [
    'a linear table',
    0n,
    [0x4_0000_0000, 'STE.S1ContextPtr = 0x400000000 points to a CD at 0x4000000c0'],
  ],
  [
    'a level-1 table that is out of RAM',
    0n,
    [
      0x4_0000_0000,
      'STE.S1ContextPtr = 0x400000000 points to a level-1 CD descriptor at 0x400000000',
      'two levels',
    ],
  ],
  [
    'a level-1 descriptor',
    0x4_0000_0001n,
    [
      CDS,
      `the level-1 CD descriptor 0x400000001 at 0x${CDS.toString(16)} points to a CD at 0x4000000c0`,
      'two levels',
    ],
  ],
] as const)(
  'a CD out of RAM is named by its pointer: %s',
  (_name, descriptor, [at, text, levels]) => {
    memory.store64(CDS, descriptor);
    const ste = stage1Ste({ contextPtr: at });
    setField(ste, STE_S1CDMAX, 2);
    setField(ste, STE_S1FMT, levels === undefined ? STE_S1FMT_LINEAR : STE_S1FMT_64K);
    const watch = new RefusalWatch({
      shown: GUEST_ID_REGISTERS,
      physical: GUEST_ID_REGISTERS,
      smmuEnabled: () => true,
      streamTable: () => ({ base: STREAMS, log2size: 4, split: undefined }),
      steOf: () => ste,
      onRefusal: (refusal) => told.push(refusal),
    });
    const record = new Uint32Array(8);
    setField(record, EVT_ID, F_CD_FETCH);
    setField(record, EVT_SID, SID);
    setField(record, EVT_SSV, 1);
    setField(record, EVT_SSID, 3);
    watch.see(record, host.memory);
    expect(told).toEqual([
      {
        event: 'F_CD_FETCH',
        streamId: SID,
        substreamId: 3,
        text: `${text}, which is not memory`,
        section: '7.3.10',
      },
    ]);
  },
);
