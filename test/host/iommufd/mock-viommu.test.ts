// SPDX-License-Identifier: MIT
// The rows of Linux's iommufd selftests for vIOMMUs and their objects, on the mock
// driver.

import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../../host/iommufd/index.ts';
import {
  MOCK_HW_QUEUE_TYPE,
  MOCK_HW_QUEUES,
  MOCK_INVALIDATE_ALL,
  MOCK_INVALIDATE_DATA,
  MOCK_VEVENTQ_TYPE,
  MOCK_VIOMMU_INVALIDATION_SIZE,
  MOCK_VIOMMU_TYPE,
  MockDevice,
  MockIommu,
} from '../../../host/iommufd/mock/index.ts';
import {
  CountedVm,
  expectErrno,
  MEMORY,
  mockSetup,
  NESTED_DATA,
  NOTHING,
  PAGE,
  u32,
  viommuSetup,
} from './mock-setup.ts';

describe('a vIOMMU', () => {
  it('must have a type that the driver supports, no flags, and a nest parent of the same IOMMU', () => {
    const { fd, deviceId: device, parent, ioas } = mockSetup();
    const type = MOCK_VIOMMU_TYPE;
    expectErrno(() => fd.viommuAlloc({ device, hwpt: parent, type: 0 }), 'EOPNOTSUPP');
    expectErrno(() => fd.viommuAlloc({ device, hwpt: parent, type: 0xbad }), 'EOPNOTSUPP');
    expectErrno(() => fd.viommuAlloc({ device, hwpt: parent, type, flags: 1 }), 'EOPNOTSUPP');
    expectErrno(() => fd.viommuAlloc({ device, hwpt: ioas, type }), 'ENOENT');
    expectErrno(() => fd.viommuAlloc({ device, hwpt: 99, type }), 'ENOENT');
    expectErrno(() => fd.viommuAlloc({ device: 99, hwpt: parent, type }), 'ENOENT');
    const flat = fd.hwptAlloc({ device, parent: ioas });
    expectErrno(() => fd.viommuAlloc({ device, hwpt: flat, type }), 'EINVAL');
    expect(fd.describe().map((object) => object.type)).toEqual([
      'DEVICE',
      'IOAS',
      'HWPT_PAGING',
      'HWPT_PAGING',
    ]);
  });

  it("gets its driver's answer back", () => {
    expect(viommuSetup().allocation.answer).toEqual(u32(0x1234));
  });

  it('keeps its VM and its stage 2 until it is destroyed; several may use one stage 2', () => {
    const vm = new CountedVm();
    const { fd, viommu, deviceId: device, parent } = viommuSetup(vm);
    const second = fd.viommuAlloc({ device, hwpt: parent, type: MOCK_VIOMMU_TYPE, vm });
    expect(vm.references).toBe(2);
    expectErrno(() => fd.destroy(parent), 'EBUSY');
    fd.destroy(viommu);
    expectErrno(() => fd.destroy(parent), 'EBUSY');
    fd.destroy(second.id);
    expect(vm.references).toBe(0);
    fd.destroy(parent);
  });

  it('is destroyed with its iommufd, and so is its VM reference', () => {
    const vm = new CountedVm();
    const { fd, iommu, device } = viommuSetup(vm);
    fd.close();
    expect([iommu.counts, vm.references, device.claimed, fd.describe()]).toEqual([
      NOTHING,
      0,
      false,
      [],
    ]);
    expectErrno(() => fd.ioasAlloc(), 'EBADF');
  });

  it('shows its direct page at exactly its offset and length, and stays while that is mapped', () => {
    const { fd, viommu, allocation } = viommuSetup();
    const { offset, length } = allocation.mmap ?? { offset: 0, length: 0 };
    expect([offset, length]).toEqual([PAGE_SIZE, PAGE_SIZE]);
    for (const wrong of [length / 2, length * 2, length + PAGE_SIZE, length + 2 * PAGE_SIZE])
      expectErrno(() => fd.mmap(offset, wrong), 'ENXIO');
    expectErrno(() => fd.mmap(offset + PAGE_SIZE, length), 'ENXIO');
    expectErrno(() => fd.mmap(offset + 1, length), 'EINVAL');
    expectErrno(() => fd.mmap(offset, length, { shared: false }), 'EINVAL');
    expectErrno(() => fd.mmap(offset, length, { executable: true }), 'EPERM');
    const first = fd.mmap(offset, length);
    const second = fd.mmap(offset, length);
    first.page.write32(8, 7);
    expect(second.page.read32(8)).toBe(7);
    first.unmap();
    first.unmap();
    expectErrno(() => fd.destroy(viommu), 'EBUSY');
    second.unmap();
    fd.destroy(viommu);
    expectErrno(() => fd.mmap(offset, length), 'ENXIO');
  });
});

