// SPDX-License-Identifier: MIT
// Page requests of devices with an AMD IOMMU: the PPR log of a guest and of the host, and
// their responses. Entries are derived by hand from what Linux's driver reads in them
// (PPR_* in drivers/iommu/amd/amd_iommu_types.h).

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AMD_DTE_PPR, AMD_STATUS } from '../../../../assembly/layout/amd-formats.ts';
import { ATC_PORT_SID, SMMU_AT_ATC } from '../../../../assembly/layout/ats-memory.ts';
import { type AmdModules, loadAmdModules } from '../../../../assembly/load.ts';
import {
  blockedDte,
  completePageRequest,
  invalidateDevtabEntry,
  VirtualAmdIommu,
} from '../../../../devices/amd-iommu/index.ts';
import { DmaEngine } from '../../../../devices/dma-engine/index.ts';
import { type DmaPort, setField } from '../../../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../../../devices/testing/index.ts';
import { smmuBase } from '../../../../devices/unit/index.ts';
import { AmdHost } from '../../../../vmm/nested/amd/index.ts';
import { AmdVm, CONTROL, DATA, DEVICE, PPR_ENABLES, PTE } from '../../../support/amd-vm.ts';

const IOVA = 0x1_2345_6000;
const [OVERFLOW, INTERRUPT, RUN] = [0x20, 0x40, 0x80];
const [SUCCESS, INVALID, FAILURE] = [0, 1, 15];
/** V, TV, PPR, GIOV, GV, IR, IW with the GCR3 table; without PPR. */
const REQUESTING = 0x60d0_0000_0000_0003n;
const NOT_REQUESTING = 0x60c0_0000_0000_0003n;
const ON = { enabled: true, pageRequests: true, silent: false };
/** For an unprivileged write without a PASID: WRITE, US, LAST, PRG index 1. */
const WRITE = [DEVICE, 0x1060_0201, 0x2345_6000, 1];

let modules: AmdModules;
let host: AmdHost;
let vm: AmdVm;
beforeAll(async () => {
  modules = await loadAmdModules();
});
beforeEach(async () => {
  host = await AmdHost.create({ modules });
  vm = new AmdVm(host).bringUp();
  entry(REQUESTING);
  vm.port.ats?.configure(ON);
});

/** Replaces the guest's entry of the device. */
function entry(word0: bigint): void {
  // The GCR3 table's address in bits 60 to 58.
  const gcr3 = vm.dteWord & (7n << 58n);
  vm.writeDte(word0 | gcr3);
  expect(vm.complete(invalidateDevtabEntry(DEVICE))).toBe(true);
}

const write = (attributes: Parameters<DmaPort['write']>[2] = {}) => {
  const { ok, stalled = false } = vm.port.write(IOVA, Uint8Array.of(0x77), attributes);
  return ok ? 'done' : stalled ? 'waits' : 'refused';
};
const map = () => vm.map(BigInt(IOVA), BigInt(DATA) | PTE);
const answer = (response: number, group = 1, pasid?: number, device = DEVICE) =>
  vm.send(completePageRequest(device, group, response, pasid));

