// SPDX-License-Identifier: MIT
// iommufd over the driver of a VT-d IOMMU: nested HWPTs on a parent and on a vIOMMU, the
// effect of each call of HWPT_INVALIDATE, and FAULT objects of a vIOMMU.

import { beforeEach, describe, expect, it } from 'vitest';
import * as VTD from '../../../../assembly/layout/vtd-formats.ts';
import { maskInWord } from '../../../../devices/plugin/index.ts';
import { createHostMemory } from '../../../../devices/unit/index.ts';
import type { VtdDmaPort } from '../../../../devices/vtd/index.ts';
import { HostRam } from '../../../../host/hardware/host-ram.ts';
import {
  type Errno,
  HW_INFO_TYPE_INTEL_VTD,
  HWPT_DATA_VTD_S1,
  INVALIDATE_DATA_ARM_SMMUV3,
  INVALIDATE_DATA_VTD_DEVICE_TLB,
  INVALIDATE_DATA_VTD_S1,
  Iommufd,
  VIOMMU_TYPE_TEGRA241_CMDQV,
  VIOMMU_TYPE_VTD,
} from '../../../../host/iommufd/index.ts';
import { type VtdDevice, VtdIommu } from '../../../../host/kernel/vtd/index.ts';

const PAGE = 0x1000n;
/** gpa 0 to 0x40000 of the guest: this much of host RAM. */
const GUEST = 0x40000n;
/** gpas of a guest's tables of four levels, and of the page of IOVA 0. */
const LEVELS = [0x1000n, 0x2000n, 0x3000n, 0x4000n] as const;
const LEAF = LEVELS[3];
const DATA = 0x5000n;
const RW = BigInt(maskInWord(VTD.VTD_FS_P) | maskInWord(VTD.VTD_FS_RW));

let ram: HostRam;
let iommu: VtdIommu;
let fd: Iommufd;
let device: VtdDevice;
let id: number;
let ioas: number;
let parent: number;
let port: VtdDmaPort;
/** PA of the guest's gpa 0. */
let base: number;

const store = (gpa: bigint, value: bigint) => ram.store64(base + Number(gpa), value);
const reads = () => port.read(0, new Uint8Array(8)).ok;
const ats = (pageRequests = false) =>
  port.ats.configure({ enabled: true, pageRequests, silent: false });
const expectErrno = (action: () => unknown, errno: Errno) =>
  expect(action).toThrow(expect.objectContaining({ errno }));

beforeEach(() => {
  ram = new HostRam(createHostMemory({ ramSize: 0x400000 }));
  iommu = new VtdIommu(ram, ram.physical);
  base = ram.allocate(Number(GUEST), Number(PAGE));
  fd = new Iommufd();
  device = iommu.addDevice('nic');
  id = fd.bind(device);
  ioas = fd.ioasAlloc();
  const memory = { physical: (address: number) => address };
  fd.ioasMap(ioas, { iova: 0n, length: GUEST, memory, address: base });
  parent = fd.hwptAlloc({ device: id, parent: ioas, nestParent: true });
  port = device.port(8);
  LEVELS.forEach((table, i) => {
    store(table, (LEVELS[i + 1] ?? DATA) | RW);
  });
});

function firstStage({
  flags = 0n,
  tables = LEVELS[0] as bigint,
  width = 48,
  reserved = 0,
  bytes = 24,
} = {}) {
  const view = new DataView(new ArrayBuffer(24));
  view.setBigUint64(0, flags, true);
  view.setBigUint64(8, tables, true);
  view.setUint32(16, width, true);
  view.setUint32(20, reserved, true);
  return { type: HWPT_DATA_VTD_S1, bytes: new Uint8Array(view.buffer, 0, bytes) };
}

function range(address: bigint, pages: bigint, word = 0, reserved = 0) {
  const view = new DataView(new ArrayBuffer(24));
  view.setBigUint64(0, address, true);
  view.setBigUint64(8, pages, true);
  view.setUint32(16, word, true);
  view.setUint32(20, reserved, true);
  return new Uint8Array(view.buffer);
}