describe('a vDEVICE', () => {
  it('names a device of the same IOMMU once', () => {
    const { fd, viommu, deviceId: device, iommu } = viommuSetup();
    expectErrno(() => fd.vdeviceAlloc({ viommu: 99, device, virtId: 0x99n }), 'ENOENT');
    expectErrno(() => fd.vdeviceAlloc({ viommu, device: 99, virtId: 0x99n }), 'ENOENT');
    expectErrno(
      () =>
        fd.vdeviceAlloc({
          viommu,
          device: fd.bind(new MockDevice('other', new MockIommu())),
          virtId: 1n,
        }),
      'EINVAL',
    );
    const vdevice = fd.vdeviceAlloc({ viommu, device, virtId: 0x99n });
    expectErrno(() => fd.vdeviceAlloc({ viommu, device, virtId: 0x88n }), 'EEXIST');
    const neighbour = fd.bind(new MockDevice('device 1', iommu));
    expectErrno(() => fd.vdeviceAlloc({ viommu, device: neighbour, virtId: 0x99n }), 'EEXIST');
    expectErrno(() => fd.destroy(viommu), 'EBUSY');
    fd.destroy(vdevice);
    expect(fd.vdeviceAlloc({ viommu, device, virtId: 0x88n })).toBe(vdevice);
    expect(iommu.counts.vdevices).toBe(1);
  });

  it('is allocated before its device is attached to a nested HWPT', () => {
    const { fd, viommu, deviceId: device, device: mock, parent } = viommuSetup();
    const nested = fd.hwptAlloc({ device, parent: viommu, data: NESTED_DATA });
    fd.attach(device, parent);
    const before = mock.domain;
    expectErrno(() => fd.replace(device, nested), 'ENOENT');
    expect(mock.domain).toBe(before);
    const vdevice = fd.vdeviceAlloc({ viommu, device, virtId: 0x99n });
    fd.replace(device, nested);
    expect(mock.domain).not.toBe(before);
    expectErrno(() => fd.attach(device, nested), 'EBUSY');
    expectErrno(() => fd.attach(device, parent), 'EBUSY');
    expectErrno(() => fd.destroy(nested), 'EBUSY');
    // Nothing depends on the vDEVICE, and attached objects stay attached without it.
    fd.destroy(vdevice);
    expect(mock.domain).not.toBe(before);
    fd.detach(device);
    fd.destroy(nested);
    expect(mock.domain).toBeUndefined();
  });

  it('is destroyed with its device, and its ID names nothing until the iommufd is closed', () => {
    const { fd, iommu, viommu, deviceId: device } = viommuSetup();
    const vdevice = fd.vdeviceAlloc({ viommu, device, virtId: 0x99n });
    fd.unbind(device);
    expect(iommu.counts.vdevices).toBe(0);
    expectErrno(() => fd.destroy(vdevice), 'ENOENT');
    // The device's own ID is free again; the tombstone's is not.
    const ids = [fd.ioasAlloc(), fd.ioasAlloc()];
    expect(ids).not.toContain(vdevice);
    expect(ids).toContain(device);
    fd.destroy(viommu);
    fd.close();
    expect(iommu.counts).toEqual(NOTHING);
  });
});

