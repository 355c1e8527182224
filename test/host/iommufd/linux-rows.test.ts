// SPDX-License-Identifier: MIT
// Requests whose result depends on details of Linux 7.2 (drivers/iommu/iommufd), on the
// mock driver: each names its function. test/host/kernel/arm-rows.test.ts tests those of
// the SMMUv3's drivers.

import { describe, expect, it } from 'vitest';
import {
  HW_CAP_PCI_ATS_NOT_SUPPORTED,
  PGFAULT_ANSWER_SIZE,
  PGFAULT_SIZE,
} from '../../../host/iommufd/index.ts';
import {
  MOCK_HW_INFO_TYPE,
  MOCK_HWPT_DATA,
  MOCK_INVALIDATE_DATA,
  MOCK_VEVENTQ_TYPE,
  MOCK_VIOMMU_TYPE,
  MockDevice,
  MockIommu,
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
const LAST = 2n ** 63n - 1n;

describe('VIOMMU_ALLOC', () => {
  it('of an object that is not a paging HWPT is ENOENT (iommufd_get_object)', () => {
    const { fd, deviceId: device, ioas, viommu } = viommuSetup();
    const nested = fd.hwptAlloc({ device, parent: viommu, data: NESTED_DATA });
    for (const hwpt of [ioas, device, viommu, nested, 999])
      expectErrno(() => fd.viommuAlloc({ device, hwpt, type: MOCK_VIOMMU_TYPE }), 'ENOENT');
  });

  it('of an unknown type is EOPNOTSUPP, regardless of its HWPT (get_viommu_size)', () => {
    const { fd, deviceId: device, ioas } = mockSetup();
    for (const hwpt of [ioas, 999])
      expectErrno(() => fd.viommuAlloc({ device, hwpt, type: 77 }), 'EOPNOTSUPP');
    expectErrno(() => fd.viommuAlloc({ device: 999, hwpt: ioas, type: 77 }), 'ENOENT');
  });
});

describe('HWPT_ALLOC', () => {
  it('nested without data is EOPNOTSUPP (iommufd_hwpt_nested_alloc)', () => {
    const { fd, deviceId: device, parent, viommu } = viommuSetup();
    const none = { type: 0, bytes: new Uint8Array() };
    for (const on of [parent, viommu]) {
      expectErrno(() => fd.hwptAlloc({ device, parent: on, data: none }), 'EOPNOTSUPP');
      expectErrno(() => fd.hwptAlloc({ device, parent: on }), 'EOPNOTSUPP');
    }
  });

  it('with data of no type, or a type without data, is EINVAL before its device is looked for', () => {
    const { fd, deviceId, ioas } = mockSetup();
    for (const device of [deviceId, 999])
      for (const data of [
        { type: 0, bytes: u32(1) },
        { type: MOCK_HWPT_DATA, bytes: new Uint8Array() },
      ])
        expectErrno(() => fd.hwptAlloc({ device, parent: ioas, data }), 'EINVAL');
    expectErrno(() => fd.hwptAlloc({ device: 999, parent: ioas }), 'ENOENT');
  });
});

describe('the order of errors', () => {
  it('of HWPT_ALLOC: the parent, what it cannot have, the data; the fault queue last', () => {
    const { fd, iommu, deviceId: device, ioas, parent, viommu } = viommuSetup();
    const before = [fd.describe(), iommu.counts];
    expectErrno(() => fd.hwptAlloc({ device, parent: 999, fault: 998 }), 'EINVAL');
    expectErrno(
      () => fd.hwptAlloc({ device, parent: 999, nestParent: true, fault: 998 }),
      'EINVAL',
    );
    expectErrno(
      () => fd.hwptAlloc({ device, parent: ioas, nestParent: true, fault: 998 }),
      'EOPNOTSUPP',
    );
    const bad = { type: MOCK_HWPT_DATA, bytes: u32(1, 2) };
    expectErrno(() => fd.hwptAlloc({ device, parent: viommu, data: bad, fault: 998 }), 'EINVAL');
    for (const on of [parent, viommu])
      expectErrno(
        () => fd.hwptAlloc({ device, parent: on, data: NESTED_DATA, fault: 998 }),
        'ENOENT',
      );
    for (const fault of [998, ioas])
      expectErrno(() => fd.hwptAlloc({ device, parent: ioas, fault }), 'ENOENT');
    // None of them is left.
    expect([fd.describe(), iommu.counts]).toEqual(before);
  });

  it('of VIOMMU_ALLOC: flags that no IOMMU has before the device', () => {
    const { fd, ioas } = mockSetup();
    const request = { device: 999, hwpt: ioas, type: MOCK_VIOMMU_TYPE };
    expectErrno(() => fd.viommuAlloc({ ...request, flags: 2 }), 'EOPNOTSUPP');
    expectErrno(() => fd.viommuAlloc(request), 'ENOENT');
  });
});

describe('IOAS_MAP', () => {
  const map = ({ fd, ioas }: ReturnType<typeof mockSetup>, length: bigint, address = 0) =>
    fd.ioasMap(ioas, { length, memory: { physical: () => 0 }, address });

  it('finds no address for half the address space: EOVERFLOW (iopt_alloc_iova)', () => {
    const setup = mockSetup();
    for (const length of [2n ** 63n, 2n ** 63n - PAGE / 2n + PAGE / 2n])
      expectErrno(() => map(setup, length), 'EOVERFLOW');
    // The first is placed at a transparent huge page; there is no place for a second.
    const lone = { ...setup, ioas: setup.fd.ioasAlloc() };
    expect(map(lone, 2n ** 63n - PAGE)).toBe(2n ** 21n);
    expectErrno(() => map(lone, 2n ** 63n - PAGE), 'ENOSPC');
  });

  it('finds a place as aligned as length and address are, so that large pages fit', () => {
    const setup = mockSetup();
    expect([map(setup, PAGE), map(setup, 16n * PAGE)]).toEqual([PAGE, 16n * PAGE]);
    // An address that is a multiple of 4 pages; and one in the middle of a page.
    expect(map(setup, 16n * PAGE, 0x4000)).toBe(4n * 8n * PAGE);
    expect(map(setup, PAGE / 2n, 0x1800)).toBe(2n * PAGE + PAGE / 2n);
    expectErrno(() => map(setup, PAGE, 0x10), 'EINVAL');
    // Up to 2 MiB, and no further.
    expect(map(setup, 2n ** 24n)).toBe(2n ** 21n);
  });
});

describe('IOAS_UNMAP', () => {
  it('of one whole mapping and a part of the next is ENOENT, and the first is unmapped', () => {
    const { fd, ioas, device, deviceId, parent } = mockSetup();
    fd.attach(deviceId, parent);
    for (const iova of [PAGE, 4n * PAGE])
      fd.ioasMap(ioas, { iova, length: 2n * PAGE, memory: MEMORY, address: 0 });
    expectErrno(() => fd.ioasUnmap(ioas, PAGE, 4n * PAGE), 'ENOENT');
    const pages = () => [...((device.domain as MockPagingDomain).pages.keys() ?? [])];
    expect(pages()).toEqual([8n, 9n, 10n, 11n].map((half) => (half * PAGE) / 2n));
    expect(fd.describe().find(({ id }) => id === ioas)?.details.areas).toBe(1);
    for (const [iova, length] of [
      [1n, END - 1n],
      [END - 1n, 1n],
      [PAGE, END - 1n],
    ] as const)
      expectErrno(() => fd.ioasUnmap(ioas, iova, length), 'EOVERFLOW');
    // A range that begins in the middle of one does not unmap it.
    expectErrno(() => fd.ioasUnmap(ioas, 5n * PAGE, 8n * PAGE), 'ENOENT');
    expect(pages().length).toBe(4);
  });
});

describe('IOAS_IOVA_RANGES', () => {
  it('contain everything that is neither reserved nor beyond the IOMMU, mapped or not', () => {
    const { fd, ioas, iommu, parent } = mockSetup();
    const lone = fd.ioasAlloc();
    expect(fd.ioasIovaRanges(lone)).toEqual({
      ranges: [{ start: 0n, last: END - 1n }],
      alignment: 1n,
    });
    fd.ioasMap(ioas, { iova: PAGE, length: PAGE, memory: MEMORY, address: 0 });
    const whole = { ranges: [{ start: 0n, last: LAST }], alignment: PAGE / 2n };
    expect(fd.ioasIovaRanges(ioas)).toEqual(whole);
    const window = { iova: 16n * PAGE, length: 2n * PAGE, doorbells: 0x8020000 };
    const low = { iova: 0n, length: PAGE, doorbells: 0x8030000 };
    const master = fd.bind(reserving('master', iommu, window, low));
    fd.attach(master, parent);
    expect(fd.ioasIovaRanges(ioas).ranges).toEqual([
      { start: PAGE, last: 16n * PAGE - 1n },
      { start: 18n * PAGE, last: LAST },
    ]);
    fd.detach(master);
    expect(fd.ioasIovaRanges(ioas)).toEqual(whole);
    expectErrno(() => fd.ioasIovaRanges(parent), 'ENOENT');
  });
});

describe('IOAS_ALLOW_IOVAS', () => {
  it('returns where places are found, and does not restrict IOVAs that a caller chooses', () => {
    const { fd, ioas } = mockSetup();
    const anywhere = (length = PAGE) =>
      fd.ioasMap(ioas, { length, memory: { physical: () => 0 }, address: 0 });
    fd.ioasAllowIovas(ioas, [
      { start: 64n * PAGE, last: 66n * PAGE - 1n },
      { start: 32n * PAGE, last: 33n * PAGE - 1n },
    ]);
    expect([anywhere(), anywhere(2n * PAGE)]).toEqual([32n * PAGE, 64n * PAGE]);
    expectErrno(() => anywhere(), 'ENOSPC');
    fd.ioasMap(ioas, { iova: PAGE, length: PAGE, memory: MEMORY, address: 0 });
    // They replace the previous ones; an empty list allows everything.
    fd.ioasAllowIovas(ioas, [{ start: 8n * PAGE, last: 9n * PAGE - 1n }]);
    expect(anywhere()).toBe(8n * PAGE);
    fd.ioasAllowIovas(ioas, []);
    expect(anywhere()).toBe(2n * PAGE);
  });

  it('is refused for ranges that are invalid, adjacent or reserved, and changes nothing then', () => {
    const { fd, ioas } = mockSetup();
    const allow = (...ranges: (readonly [bigint, bigint])[]) =>
      fd.ioasAllowIovas(
        ioas,
        ranges.map(([start, last]) => ({ start, last })),
      );
    allow([8n * PAGE, 9n * PAGE]);
    expectErrno(() => allow([PAGE, PAGE]), 'EINVAL');
    expectErrno(() => allow([2n * PAGE, PAGE]), 'EINVAL');
    expectErrno(() => allow([PAGE, END]), 'EINVAL');
    expectErrno(() => allow([PAGE, 3n * PAGE], [3n * PAGE, 4n * PAGE]), 'EINVAL');
    // Beyond the addresses that the mock translates.
    expectErrno(() => allow([PAGE, LAST + 1n]), 'EADDRINUSE');
    expectErrno(() => fd.ioasAllowIovas(999, []), 'ENOENT');
    expect(fd.ioasMap(ioas, { length: PAGE, memory: MEMORY, address: 0 })).toBe(8n * PAGE);
  });

  it('keeps what it allows from being reserved: EADDRINUSE (iopt_reserve_iova)', () => {
    const { fd, iommu, parent, ioas } = mockSetup();
    const window = { iova: 16n * PAGE, length: PAGE, doorbells: 0x8020000 };
    const master = fd.bind(reserving('master', iommu, window));
    fd.ioasAllowIovas(ioas, [{ start: 15n * PAGE, last: 17n * PAGE }]);
    expectErrno(() => fd.attach(master, parent), 'EADDRINUSE');
    expect(fd.attachedTo(master)).toBeUndefined();
    fd.ioasAllowIovas(ioas, []);
    fd.attach(master, parent);
    expectErrno(() => fd.ioasAllowIovas(ioas, [{ start: 0n, last: 16n * PAGE }]), 'EADDRINUSE');
    // A domain that cannot map the allowed ranges is not created.
    const lone = fd.ioasAlloc();
    fd.ioasAllowIovas(lone, [{ start: LAST, last: LAST + PAGE }]);
    expectErrno(() => fd.hwptAlloc({ device: master, parent: lone }), 'EADDRINUSE');
  });
});

describe('attach', () => {
  it('to an IOAS uses an automatic HWPT, which is destroyed with its last device', () => {
    const { fd, iommu, device, deviceId, ioas } = mockSetup();
    const [otherId, strangeId] = [
      fd.bind(new MockDevice('other', iommu)),
      fd.bind(new MockDevice('strange', new MockIommu())),
    ];
    fd.ioasMap(ioas, { iova: PAGE, length: PAGE, memory: MEMORY, address: 0 });
    const hwpt = fd.attach(deviceId, ioas);
    expect([fd.attach(otherId, ioas), fd.attachedTo(deviceId)]).toEqual([hwpt, hwpt]);
    expect([...((device.domain as MockPagingDomain).pages.keys() ?? [])]).toEqual([
      PAGE,
      PAGE + PAGE / 2n,
    ]);
    // With another IOMMU: one of its own.
    const strange = fd.attach(strangeId, ioas);
    expect(strange).not.toBe(hwpt);
    expectErrno(() => fd.viommuAlloc({ device: deviceId, hwpt, type: MOCK_VIOMMU_TYPE }), 'EINVAL');
    const there = () => fd.describe().map(({ id }) => id);
    expectErrno(() => fd.destroy(hwpt), 'EBUSY');
    fd.detach(deviceId);
    expect(there()).toContain(hwpt);
    fd.unbind(otherId);
    expect(there()).not.toContain(hwpt);
    // Replaced by itself it stays; replaced by another one it is gone.
    expect([fd.replace(strangeId, ioas), there().includes(strange)]).toEqual([strange, true]);
    fd.replace(strangeId, fd.hwptAlloc({ device: strangeId, parent: ioas }));
    expect(there()).not.toContain(strange);
    expectErrno(() => fd.attach(deviceId, 999), 'ENOENT');
    expectErrno(() => fd.attach(deviceId, deviceId), 'EINVAL');
    fd.close();
    expect(iommu.counts.pagingDomains).toBe(0);
  });

  it('by itself changes nothing: pending faults stay, and so do their cookies', () => {
    const { fd, iommu, device, deviceId, ioas } = mockSetup();
    const { id: fault, file } = fd.faultQueueAlloc();
    const hwpt = fd.hwptAlloc({ device: deviceId, parent: ioas, fault });
    fd.attach(deviceId, hwpt);
    const answers: number[] = [];
    const pageFault = {
      flags: 2,
      deviceId,
      pasid: 0,
      group: 0,
      permission: 1,
      address: 0n,
      length: 0,
    };
    iommu.triggerFault(device, pageFault, (code) => answers.push(code));
    expect(file.read(PGFAULT_SIZE).length).toBe(PGFAULT_SIZE);
    fd.replace(deviceId, hwpt);
    expect(answers).toEqual([]);
    file.write(u32(1, 0));
    expect(answers).toEqual([0]);
  });

  it('of a device that is attached is EBUSY, wherever it is to go (xa_insert)', () => {
    const { fd, deviceId, ioas, parent } = mockSetup();
    const other = fd.hwptAlloc({ device: deviceId, parent: ioas });
    fd.attach(deviceId, parent);
    const before = fd.describe().length;
    for (const to of [parent, other, ioas]) expectErrno(() => fd.attach(deviceId, to), 'EBUSY');
    expect([fd.attachedTo(deviceId), fd.describe().length]).toEqual([parent, before]);
  });
});

describe('GET_HW_INFO', () => {
  it('returns the capabilities of device and IOMMU, and fills the available space', () => {
    const { fd, deviceId, device } = mockSetup();
    Object.assign(device, { capabilities: HW_CAP_PCI_ATS_NOT_SUPPORTED, maxPasidLog2: 20 });
    const rest = { type: MOCK_HW_INFO_TYPE, length: 8, capabilities: 8, maxPasidLog2: 20 };
    expect(fd.hwInfo(deviceId)).toEqual({ ...rest, bytes: u32(0, 0xdeadbeef) });
    expect(fd.hwInfo(deviceId, 0, 6)).toEqual({
      ...rest,
      bytes: Uint8Array.of(0, 0, 0, 0, 0xef, 0xbe),
    });
    expect(fd.hwInfo(deviceId, 0, 12).bytes).toEqual(u32(0, 0xdeadbeef, 0));
    expect(fd.hwInfo(deviceId, 0, 0).bytes.length).toBe(0);
    for (const room of [-1, 1.5, Number.NaN, 2 ** 21])
      expect(() => fd.hwInfo(deviceId, 0, room)).toThrow('hwInfo: room must be an integer');
  });
});

describe('reading a vEVENTQ', () => {
  it('without room for the waiting event is EINVAL, and removes nothing', () => {
    const { fd, iommu, viommu, device, deviceId } = viommuSetup();
    const { file } = fd.veventqAlloc({ viommu, type: MOCK_VEVENTQ_TYPE, depth: 2 });
    fd.vdeviceAlloc({ viommu, device: deviceId, virtId: 1n });
    expect(file.read(8).length).toBe(0);
    iommu.triggerEvent(device);
    expectErrno(() => file.read(8), 'EINVAL');
    expectErrno(() => file.read(11), 'EINVAL');
    expect(file.read(12).length).toBe(12);
  });
});

describe('a FAULT file', () => {
  const fault = {
    flags: 2,
    deviceId: 7,
    pasid: 0,
    group: 0,
    permission: 1,
    address: 0x1000n,
    length: 0,
  };
  function withFaults(count: number) {
    const { fd, iommu, device, deviceId, ioas } = mockSetup();
    const { id, file } = fd.faultQueueAlloc();
    fd.attach(deviceId, fd.hwptAlloc({ device: deviceId, parent: ioas, fault: id }));
    const answers: string[] = [];
    for (let i = 0; i < count; i++)
      iommu.triggerFault(device, fault, (code) => answers.push(`${i} ${code}`));
    return { file, answers };
  }

  it('is read and written in whole records, else ESPIPE', () => {
    const { file } = withFaults(1);
    for (const bytes of [1, PGFAULT_SIZE - 1, PGFAULT_SIZE + 1])
      expectErrno(() => file.read(bytes), 'ESPIPE');
    for (const bytes of [1, PGFAULT_ANSWER_SIZE - 1, PGFAULT_ANSWER_SIZE + 1])
      expectErrno(() => file.write(new Uint8Array(bytes)), 'ESPIPE');
    // A read without space returns nothing of it.
    expectErrno(() => file.read(0), 'EINVAL');
    expect([file.write(new Uint8Array()), file.readable]).toEqual([0, true]);
    file.read(PGFAULT_SIZE);
    expect(file.read(0).length).toBe(0);
  });

  it('accepts several answers at once, up to the first invalid one', () => {
    const { file, answers } = withFaults(4);
    expect(file.read(4 * PGFAULT_SIZE).length).toBe(4 * PGFAULT_SIZE);
    expect(file.write(u32(1, 0, 3, 1))).toBe(2 * PGFAULT_ANSWER_SIZE);
    expect(answers).toEqual(['0 0', '2 1']);
    // An unknown code; then a cookie. Earlier answers are accepted.
    expect(file.write(u32(2, 0, 4, 2))).toBe(PGFAULT_ANSWER_SIZE);
    expect(file.write(u32(4, 1, 4, 1))).toBe(PGFAULT_ANSWER_SIZE);
    expect(answers).toEqual(['0 0', '2 1', '1 0', '3 1']);
    expectErrno(() => file.write(u32(4, 1)), 'EINVAL');
  });

  it('has the lowest cookie that is free, and faults of no length', () => {
    const { file } = withFaults(3);
    const cookies = (bytes: Uint8Array) => {
      const words = new Uint32Array(bytes.slice().buffer);
      return Array.from({ length: words.length / 10 }, (_, i) => [
        words[10 * i + 8],
        words[10 * i + 9],
      ]);
    };
    expect(cookies(file.read(2 * PGFAULT_SIZE))).toEqual([
      [0, 1],
      [0, 2],
    ]);
    file.write(u32(1, 0));
    expect(cookies(file.read(PGFAULT_SIZE))).toEqual([[0, 1]]);
  });
});

describe('HWPT_INVALIDATE', () => {
  const shape = {
    dataType: MOCK_INVALIDATE_DATA,
    entryLength: 12,
    entries: u32(0, 1, 0),
    count: 1,
  };

  it('checks its bounds before its object', () => {
    const { fd, parent, viommu, deviceId } = viommuSetup();
    for (const id of [999, parent, viommu]) {
      expectErrno(() => fd.hwptInvalidate(id, { ...shape, entryLength: 0 }), 'EINVAL');
      expectErrno(() => fd.hwptInvalidate(id, { ...shape, count: 2 }), 'EINVAL');
    }
    expectErrno(() => fd.hwptInvalidate(999, shape), 'ENOENT');
    for (const id of [parent, deviceId]) expectErrno(() => fd.hwptInvalidate(id, shape), 'EINVAL');
  });

  it('of no entries checks no length and no bytes', () => {
    const { fd, viommu, deviceId: device, parent } = viommuSetup();
    const nested = fd.hwptAlloc({ device, parent, data: NESTED_DATA });
    for (const entryLength of [0, 3, 5000]) {
      const none = { ...shape, entryLength, entries: new Uint8Array(), count: 0 };
      expect(fd.hwptInvalidate(viommu, none)).toBe(0);
      expect(fd.hwptInvalidate(nested, none)).toBe(0);
      expectErrno(() => fd.hwptInvalidate(999, none), 'ENOENT');
      expectErrno(() => fd.hwptInvalidate(parent, none), 'EINVAL');
    }
  });

  it('of a vIOMMU copies its entries before it checks the first: E2BIG, and none is executed', () => {
    const { fd, viommu, device, deviceId } = viommuSetup();
    fd.vdeviceAlloc({ viommu, device: deviceId, virtId: 0x99n });
    const entries = u32(0, 0x99, 0, 0, 9, 9, 9, 1);
    expect(() =>
      fd.hwptInvalidate(viommu, { ...shape, entryLength: 16, entries, count: 2 }),
    ).toThrow(expect.objectContaining({ errno: 'E2BIG', handled: 0 }));
    expect(device.cache).toEqual([1, 2, 3, 4]);
  });
});
