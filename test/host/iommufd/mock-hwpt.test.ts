// SPDX-License-Identifier: MIT
// IOAS, HWPTs, devices and fault queues on the mock driver.

import { describe, expect, it } from 'vitest';
import { PAGE_SIZE } from '../../../host/iommufd/index.ts';
import {
  MOCK_HW_INFO_TYPE,
  MOCK_INVALIDATE_DATA,
  MockDevice,
  MockIommu,
  type MockNestedDomain,
  type MockPagingDomain,
} from '../../../host/iommufd/mock/index.ts';
import {
  expectErrno,
  MEMORY,
  mockSetup,
  NESTED_DATA,
  PAGE,
  reserving,
  u32,
  viommuSetup,
} from './mock-setup.ts';

const END = 2n ** 64n;

describe('an IOAS', () => {
  it('maps and unmaps whole ranges, with the errors of IOAS_MAP and IOAS_UNMAP', () => {
    const { fd, ioas } = mockSetup();
    const map = (iova: bigint, length = PAGE, more = {}) =>
      fd.ioasMap(ioas, { iova, length, memory: MEMORY, address: 0, ...more });
    expectErrno(() => map(PAGE, PAGE, { readable: false, writable: false }), 'EINVAL');
    expectErrno(() => map(PAGE + 1n), 'EINVAL');
    expectErrno(() => map(PAGE, 100n), 'EINVAL');
    expectErrno(() => map(PAGE, 0n), 'EINVAL');
    expectErrno(() => map(END - PAGE, 2n * PAGE), 'EOVERFLOW');
    expectErrno(() => map(2n ** 63n), 'EINVAL');
    expectErrno(() => map(PAGE, PAGE, { memory: { ...MEMORY, readOnly: true } }), 'EPERM');
    expectErrno(() => map(PAGE, PAGE, { address: 0x100000 }), 'EFAULT');
    map(PAGE, PAGE, { memory: { ...MEMORY, readOnly: true }, writable: false });
    map(4n * PAGE, 2n * PAGE);
    expectErrno(() => map(5n * PAGE), 'EEXIST');
    expectErrno(() => map(3n * PAGE, 2n * PAGE), 'EEXIST');
    expectErrno(() => fd.ioasUnmap(ioas, 4n * PAGE, PAGE), 'ENOENT');
    expectErrno(() => fd.ioasUnmap(ioas, 2n * PAGE, PAGE), 'ENOENT');
    expectErrno(() => fd.ioasUnmap(ioas, PAGE, 0n), 'EINVAL');
    expectErrno(() => fd.ioasUnmap(ioas, END - PAGE, 2n * PAGE), 'EOVERFLOW');
    expectErrno(() => fd.ioasMap(99, { length: PAGE, memory: MEMORY, address: 0 }), 'ENOENT');
    expect(fd.ioasUnmap(ioas, 0n, 8n * PAGE)).toBe(3n * PAGE);
    expect(fd.ioasUnmap(ioas, 0n, END - 1n)).toBe(0n);
  });

  it('finds a place by itself while one is free', () => {
    const { fd, ioas } = mockSetup();
    const anywhere = (length: bigint) =>
      fd.ioasMap(ioas, { length, memory: { physical: () => 0 }, address: 0 });
    const half = PAGE / 2n;
    // Never in the page of IOVA 0.
    expect([anywhere(PAGE), anywhere(half)]).toEqual([PAGE, 2n * PAGE]);
    fd.ioasUnmap(ioas, PAGE, PAGE);
    expect(anywhere(2n * PAGE)).toBe(4n * PAGE);
    expect(anywhere(PAGE)).toBe(PAGE);
  });

  it('keeps what is reserved for a device free while the device is attached, and maps doorbells', () => {
    const { fd, iommu, ioas, device, deviceId, parent } = mockSetup();
    const window = { iova: 4n * PAGE, length: 2n * PAGE, doorbells: 0x8020000 };
    const bound = (name: string) => {
      const made = reserving(name, iommu, window);
      return [made, fd.bind(made)] as const;
    };
    const [master, masterId] = bound('master');
    const [, otherId] = bound('other');
    const map = (iova: bigint | undefined, length = PAGE) =>
      fd.ioasMap(ioas, {
        length,
        memory: { physical: () => 0 },
        address: 0,
        ...(iova === undefined ? {} : { iova }),
      });
    const pages = () => [...((master.domain as MockPagingDomain).pages ?? [])];
    // Nothing is reserved before, nor by a device without reserved regions.
    fd.attach(deviceId, parent);
    map(5n * PAGE);
    expectErrno(() => fd.attach(masterId, parent), 'EADDRINUSE');
    expect([fd.attachedTo(masterId), master.domain]).toEqual([undefined, undefined]);
    fd.ioasUnmap(ioas, 5n * PAGE, PAGE);
    fd.attach(masterId, parent);
    fd.attach(otherId, parent);
    const half = PAGE / 2n;
    const doorbells = [0, 1, 2, 3].map((i) => [
      4n * PAGE + BigInt(i) * half,
      0x8020000 + 0x800 * i,
    ]);
    expect(pages()).toEqual(doorbells);
    expect(device.domain).toBe(master.domain);
    for (const iova of [3n * PAGE + half, 4n * PAGE, 5n * PAGE + half])
      expectErrno(() => map(iova), 'EINVAL');
    expect([map(3n * PAGE), map(6n * PAGE)]).toEqual([3n * PAGE, 6n * PAGE]);
    // No place is found there either, and unmapping everything keeps the doorbells.
    expect([map(undefined, PAGE), map(undefined, 2n * PAGE)]).toEqual([PAGE, 8n * PAGE]);
    fd.ioasUnmap(ioas, 0n, END - 1n);
    expect(pages()).toEqual(doorbells);
    const elsewhere = fd.hwptAlloc({ device: masterId, parent: fd.ioasAlloc() });
    fd.replace(masterId, elsewhere);
    expect(pages()).toEqual(doorbells);
    expectErrno(() => map(4n * PAGE), 'EINVAL');
    fd.detach(otherId);
    // Only the mapping of the HWPT is left, which is removed with it.
    fd.detach(deviceId);
    fd.destroy(parent);
    expect(map(4n * PAGE)).toBe(4n * PAGE);
    fd.close();
    expect(iommu.counts.pagingDomains).toBe(0);
  });

  it('is followed by every HWPT on it, and stays while one exists', () => {
    const { fd, iommu, ioas, deviceId, device, parent } = mockSetup();
    fd.ioasMap(ioas, { iova: PAGE, length: PAGE, memory: MEMORY, address: PAGE_SIZE });
    const second = fd.hwptAlloc({ device: deviceId, parent: ioas });
    const other = fd.bind(new MockDevice('device 1', iommu));
    fd.attach(deviceId, parent);
    fd.attach(other, second);
    const pages = () => [...((device.domain as MockPagingDomain).pages ?? [])];
    expect(pages()).toEqual([
      [PAGE, 0x40001000],
      [PAGE + PAGE / 2n, 0x40001800],
    ]);
    fd.ioasMap(ioas, { iova: 8n * PAGE, length: PAGE, memory: MEMORY, address: 0 });
    fd.ioasUnmap(ioas, PAGE, PAGE);
    expect(pages().map(([iova]) => iova)).toEqual([8n * PAGE, 8n * PAGE + PAGE / 2n]);
    expectErrno(() => fd.destroy(ioas), 'EBUSY');
    expectErrno(() => fd.destroy(parent), 'EBUSY');
    fd.detach(deviceId);
    fd.detach(other);
    fd.destroy(parent);
    fd.destroy(second);
    fd.destroy(ioas);
    expect(device.domain).toBeUndefined();
  });

  it('refuses a HWPT that could not map what is mapped', () => {
    const { fd, deviceId } = mockSetup();
    const odd = fd.ioasAlloc();
    fd.ioasMap(odd, { iova: 100n, length: 100n, memory: MEMORY, address: 0 });
    expectErrno(() => fd.hwptAlloc({ device: deviceId, parent: odd }), 'EADDRINUSE');
    fd.destroy(odd);
  });
});