describe('a HW queue', () => {
  const type = MOCK_HW_QUEUE_TYPE;

  function queueSetup() {
    const setup = viommuSetup();
    setup.fd.ioasMap(setup.ioas, { iova: PAGE, length: PAGE, memory: MEMORY, address: 0 });
    setup.fd.ioasMap(setup.ioas, {
      iova: 2n * PAGE,
      length: PAGE,
      memory: MEMORY,
      address: PAGE_SIZE,
    });
    return setup;
  }

  it('has a known type, a length, a ring that is mapped, and an index in its turn', () => {
    const { fd, viommu } = queueSetup();
    const request = { viommu, type, index: 0, iova: PAGE, length: PAGE };
    expectErrno(() => fd.hwQueueAlloc({ ...request, type: 0 }), 'EOPNOTSUPP');
    expectErrno(() => fd.hwQueueAlloc({ ...request, type: 5 }), 'EOPNOTSUPP');
    expectErrno(() => fd.hwQueueAlloc({ ...request, flags: 1 }), 'EOPNOTSUPP');
    expectErrno(() => fd.hwQueueAlloc({ ...request, length: 0n }), 'EINVAL');
    expectErrno(() => fd.hwQueueAlloc({ ...request, iova: 2n ** 64n - PAGE / 2n }), 'EOVERFLOW');
    expectErrno(() => fd.hwQueueAlloc({ ...request, iova: 16n * PAGE }), 'ENOENT');
    expectErrno(() => fd.hwQueueAlloc({ ...request, index: 1 }), 'EIO');
    expectErrno(() => fd.hwQueueAlloc({ ...request, index: MOCK_HW_QUEUES }), 'EINVAL');
    expectErrno(() => fd.hwQueueAlloc({ ...request, viommu: 99 }), 'ENOENT');
    expect(fd.describe().find((object) => object.type === 'IOAS')?.details.pins).toBe(0);
  });

  it('pins its ring, and is freed in descending order', () => {
    const { fd, ioas, viommu, iommu } = queueSetup();
    const first = fd.hwQueueAlloc({ viommu, type, index: 0, iova: PAGE, length: PAGE });
    expectErrno(
      () => fd.hwQueueAlloc({ viommu, type, index: 0, iova: PAGE, length: PAGE }),
      'EEXIST',
    );
    expectErrno(() => fd.ioasUnmap(ioas, PAGE, PAGE), 'EBUSY');
    expect(fd.ioasUnmap(ioas, 2n * PAGE, PAGE)).toBe(PAGE);
    // A base half a page further is equally valid.
    const second = fd.hwQueueAlloc({
      viommu,
      type,
      index: 1,
      iova: PAGE + PAGE / 2n,
      length: PAGE / 2n,
    });
    expectErrno(() => fd.destroy(first), 'EBUSY');
    expectErrno(() => fd.destroy(viommu), 'EBUSY');
    fd.destroy(second);
    fd.destroy(first);
    expect(fd.ioasUnmap(ioas, PAGE, PAGE)).toBe(PAGE);
    expect(iommu.counts.hwQueues).toBe(0);
    fd.destroy(viommu);
  });

  it('has a ring in one piece of readable memory', () => {
    const { fd, ioas, viommu } = queueSetup();
    fd.ioasMap(ioas, { iova: 3n * PAGE, length: PAGE, memory: MEMORY, address: 8 * PAGE_SIZE });
    fd.ioasMap(ioas, {
      iova: 4n * PAGE,
      length: PAGE,
      memory: MEMORY,
      address: 0,
      readable: false,
    });
    const request = { viommu, type, index: 0, length: 2n * PAGE };
    expectErrno(() => fd.hwQueueAlloc({ ...request, iova: 2n * PAGE }), 'EFAULT');
    expectErrno(() => fd.hwQueueAlloc({ ...request, iova: 4n * PAGE, length: PAGE }), 'EPERM');
    expectErrno(() => fd.hwQueueAlloc({ ...request, iova: 4n * PAGE }), 'ENOENT');
    fd.hwQueueAlloc({ ...request, iova: PAGE });
    expectErrno(() => fd.ioasUnmap(ioas, PAGE, 2n * PAGE), 'EBUSY');
  });
});

