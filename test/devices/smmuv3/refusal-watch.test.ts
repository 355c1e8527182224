// What a guest's SMMU says beside its event records: why a stream was refused.

import { beforeEach, expect, it } from 'vitest';
import { CD_A, CD_TG0 } from '../../../assembly/layout/cd.ts';
import { setField } from '../../../devices/plugin/index.ts';
import { GUEST_ID_REGISTERS, type SmmuRefusal } from '../../../devices/smmuv3/index.ts';
import {
  cfgiAll,
  cfgiSte,
  contextDescriptor,
  invalidSte,
  nestedSte,
  stage1Ste,
  writeCd,
  writeSte,
} from '../../../devices/tables/index.ts';
import {
  backend,
  bus,
  CDS,
  device,
  enable,
  expectDone,
  issue,
  memory,
  STREAMS,
  setUpWith,
} from './guest-board.ts';

const SID = 8;
let told: SmmuRefusal[];

beforeEach(() => {
  told = [];
  setUpWith(GUEST_ID_REGISTERS, (refusal) => told.push(refusal));
});

/** An access, which is refused; what comes of it has been handed to the guest. */
function access(): void {
  expect(backend.dma(SID, 0x10000)).toBeUndefined();
  backend.forwardEvents();
}

/** A CD whose fields have been changed. */
function cd(change: (words: Uint32Array) => void): void {
  const words = contextDescriptor({ asid: 1, lower: { ttb: CDS, inputBits: 48 } });
  change(words);
  writeCd(memory, CDS, 0, words);
}

it('a CD is refused for a field, with its value and the register that it is measured against', () => {
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

it('each reason is told once, and again after a reset', () => {
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

it('at most 256 are told, whatever a guest makes up', () => {
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