describe('a HWPT', () => {
  it('requires the parents and data of its kind', () => {
    const { fd, deviceId: device, ioas, parent, viommu } = viommuSetup();
    const flat = fd.hwptAlloc({ device, parent: ioas });
    const { id: fault } = fd.faultQueueAlloc();
    expectErrno(() => fd.hwptAlloc({ device, parent: 99 }), 'EINVAL');
    expectErrno(() => fd.hwptAlloc({ device, parent: device }), 'EINVAL');
    expectErrno(() => fd.hwptAlloc({ device: 99, parent: ioas }), 'ENOENT');
    expectErrno(() => fd.hwptAlloc({ device, parent: ioas, fault: ioas }), 'ENOENT');
    expectErrno(() => fd.hwptAlloc({ device, parent: ioas, data: NESTED_DATA }), 'EOPNOTSUPP');
    expectErrno(
      () => fd.hwptAlloc({ device, parent: ioas, nestParent: true, fault }),
      'EOPNOTSUPP',
    );
    expectErrno(() => fd.hwptAlloc({ device, parent: flat, data: NESTED_DATA }), 'EINVAL');
    expectErrno(() => fd.hwptAlloc({ device, parent }), 'EOPNOTSUPP');
    expectErrno(() => fd.hwptAlloc({ device, parent, data: { type: 0, bytes: u32(1) } }), 'EINVAL');
    expectErrno(
      () => fd.hwptAlloc({ device, parent, data: { ...NESTED_DATA, type: 7 } }),
      'EINVAL',
    );
    expectErrno(
      () => fd.hwptAlloc({ device, parent, data: { ...NESTED_DATA, bytes: u32(1, 2) } }),
      'EINVAL',
    );
    expectErrno(
      () => fd.hwptAlloc({ device, parent, data: NESTED_DATA, nestParent: true }),
      'EOPNOTSUPP',
    );
    const stranger = fd.bind(new MockDevice('other', new MockIommu()));
    expectErrno(
      () => fd.hwptAlloc({ device: stranger, parent: viommu, data: NESTED_DATA }),
      'EINVAL',
    );
    const nested = fd.hwptAlloc({ device, parent, data: NESTED_DATA });
    expectErrno(() => fd.destroy(parent), 'EBUSY');
    fd.destroy(nested);
  });

  it('that is nested is invalidated entry by entry', () => {
    const { fd, deviceId, device, parent } = mockSetup();
    const nested = fd.hwptAlloc({ device: deviceId, parent, data: NESTED_DATA });
    fd.attach(deviceId, nested);
    const entries = u32(0, 1, 0, 4, 0, 2);
    const request = { dataType: MOCK_INVALIDATE_DATA, entryLength: 8, entries, count: 3 };
    expect(() => fd.hwptInvalidate(nested, request)).toThrow(
      expect.objectContaining({ errno: 'EINVAL', handled: 1 }),
    );
    expect((device.domain as MockNestedDomain).iotlb).toEqual([0xbeef, 0, 0xbeef, 0xbeef]);
    expectErrno(() => fd.hwptInvalidate(99, request), 'ENOENT');
  });
});