describe('a vEVENTQ', () => {
  const type = MOCK_VEVENTQ_TYPE;
  const LOST = 1;

  /** Flags, sequence and virtual ID of each record. */
  function records(bytes: Uint8Array): number[][] {
    const view = new DataView(bytes.buffer);
    const found: number[][] = [];
    for (let at = 0; at < bytes.length; ) {
      const flags = view.getUint32(at, true);
      found.push([
        flags,
        view.getUint32(at + 4, true),
        ...(flags & LOST ? [] : [view.getUint32(at + 8, true)]),
      ]);
      at += flags & LOST ? 8 : 12;
    }
    return found;
  }

  it('has a type and 1 to 2^19 events, and one of each type may exist', () => {
    const { fd, viommu } = viommuSetup();
    expectErrno(() => fd.veventqAlloc({ viommu, type: 0, depth: 3 }), 'EOPNOTSUPP');
    expectErrno(() => fd.veventqAlloc({ viommu, type, depth: 3, flags: 1 }), 'EOPNOTSUPP');
    expectErrno(() => fd.veventqAlloc({ viommu, type, depth: 0 }), 'EINVAL');
    expectErrno(() => fd.veventqAlloc({ viommu, type, depth: 2 ** 19 + 1 }), 'EINVAL');
    expectErrno(() => fd.veventqAlloc({ viommu: 99, type, depth: 3 }), 'ENOENT');
    fd.veventqAlloc({ viommu, type, depth: 2 ** 19 });
    expectErrno(() => fd.veventqAlloc({ viommu, type, depth: 3 }), 'EEXIST');
    fd.veventqAlloc({ viommu, type: 77, depth: 3 });
  });

  it("delivers events in the guest's numbering, and reports lost ones", () => {
    const { fd, iommu, viommu, device, deviceId } = viommuSetup();
    const { id, file } = fd.veventqAlloc({ viommu, type, depth: 2 });
    let polled = 0;
    file.onReadable = () => polled++;
    expect(iommu.triggerEvent(device)).toBe(false);
    fd.vdeviceAlloc({ viommu, device: deviceId, virtId: 0x99n });
    expect([file.readable, iommu.triggerEvent(device), file.readable, polled]).toEqual([
      false,
      true,
      true,
      1,
    ]);
    expectErrno(() => file.read(7), 'EINVAL');
    expect(records(file.read(1024))).toEqual([[0, 0, 0x99]]);
    for (let i = 0; i < 4; i++) iommu.triggerEvent(device);
    // Two fit; the others become one header at the end, with the sequence number of the
    // last.
    expect(records(file.read(20))).toEqual([[0, 1, 0x99]]);
    expect(records(file.read(1024))).toEqual([
      [0, 2, 0x99],
      [LOST, 4],
    ]);
    iommu.triggerEvent(device);
    expect(records(file.read(1024))).toEqual([[0, 5, 0x99]]);
    expectErrno(() => fd.destroy(id), 'EBUSY');
    expectErrno(() => fd.destroy(viommu), 'EBUSY');
    file.closeFile();
    expectErrno(() => file.read(1024), 'EBADF');
    fd.destroy(id);
    expect(iommu.triggerEvent(device)).toBe(false);
  });

  it('gives way to what comes after a loss: the header is where the gap is', () => {
    const { fd, iommu, viommu, device, deviceId } = viommuSetup();
    const { file } = fd.veventqAlloc({ viommu, type, depth: 1 });
    fd.vdeviceAlloc({ viommu, device: deviceId, virtId: 1n });
    iommu.triggerEvent(device);
    iommu.triggerEvent(device);
    expect(records(file.read(12))).toEqual([[0, 0, 1]]);
    iommu.triggerEvent(device);
    // Linux drops the header when there is space for an event again; the gap in the
    // sequence remains.
    expect(records(file.read(1024))).toEqual([[0, 2, 1]]);
  });
});