function invalidate(object: number, dataType: number, ...entries: Uint8Array[]) {
  return fd.hwptInvalidate(object, {
    dataType,
    entryLength: 24,
    count: entries.length,
    entries: Uint8Array.from(entries.flatMap((entry) => [...entry])),
  });
}

describe('a VT-d device', () => {
  it('is blocked until it is attached, then translates by the second stage', () => {
    expect(reads()).toBe(false);
    fd.attach(id, parent);
    ram.store64(base, 0x1234n);
    const bytes = new Uint8Array(8);
    expect([port.read(0, bytes).ok, bytes[0]]).toEqual([true, 0x34]);
    fd.detach(id);
    expect(reads()).toBe(false);
    expect(iommu.physical.takeFaults().map(({ reason }) => reason)).toEqual(['entry', 'entry']);
  });

  it('describes its IOMMU', () => {
    const { type, bytes } = fd.hwInfo(id);
    expect([type, bytes.length]).toEqual([HW_INFO_TYPE_INTEL_VTD, 24]);
    const ecap = new DataView(bytes.buffer, bytes.byteOffset).getUint32(16, true);
    expect(ecap & maskInWord(VTD.VTD_ECAP_NEST)).not.toBe(0);
  });

  it('loses what the host unmaps, by the first stage and in its own TLB too', () => {
    fd.attach(id, fd.hwptAlloc({ device: id, parent, data: firstStage() }));
    ats();
    expect([reads(), iommu.physical.cached(0)]).toEqual([true, { iotlb: 1, device: 1 }]);
    fd.ioasUnmap(ioas, 0n, GUEST);
    expect([reads(), iommu.physical.cached(0)]).toEqual([false, { iotlb: 0, device: 0 }]);
  });

  it('does not write by what either stage has for reading alone', () => {
    store(LEAF, DATA | BigInt(maskInWord(VTD.VTD_FS_P)));
    fd.attach(id, fd.hwptAlloc({ device: id, parent, data: firstStage() }));
    expect([reads(), port.write(0, new Uint8Array(8)).ok]).toEqual([true, false]);
  });
});