describe('a page request of a guest', () => {
  it('is logged instead of a fault; the access continues once the page is mapped and the response is Success', () => {
    expect([write(), write()]).toEqual(['waits', 'waits']);
    expect(vm.status & (OVERFLOW | INTERRUPT | RUN)).toBe(INTERRUPT | RUN);
    expect([vm.pageRequests(), vm.events()]).toEqual([[WRITE], []]);
    vm.iommu.write(AMD_STATUS, INTERRUPT);
    expect(vm.status & INTERRUPT).toBe(0);
    map();
    expect(write()).toBe('waits');
    answer(SUCCESS);
    expect([write(), vm.byte(DATA)]).toEqual(['done', 0x77]);
    expect([vm.pageRequests(), vm.events()]).toEqual([[], []]);
  });

  it('is repeated after a Success without a page, and by an access that was abandoned', () => {
    expect(write()).toBe('waits');
    answer(SUCCESS);
    expect(write()).toBe('waits');
    vm.port.abandon?.();
    answer(FAILURE, 2);
    expect(write()).toBe('waits');
    const groups = vm.pageRequests().map(([, word1 = 0]) => word1 & 0x1ff);
    expect(groups).toEqual([1, 2, 3]);
  });

  it.each<[string, () => void]>([
    [
      'its IOMMU is reset, and brought up again',
      () => {
        const device = new VirtualAmdIommu(vm.iommu);
        device.attach(new FakeHost());
        device.reset();
        vm.bringUp();
      },
    ],
    ['it has no PPR log any more', () => vm.iommu.setBuffers(undefined, undefined, undefined)],
    ['PPREn is 0', () => vm.iommu.setControl(CONTROL)],
    ['its IOMMU is off', () => vm.iommu.setDeviceTable(undefined)],
  ])('is refused when nobody is left to answer: %s', (_, happens) => {
    expect(write()).toBe('waits');
    happens();
    // And not only meanwhile: the next driver does not know about it.
    expect(write()).toBe('refused');
  });

  it.each([
    [
      'a privileged fetch with a PASID',
      { pasid: 0x54321, privileged: true, instruction: true },
      'read',
      0x4321_0008,
      0x1106_1601,
    ],
    ['an unprivileged write with a PASID', { pasid: 7 }, 'write', 0x0007_0008, 0x1160_0201],
    ['a read without one', {}, 'read', 0x0000_0008, 0x1044_0201],
  ] as const)('says what %s needs', (_, attributes, kind, word0, word1) => {
    const access = vm.port[kind](IOVA + 0xabc, new Uint8Array(4), attributes);
    expect(access).toMatchObject({ ok: false, stalled: true });
    expect(vm.pageRequests()).toEqual([[word0, word1, 0x2345_6000, 1]]);
  });

  it.each([
    ['Invalid Request', INVALID],
    ['Response Failure', FAILURE],
    ['a reserved code', 7],
  ])('that is answered with %s is refused', (_, response) => {
    expect(write()).toBe('waits');
    answer(response);
    expect(write()).toBe('refused');
    expect(vm.events()).toEqual([]);
  });

  it('is answered by its own group, PASID and device alone', () => {
    expect(write({ pasid: 7 })).toBe('waits');
    answer(FAILURE, 2, 7);
    answer(FAILURE, 1, 8);
    answer(FAILURE, 1);
    answer(FAILURE, 1, 7, DEVICE + 1);
    expect(write({ pasid: 7 })).toBe('waits');
    answer(FAILURE, 1, 7);
    expect(write({ pasid: 7 })).toBe('refused');
  });

  it('is answered by no other guest', () => {
    expect(write()).toBe('waits');
    const other = new AmdVm(host, 'other').bringUp();
    for (let device = 0; device < 16; device++) other.send(completePageRequest(device, 1, FAILURE));
    expect(other.complete()).toBe(true);
    expect(write()).toBe('waits');
  });

  it('that its entry does not allow is INVALID_PPR_REQUEST, and refused', () => {
    entry(NOT_REQUESTING);
    expect(write()).toBe('refused');
    expect([vm.pageRequests(), vm.events()]).toEqual([[], [[DEVICE, 0x9060_0201, 0x2345_6000, 1]]]);
  });

  it.each([
    ['PPREn', 0x6000],
    ['PPRLogEn', 0xc000],
  ])('is refused without %s', (_, enables) => {
    vm.iommu.setControl(CONTROL | enables);
    expect(write()).toBe('refused');
    expect([vm.pageRequests(), vm.events(), vm.status & RUN]).toEqual([[], [], 0]);
  });

  it('has no interrupt without PPRIntEn', () => {
    vm.iommu.setControl(CONTROL | (PPR_ENABLES & ~0x4000));
    expect([write(), vm.status & INTERRUPT]).toEqual(['waits', 0]);
    expect(vm.pageRequests()).toEqual([WRITE]);
  });
});

