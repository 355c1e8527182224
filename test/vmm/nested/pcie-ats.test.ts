// SPDX-License-Identifier: MIT
// ATS, PRI and PASID of a PCIe function with an SMMU, as enabled by its driver: literal
// bytes of configuration space.

import { beforeEach, describe, expect, it } from 'vitest';
import { SMMU_AT_PRIQ_ABORT } from '../../../assembly/layout/ats-memory.ts';
import {
  atcInv,
  cfgiSte,
  contextDescriptor,
  invalidSte,
  PageTable,
  priResp,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhAsid,
  writeCd,
  writeSte,
} from '../../../devices/tables/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { atsBoard, CDS, EVENTS, STREAMS } from '../../support/ats-board.ts';
import { ASID, DATA_GPA, IOVA, RAM_GPA_BASE, STREAM } from '../../support/lent-vm.ts';

const FILL = 2;
const [DONE, WRITE_FAULT, STALLED] = [1, 3, 7];
const HOLE = IOVA + 0x1000;
/** Device control; ATS control; PRI control, status and allocation; PASID control. */
const [DEVICE_CONTROL, ATS, PRI, PRI_STATUS, ALLOCATION, PASID] = [
  0x48, 0x106, 0x10c, 0x10e, 0x114, 0x11e,
];
const [FAILURE, UNEXPECTED, STOPPED, PASID_REQUIRED] = [1, 2, 0x100, 0x8000];

let b: Awaited<ReturnType<typeof atsBoard>>;
beforeEach(async () => {
  b = await atsBoard({ isPcie: true });
  config(4, 6);
});

function config(offset: number, value: number): void {
  b.regions.write(0, offset, 2, value);
}
const status = () => b.regions.read(0, PRI_STATUS, 2).lo;
const respond = (response: number, group = 1) => b.send(priResp(STREAM, group, response), sync());
const map = (iova: number) => b.table.map(iova, DATA_GPA + 0x1000, 0x1000, S1_READ_WRITE);

describe('a PCIe function with ATS', () => {
  it('has an ATC while it is enabled: FLR invalidates it, and the SMMU walks again', () => {
    config(ATS, 0x8000);
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    // Without an invalidation, the ATC keeps translations that the tables no longer have.
    b.unmap();
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    b.send(tlbiNhAsid(0, ASID), sync());
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    config(DEVICE_CONTROL, 0x8000);
    config(4, 6);
    config(ATS, 0x8000);
    expect(b.dma(FILL, IOVA)).toBe(WRITE_FAULT);
  });

  it('loses an address of its ATC by ATC_INV', () => {
    config(ATS, 0x8000);
    expect(b.dma(FILL, IOVA)).toBe(DONE);
    b.unmap();
    b.send(tlbiNhAsid(0, ASID), atcInv({ streamId: STREAM, address: IOVA, size: 0 }), sync());
    expect(b.dma(FILL, IOVA)).toBe(WRITE_FAULT);
  });

  it('sends untranslated requests while it is disabled, regardless of its own register', () => {
    b.engine.write32(0x38, 1);
    expect(b.dma(FILL, HOLE)).toBe(WRITE_FAULT);
    // F_TRANSLATION: a denied translation request records nothing.
    expect(b.vm.memory.load64(EVENTS)).toBe((BigInt(STREAM) << 32n) | 0x10n);
  });
});