describe('a nested HWPT', () => {
  it.each([
    ['another form', { type: 2, bytes: new Uint8Array(24) }, 'EOPNOTSUPP'],
    ['too few bytes', firstStage({ bytes: 16 }), 'EINVAL'],
    ['an unknown flag', firstStage({ flags: 8n }), 'EOPNOTSUPP'],
    ['extended accessed flags', firstStage({ flags: 2n }), 'EOPNOTSUPP'],
    ['five levels', firstStage({ width: 57 }), 'EINVAL'],
    ['a reserved word is not 0', firstStage({ reserved: 1 }), 'EINVAL'],
    ['the tables are not page-aligned', firstStage({ tables: 0x1008n }), 'EINVAL'],
  ] as const)('is refused with %s', (_what, data, errno) => {
    expectErrno(() => fd.hwptAlloc({ device: id, parent, data }), errno);
  });

  it('on the parent itself is invalidated with the TLBs of its devices, as Linux does it', () => {
    const hwpt = fd.hwptAlloc({ device: id, parent, data: firstStage() });
    fd.attach(id, hwpt);
    ats();
    expect(reads()).toBe(true);
    store(LEAF, 0n);
    expect(invalidate(hwpt, INVALIDATE_DATA_VTD_S1, range(PAGE, 1n))).toBe(1);
    expect(reads()).toBe(true);
    expect(invalidate(hwpt, INVALIDATE_DATA_VTD_S1, range(0n, 1n))).toBe(1);
    expect(reads()).toBe(false);
  });

  it('on the parent itself keeps it: it is destroyed after its nested HWPTs', () => {
    const hwpt = fd.hwptAlloc({ device: id, parent, data: firstStage() });
    expectErrno(() => fd.destroy(parent), 'EBUSY');
    fd.destroy(hwpt);
    fd.destroy(parent);
    expectErrno(() => fd.attach(id, parent), 'ENOENT');
  });

  it('accepts ranges of any number of pages, and all', () => {
    const hwpt = fd.hwptAlloc({ device: id, parent, data: firstStage() });
    fd.attach(id, hwpt);
    for (const [address, pages] of [
      [0n, 3n],
      [0n, 2n ** 40n],
      [0n, 2n ** 64n - 1n],
    ] as const) {
      store(LEAF, DATA | RW);
      expect(reads()).toBe(true);
      store(LEAF, 0n);
      expect(invalidate(hwpt, INVALIDATE_DATA_VTD_S1, range(address, pages, 1))).toBe(1);
      expect([pages, reads()]).toEqual([pages, false]);
    }
  });

  it('returns the entry at which it failed, with the errors of Linux', () => {
    const hwpt = fd.hwptAlloc({ device: id, parent, data: firstStage() });
    const good = range(0n, 1n);
    const fails = (errno: Errno, handled: number, ...entries: Uint8Array[]) =>
      expect(() => invalidate(hwpt, INVALIDATE_DATA_VTD_S1, ...entries)).toThrow(
        expect.objectContaining({ errno, handled }),
      );
    fails('EOPNOTSUPP', 1, good, range(0n, 1n, 2));
    fails('EOPNOTSUPP', 1, good, range(0n, 1n, 0, 1));
    fails('EINVAL', 2, good, good, range(8n, 1n));
    fails('EINVAL', 0, range(PAGE, 2n ** 64n - 1n));
    fails('EINVAL', 0, range(0n, 0n));
    expectErrno(() => invalidate(hwpt, INVALIDATE_DATA_ARM_SMMUV3, good), 'EINVAL');
    expectErrno(() => invalidate(parent, INVALIDATE_DATA_VTD_S1, good), 'EINVAL');
  });
});