describe('an invalidation of a vIOMMU', () => {
  function invalidationSetup() {
    const setup = viommuSetup();
    setup.fd.vdeviceAlloc({ viommu: setup.viommu, device: setup.deviceId, virtId: 0x99n });
    const invalidate = (
      entries: Uint8Array,
      count: number,
      change: Partial<{ dataType: number; entryLength: number }> = {},
    ) =>
      setup.fd.hwptInvalidate(setup.viommu, {
        dataType: MOCK_INVALIDATE_DATA,
        entryLength: MOCK_VIOMMU_INVALIDATION_SIZE,
        entries,
        count,
        ...change,
      });
    return { ...setup, invalidate };
  }

  it('without entries checks whether the type is supported', () => {
    const { invalidate } = invalidationSetup();
    expect(invalidate(new Uint8Array(), 0)).toBe(0);
    expectErrno(() => invalidate(new Uint8Array(), 0, { dataType: 2 }), 'EINVAL');
  });

  it('is checked for its shape', () => {
    const { invalidate, fd, parent, device } = invalidationSetup();
    const entry = u32(0, 0x99, 0, 0);
    expectErrno(() => invalidate(entry, 1, { dataType: 2 }), 'EINVAL');
    expectErrno(() => invalidate(entry, 1, { entryLength: 0 }), 'EINVAL');
    // Index 0 does not exist, although it is zero.
    expect(invalidate(entry, 1, { entryLength: 8 })).toBe(1);
    device.cache[0] = 1;
    expectErrno(() => invalidate(entry, 2), 'EINVAL');
    expectErrno(() => invalidate(new Uint8Array(8192), 1, { entryLength: 8192 }), 'EINVAL');
    expectErrno(() => invalidate(u32(0, 0x99, 0, 1), 1, { entryLength: 16 }), 'E2BIG');
    expectErrno(
      () => fd.hwptInvalidate(parent, { dataType: 1, entryLength: 12, entries: entry, count: 1 }),
      'EINVAL',
    );
    expect(device.cache).toEqual([1, 2, 3, 4]);
    // A longer struct of a newer caller is accepted if the additional bytes are zero.
    expect(invalidate(entry, 1, { entryLength: 16 })).toBe(1);
    expect(device.cache).toEqual([0, 2, 3, 4]);
  });

  it('has at most 2^19 entries, of a page at most', () => {
    const { invalidate, device } = invalidationSetup();
    const page = new Uint8Array(4097);
    page.set([0, 0, 0, 0, 0x99]);
    expect(invalidate(page, 1, { entryLength: 4096 })).toBe(1);
    expect(device.cache).toEqual([0, 2, 3, 4]);
    const entries = new Uint8Array(2 ** 19 + 1);
    // An unknown type: the driver refuses it before it reads an entry.
    const asked = { dataType: 2, entryLength: 1 };
    expect(() => invalidate(entries, 2 ** 19, asked)).toThrow(
      'there are no invalidations of type 2',
    );
    for (const tooMany of [
      () => invalidate(page, 1, { entryLength: 4097 }),
      () => invalidate(entries, 2 ** 19 + 1, asked),
    ])
      expect(tooMany).toThrow(/^EINVAL: .* bytes are too many$/);
  });

  it('fails at the first bad entry and returns how many came before it', () => {
    const { invalidate, device } = invalidationSetup();
    for (const [bad, errno] of [
      [[2, 0x99, 0], 'EOPNOTSUPP'],
      [[0, 0x99, 4], 'EINVAL'],
      [[0, 0x98, 0], 'EINVAL'],
    ] as const) {
      device.cache.fill(9);
      expect(() => invalidate(u32(0, 0x99, 3, ...bad, 0, 0x99, 1), 3)).toThrow(
        expect.objectContaining({ errno, handled: 1 }),
      );
      expect(device.cache).toEqual([9, 9, 9, 0]);
    }
  });

  it('clears one entry, or all', () => {
    const { invalidate, device } = invalidationSetup();
    expect(invalidate(u32(0, 0x99, 1, 0, 0x99, 2), 2)).toBe(2);
    expect(device.cache).toEqual([1, 0, 0, 4]);
    expect(invalidate(u32(MOCK_INVALIDATE_ALL, 0x99, 0), 1)).toBe(1);
    expect(device.cache).toEqual([0, 0, 0, 0]);
  });
});