describe('a device', () => {
  it('belongs to one iommufd at a time, and is blocked until it is attached', () => {
    const iommu = new MockIommu();
    const { fd, deviceId, device, parent } = mockSetup({}, iommu);
    const other = mockSetup({}, iommu);
    expectErrno(() => other.fd.bind(device), 'EBUSY');
    expectErrno(() => fd.destroy(deviceId), 'EBUSY');
    expectErrno(() => fd.replace(deviceId, parent), 'EINVAL');
    expectErrno(() => fd.attach(deviceId, deviceId), 'EINVAL');
    expectErrno(() => fd.attach(deviceId, 99), 'ENOENT');
    expect(device.domain).toBeUndefined();
    fd.attach(deviceId, parent);
    fd.unbind(deviceId);
    expect(device.domain).toBeUndefined();
    fd.destroy(parent);
    other.fd.bind(device);
  });

  it('is refused in one line when it is invalid', () => {
    const { fd } = mockSetup();
    for (const none of [undefined, null, {}, { iommu: {} }, 'nic'])
      expect(() => fd.bind(none as never)).toThrow(/^bind: the IOMMU of the device must /);
  });

  it('shows the type of its IOMMU', () => {
    const { fd, deviceId } = mockSetup();
    const rest = { type: MOCK_HW_INFO_TYPE, length: 8, capabilities: 0, maxPasidLog2: 0 };
    expect(fd.hwInfo(deviceId)).toEqual({ ...rest, bytes: u32(0, 0xdeadbeef) });
    expectErrno(() => fd.hwInfo(deviceId, 3), 'EOPNOTSUPP');
    expectErrno(() => fd.hwInfo(99), 'ENOENT');
  });
});

