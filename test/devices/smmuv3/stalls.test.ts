// SPDX-License-Identifier: MIT
// Stalls in the SMMU devices: records and commands of a guest, and a change of CR0.SMMUEN
// of a host.

import { describe, expect, it } from 'vitest';
import { SMMU_AT_STALLED } from '../../../assembly/layout/smmu-memory.ts';
import { STALL_ABORT, STALL_WAITING } from '../../../assembly/layout/stall-memory.ts';
import { TRANSLATE_STALLED } from '../../../assembly/layout/translate-results.ts';
import { GUEST_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { resume, stage1Ste, stallTerm, sync, writeSte } from '../../../devices/tables/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { physicalSid } from '../../support/viommu-backend.ts';
import {
  backend,
  CDS,
  enable,
  expectDone,
  issue,
  memory,
  record,
  STREAMS,
  setUp,
  setUpWith,
  stage1,
} from './guest-board.ts';

/** No entry for the page at this iova. */
const HOLE = 0x20000;
const answer = (stag: number) => backend.core.stallAnswer(smmuBase(0), physicalSid(8), stag);

describe("a guest's SMMU", () => {
  it('records a stall with the guest’s StreamID, and accepts RESUME for it', () => {
    setUp();
    stage1({ stall: true });
    enable();
    expect(backend.translate(8, HOLE)).toBe(TRANSLATE_STALLED);
    backend.forwardEvents();
    expect(record(0)).toEqual([0x0000_0008_0000_0010n, 0x0000_0200_8000_0400n, BigInt(HOLE), 0n]);
    issue(resume(9, 0x400, 'abort'), sync());
    expectDone();
    expect(answer(0x400)).toBe(STALL_WAITING);
    issue(resume(8, 0x400, 'abort'), sync());
    expectDone();
    expect(answer(0x400)).toBe(STALL_ABORT);
  });

  it('STALL_TERM of a stream that it does not have has no effect', () => {
    setUp();
    stage1({ stall: true });
    enable();
    backend.translate(8, HOLE);
    issue(stallTerm(10), stallTerm(physicalSid(8)), sync());
    expectDone();
    expect(answer(0x400)).toBe(STALL_WAITING);
  });

  it('without stalls refuses a CD that stalls, although its host has them', () => {
    setUpWith({ ...GUEST_ID_REGISTERS, idr0: GUEST_ID_REGISTERS.idr0 | 0x0100_0000 });
    stage1({ stall: true });
    enable();
    expect(backend.dma(8, HOLE)).toBeUndefined();
    backend.forwardEvents();
    expect(record(0)[0]).toBe(0x0000_0008_0000_000an);
  });

  it('without stalls refuses S1STALLD', () => {
    setUpWith({ ...GUEST_ID_REGISTERS, idr0: GUEST_ID_REGISTERS.idr0 | 0x0100_0000 });
    stage1();
    writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS, stallDisabled: true }));
    enable();
    expect(backend.dma(8, 0x10000)).toBeUndefined();
    backend.forwardEvents();
    expect(record(0)[0]).toBe(0x0000_0008_0000_0004n);
  });
});

describe("a host's SMMU", () => {
  const stalled = () =>
    new Int32Array(backend.hostMemory.buffer)[(smmuBase(0) + SMMU_AT_STALLED) >> 2];
  const stallOne = () => {
    setUp();
    stage1({ stall: true });
    enable();
    expect(backend.translate(8, HOLE)).toBe(TRANSLATE_STALLED);
  };

  it('ends stalled transactions with an abort when SMMUEN goes to 0', () => {
    stallOne();
    backend.bus.write32(0x20, 0xd);
    expect(answer(0x400)).toBe(STALL_WAITING);
    backend.bus.write32(0x20, 0xc);
    expect(answer(0x400)).toBe(STALL_ABORT);
  });

  it('ends them on a reset, and discards those that no device waits for', () => {
    stallOne();
    backend.translate(8, HOLE + 0x1000);
    backend.core.stallAbandon(smmuBase(0), physicalSid(8), 0x400);
    backend.physical.reset();
    expect([answer(0x401), stalled()]).toEqual([STALL_ABORT, 0]);
  });
});