describe('a PPR log that runs over', () => {
  it('accepts no more until it is restarted; lost requests are repeated', () => {
    // One of 256 entries stays free.
    for (let i = 0; i < 255; i++) {
      expect(write()).toBe('waits');
      vm.port.ats?.configure(ON);
    }
    expect(vm.status & (OVERFLOW | RUN)).toBe(RUN);
    expect([write(), write()]).toEqual(['waits', 'waits']);
    expect(vm.status & (OVERFLOW | RUN)).toBe(OVERFLOW);
    expect(vm.iommu.block.pageRequestsLost).toBe(2);
    expect(vm.pageRequests()).toHaveLength(255);
    // Neither free space nor enabling the log is sufficient while the overflow is set.
    expect([write(), vm.pageRequests()]).toEqual(['waits', []]);
    vm.iommu.setControl(CONTROL | (PPR_ENABLES & ~0x2000));
    vm.iommu.setControl(CONTROL | PPR_ENABLES);
    expect(vm.status & (OVERFLOW | RUN)).toBe(OVERFLOW);
    vm.iommu.setControl(CONTROL | (PPR_ENABLES & ~0x2000));
    vm.iommu.write(AMD_STATUS, OVERFLOW | INTERRUPT);
    vm.iommu.setControl(CONTROL | PPR_ENABLES);
    expect(vm.status & (OVERFLOW | RUN)).toBe(RUN);
    expect([write(), vm.pageRequests().length]).toEqual(['waits', 1]);
  });
});

describe('a device', () => {
  it('with ATS alone gets a denied request refused, without an event, and caches nothing', () => {
    vm.port.ats?.configure({ ...ON, pageRequests: false });
    expect(vm.port.ats?.settings).toEqual({ enabled: true, pageRequests: false, silent: false });
    expect([write(), vm.pageRequests(), vm.events()]).toEqual(['refused', [], []]);
    map();
    expect([write(), vm.byte(DATA)]).toEqual(['done', 0x77]);
  });

  it('without ATS has a fault, as before', () => {
    vm.port.ats?.configure({ ...ON, enabled: false });
    expect([write(), vm.pageRequests()]).toEqual(['refused', []]);
    expect(vm.events()).toEqual([[DEVICE, 0x2021_0000, 0x2345_6000, 1]]);
  });

  it('frees its port when its VM is destroyed', () => {
    const words = new Int32Array(host.memory.buffer);
    const port = (smmuBase(0) + SMMU_AT_ATC + ATC_PORT_SID) >> 2;
    expect(words[port]).not.toBe(0);
    host.destroyVm(vm.iommu.vm);
    expect(words[port]).toBe(0);
  });

  it('sends no atomic operations', () => {
    map();
    expect([write({ atomic: true }), vm.byte(DATA), vm.events()]).toEqual(['refused', 0, []]);
  });

  it('is the DMA engine, whose operation waits for its page', () => {
    const slot = new FakeHost();
    slot.dmaPort = () => vm.port;
    const device = new DmaEngine();
    device.attach(slot);
    device.reset();
    const engine = new DeviceBus(device);
    engine.write32(0x38, 5);
    expect(engine.read32(0x38)).toBe(5);
    engine.write64(0x18, BigInt(IOVA));
    engine.write32(0x0c, 4);
    engine.write32(0x20, 0xa5);
    engine.write32(0x04, 2);
    expect(engine.read32(0x08)).toBe(7);
    map();
    answer(SUCCESS, (vm.pageRequests()[0]?.[1] ?? 0) & 0x1ff);
    slot.poll();
    expect([engine.read32(0x08), vm.byte(DATA)]).toEqual([1, 0xa5]);
  });
});

describe("a page request of the host's own device", () => {
  const install = () => {
    const dte = blockedDte();
    setField(dte, AMD_DTE_PPR, 1);
    host.iommu.installDte(vm.iommu.deviceIds.get(DEVICE) ?? 0, dte);
  };

  it("is written to the host's log, and refused, as the host serves no pages", () => {
    install();
    expect(write({ pasid: 0x30007 })).toBe('waits');
    expect(vm.pageRequests()).toEqual([]);
    host.service(true);
    expect(write({ pasid: 0x30007 })).toBe('refused');
    expect([vm.events(), host.strayEvents]).toEqual([[], 0]);
  });

  it('finds a log that has run over started again', () => {
    install();
    for (let i = 0; i < 256; i++) {
      expect(write()).toBe('waits');
      vm.port.ats?.configure(ON);
    }
    host.service(true);
    expect(write()).toBe('waits');
    host.service(true);
    expect(write()).toBe('refused');
  });
});