describe('a fault queue', () => {
  const fault = {
    flags: 3,
    deviceId: 7,
    pasid: 2,
    group: 3,
    permission: 1,
    address: 0x1234_5678_9000n,
    length: 4096,
  };

  it('passes faults on with a cookie and accepts the answers', () => {
    const { fd, iommu, device, deviceId, ioas } = mockSetup();
    const { id, file } = fd.faultQueueAlloc();
    const hwpt = fd.hwptAlloc({ device: deviceId, parent: ioas, fault: id });
    const answers: number[] = [];
    const raise = () => iommu.triggerFault(device, fault, (code) => answers.push(code));
    expect(raise()).toBe(false);
    fd.attach(deviceId, hwpt);
    for (let i = 0; i < 3; i++) expect(raise()).toBe(true);
    expectErrno(() => file.read(39), 'ESPIPE');
    expect(file.read(40)).toEqual(u32(3, 7, 2, 3, 1, 0, 0x56789000, 0x1234, 4096, 1));
    expect(file.read(4080).length).toBe(80);
    expectErrno(() => file.write(u32(1)), 'ESPIPE');
    expectErrno(() => file.write(u32(1, 2)), 'EINVAL');
    expectErrno(() => file.write(u32(9, 0)), 'EINVAL');
    file.write(u32(1, 0));
    expectErrno(() => file.write(u32(1, 0)), 'EINVAL');
    expect(answers).toEqual([0]);
    expectErrno(() => fd.destroy(id), 'EBUSY');
  });

  it('keeps what waits when its file is closed, and answers INVALID when it is destroyed', () => {
    const { fd, iommu, device, deviceId, ioas } = mockSetup();
    const { id, file } = fd.faultQueueAlloc();
    const hwpt = fd.hwptAlloc({ device: deviceId, parent: ioas, fault: id });
    const answers: string[] = [];
    const raise = (name: string) =>
      iommu.triggerFault(device, fault, (code) => answers.push(`${name} ${code}`));
    fd.attach(deviceId, hwpt);
    expect([raise('read'), file.read(40).length, raise('unread')]).toEqual([true, 40, true]);
    file.onReadable = () => answers.push('woken');
    file.closeFile();
    expect([raise('late'), answers]).toEqual([true, []]);
    expect(fd.describe().find((object) => object.id === id)?.details).toEqual({
      waiting: 2,
      unanswered: 1,
    });
    expectErrno(() => file.read(40), 'EBADF');
    expectErrno(() => fd.destroy(id), 'EBUSY');
    fd.detach(deviceId);
    expect(answers).toEqual(['unread 1', 'late 1', 'read 1']);
    fd.destroy(hwpt);
    fd.destroy(id);
    expect(answers).toHaveLength(3);
  });

  it('answers INVALID for a device that is detached, replaced or unbound, and for no other', () => {
    for (const end of ['detach', 'replace', 'unbind'] as const) {
      const { fd, iommu, device, deviceId, ioas } = mockSetup();
      const { id, file } = fd.faultQueueAlloc();
      const other = new MockDevice('other', iommu);
      const otherId = fd.bind(other);
      const hwpt = fd.hwptAlloc({ device: deviceId, parent: ioas, fault: id });
      const next = fd.hwptAlloc({ device: deviceId, parent: ioas, fault: id });
      const answers: string[] = [];
      const raise = (of: MockDevice, name: string) =>
        iommu.triggerFault(of, fault, (code) => answers.push(`${name} ${code}`));
      fd.attach(deviceId, hwpt);
      fd.attach(otherId, hwpt);
      raise(device, 'read');
      raise(other, "other's, read");
      file.read(80);
      raise(device, 'unread');
      raise(other, "other's");
      if (end === 'replace') fd.replace(deviceId, next);
      else fd[end](deviceId);
      expect(answers, end).toEqual(['unread 1', 'read 1']);
      // The next fault gets the cookie that is free again.
      expectErrno(() => file.write(u32(1, 0)), 'EINVAL');
      file.write(u32(2, 0));
      const record = new DataView(file.read(40).buffer);
      expect(record.getUint32(36, true)).toBe(1);
      file.write(u32(1, 0));
      expect(answers.slice(2), end).toEqual(["other's, read 0", "other's 0"]);
    }
  });
});