describe('a PCIe function with PRI', () => {
  beforeEach(() => {
    config(ATS, 0x8000);
    config(ALLOCATION, 1);
    config(PRI, 1);
  });

  it('requests the page, and continues after Success', () => {
    expect([b.dma(FILL, HOLE), b.look()[0]]).toEqual([STALLED, STALLED]);
    expect(b.request(0)).toEqual([0x6000_0000_0000_0008n, BigInt(HOLE) | 1n]);
    map(HOLE);
    respond(2);
    expect([b.look()[0], status() & 3]).toEqual([DONE, 0]);
    expect(b.vm.bytes[DATA_GPA - RAM_GPA_BASE + 0x1000]).toBe(0xa5);
  });

  it.each([
    ['without an allocation', () => config(ALLOCATION, 0)],
    ['disabled', () => config(PRI, 0)],
    ['with ATS disabled', () => config(ATS, 0)],
    ['after FLR', () => [config(DEVICE_CONTROL, 0x8000), config(4, 6), config(ATS, 0x8000)]],
  ])('requests nothing %s', (_, happens) => {
    happens();
    expect([b.dma(FILL, HOLE), b.bus.read32(0x100c8)]).toEqual([WRITE_FAULT, 0]);
  });

  it('is stopped, once disabled, when its request has its response', () => {
    b.dma(FILL, HOLE);
    config(PRI, 0);
    b.look();
    expect([b.look()[0], status()]).toEqual([STALLED, PASID_REQUIRED]);
    map(HOLE);
    respond(2);
    expect([b.look()[0], status()]).toEqual([DONE, PASID_REQUIRED | STOPPED]);
  });

  it('is stopped once the response to a request of a dropped operation has arrived', () => {
    b.dma(FILL, HOLE);
    b.look();
    b.engine.write32(0x04, 0);
    config(PRI, 0);
    expect(status()).toBe(PASID_REQUIRED);
    respond(2);
    b.look();
    expect(status()).toBe(PASID_REQUIRED | STOPPED);
  });

  it('forgets its request by Reset, while it is disabled', () => {
    b.dma(FILL, HOLE);
    b.look();
    config(PRI, 3);
    expect(b.look()[0]).toBe(STALLED);
    config(PRI, 2);
    expect(status()).toBe(PASID_REQUIRED | STOPPED);
    expect([b.regions.read(0, PRI, 2).lo, b.look()[0]]).toEqual([0, WRITE_FAULT]);
    // The response to it is unexpected now: a bit that software clears by writing 1.
    respond(2);
    b.look();
    expect(status()).toBe(PASID_REQUIRED | STOPPED | UNEXPECTED);
    config(PRI_STATUS, 1);
    expect(status()).toBe(PASID_REQUIRED | STOPPED | UNEXPECTED);
    config(PRI_STATUS, UNEXPECTED);
    expect(status()).toBe(PASID_REQUIRED | STOPPED);
  });

  it('stops at a Response Failure, until it is enabled again', () => {
    // The host's SMMU, whose PRI queue has failed, responds itself: an iommufd has no
    // such response.
    const words = new Int32Array(b.vm.vm.unit.hostMemory.buffer);
    Atomics.store(words, (smmuBase(0) + SMMU_AT_PRIQ_ABORT) >> 2, 1);
    expect(b.dma(FILL, HOLE)).toBe(WRITE_FAULT);
    expect(status()).toBe(PASID_REQUIRED | STOPPED | FAILURE);
    Atomics.store(words, (smmuBase(0) + SMMU_AT_PRIQ_ABORT) >> 2, 0);
    config(PRI_STATUS, FAILURE);
    config(PRI, 1);
    expect([b.dma(FILL, HOLE), b.bus.read32(0x100c8)]).toEqual([WRITE_FAULT, 0]);
    config(PRI, 0);
    config(PRI, 1);
    expect([b.dma(FILL, HOLE), b.look()[0]]).toEqual([STALLED, STALLED]);
    expect([status(), b.bus.read32(0x100c8)]).toEqual([PASID_REQUIRED, 1]);
  });

  it('is refused by Invalid Request, and requests again', () => {
    b.dma(FILL, HOLE);
    b.look();
    respond(1);
    expect([b.look()[0], status() & 3]).toEqual([WRITE_FAULT, 0]);
    expect(b.dma(FILL, HOLE)).toBe(STALLED);
  });
});

describe('a PCIe function with PASID', () => {
  it('uses the address space of its PASID while it is enabled, and otherwise makes no access with a PASID', () => {
    const { memory, bytes } = b.vm;
    const other = new PageTable(memory, { stage: 1 });
    other.map(HOLE, DATA_GPA + 0x2000, 0x1000, S1_READ_WRITE);
    const lower = { ttb: other.root, inputBits: 48 };
    writeCd(memory, CDS, 5, contextDescriptor({ asid: ASID + 1, outputBits: 48, lower }));
    for (const ste of [invalidSte(), stage1Ste({ contextPtr: CDS, cdMax: 3 })]) {
      writeSte(memory, STREAMS, STREAM, ste);
      b.send(cfgiSte(STREAM), sync());
    }
    b.engine.write32(0x3c, 0x8000_0005);
    expect(b.dma(FILL, HOLE)).toBe(WRITE_FAULT);
    config(PASID, 1);
    expect(b.dma(FILL, HOLE)).toBe(DONE);
    expect(bytes[DATA_GPA - RAM_GPA_BASE + 0x2000]).toBe(0xa5);
    // Without its PASID the page is not mapped; there are no PASIDs beyond 20 bits.
    b.engine.write32(0x3c, 0);
    expect(b.dma(FILL, HOLE)).toBe(WRITE_FAULT);
    b.engine.write32(0x3c, 0x8010_0005);
    expect([b.engine.read32(0x3c), b.regions.read(0, PASID - 2, 2).lo]).toEqual([
      0x8000_0005, 0x1406,
    ]);
    config(DEVICE_CONTROL, 0x8000);
    config(4, 6);
    b.engine.write32(0x3c, 0x8000_0005);
    expect(b.dma(FILL, HOLE)).toBe(WRITE_FAULT);
  });
});