describe('a vIOMMU of VT-d', () => {
  let viommu: number;
  beforeEach(() => {
    viommu = fd.viommuAlloc({ device: id, hwpt: parent, type: VIOMMU_TYPE_VTD }).id;
  });

  it('has the stage 2 from the start, and HWPTs for its vDEVICEs alone', () => {
    expectErrno(
      () => fd.viommuAlloc({ device: id, hwpt: parent, type: VIOMMU_TYPE_TEGRA241_CMDQV }),
      'EOPNOTSUPP',
    );
    const hwpt = fd.hwptAlloc({ device: id, parent: viommu, data: firstStage() });
    expectErrno(() => fd.attach(id, hwpt), 'ENOENT');
    fd.vdeviceAlloc({ viommu, device: id, virtId: 8n });
    fd.attach(id, hwpt);
    expect(reads()).toBe(true);
    expectErrno(() => fd.destroy(parent), 'EBUSY');
  });

  it('executes the invalidation of device TLBs, which that of its HWPTs ignores', () => {
    fd.vdeviceAlloc({ viommu, device: id, virtId: 8n });
    const hwpt = fd.hwptAlloc({ device: id, parent: viommu, data: firstStage() });
    fd.attach(id, hwpt);
    ats();
    expect(reads()).toBe(true);
    store(LEAF, 0n);
    invalidate(hwpt, INVALIDATE_DATA_VTD_S1, range(0n, 1n));
    expect([reads(), iommu.physical.cached(0)]).toEqual([true, { iotlb: 0, device: 1 }]);
    expectErrno(
      () => invalidate(viommu, INVALIDATE_DATA_VTD_DEVICE_TLB, range(0n, 1n, 9)),
      'EINVAL',
    );
    expectErrno(() => invalidate(viommu, INVALIDATE_DATA_VTD_S1, range(0n, 1n)), 'EINVAL');
    expect(invalidate(viommu, INVALIDATE_DATA_VTD_DEVICE_TLB, range(0n, 2n, 8))).toBe(1);
    expect(reads()).toBe(false);
  });

  it('owns the FAULT object of all its HWPTs, which need not name one', () => {
    const { id: fault, file } = fd.faultQueueAlloc({ viommu });
    expectErrno(() => fd.faultQueueAlloc({ viommu }), 'EEXIST');
    expectErrno(() => fd.faultQueueAlloc({ viommu: parent }), 'ENOENT');
    fd.vdeviceAlloc({ viommu, device: id, virtId: 8n });
    const hwpt = fd.hwptAlloc({ device: id, parent: viommu, data: firstStage() });
    fd.attach(id, hwpt);
    store(LEAF, 0n);
    ats(true);
    const stalled = port.read(0, new Uint8Array(8)).stalled;
    const view = new DataView(file.read(40).buffer);
    // The guest's own number of the device, and a cookie.
    expect([stalled, view.getUint32(4, true), view.getUint32(36, true)]).toEqual([true, 8, 1]);
    store(LEAF, DATA | RW);
    file.write(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    expect(reads()).toBe(true);
    expect(fd.describe().find((object) => object.id === fault)?.keeps).toEqual([viommu]);
    expectErrno(() => fd.destroy(viommu), 'EBUSY');
    file.closeFile();
    expectErrno(() => fd.destroy(fault), 'EBUSY');
    fd.detach(id);
    fd.destroy(hwpt);
    fd.destroy(fault);
    // Another one can be allocated.
    expect(fd.faultQueueAlloc({ viommu }).id).toBe(fault);
  });

  it('treats several page requests of a device as one group, with one answer', () => {
    const { file } = fd.faultQueueAlloc({ viommu });
    fd.vdeviceAlloc({ viommu, device: id, virtId: 8n });
    fd.attach(id, fd.hwptAlloc({ device: id, parent: viommu, data: firstStage() }));
    const answers: boolean[] = [];
    const pages = [0x1000n, 0x3000n, 0x2000n].map((address, i) => ({ address, write: i > 0 }));
    const ask = () => port.requestPages(pages, (resolved) => answers.push(resolved));
    expect(ask()).toBe(false);
    ats(true);
    expect([port.requestPages([], () => undefined), ask()]).toEqual([false, true]);
    expectErrno(() => file.read(2 * 40), 'EINVAL');
    const view = new DataView(file.read(4 * 40).buffer);
    // Flags (the last one has LAST_PAGE), group, permission, address, cookie.
    const words = [0, 1, 2].map((i) =>
      [0, 12, 16, 24, 36].map((at) => view.getUint32(40 * i + at, true)),
    );
    expect([view.byteLength, words]).toEqual([
      120,
      [
        [0, 0, 1, 0x1000, 1],
        [0, 0, 2, 0x3000, 1],
        [2, 0, 2, 0x2000, 1],
      ],
    ]);
    file.write(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    expect(answers).toEqual([true]);
  });

  it('leaves no objects', () => {
    const before = ram.inUse;
    for (let i = 0; i < 5; i++) {
      const again = new Iommufd();
      const other = iommu.addDevice(`device ${i}`);
      const used = ram.inUse;
      const bound = again.bind(other);
      const space = again.ioasAlloc();
      const stage2 = again.hwptAlloc({ device: bound, parent: space, nestParent: true });
      const own = again.viommuAlloc({ device: bound, hwpt: stage2, type: VIOMMU_TYPE_VTD }).id;
      again.vdeviceAlloc({ viommu: own, device: bound, virtId: 1n });
      again.faultQueueAlloc({ viommu: own });
      again.attach(bound, again.hwptAlloc({ device: bound, parent: own, data: firstStage() }));
      again.close();
      expect([ram.inUse, iommu.domains.used]).toEqual([used, 1]);
    }
    expect(ram.inUse).toBeGreaterThan(before);
  });
});
