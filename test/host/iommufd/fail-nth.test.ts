// SPDX-License-Identifier: MIT
// Every allocation and every access to the caller's memory during the whole life of an
// iommufd, made to fail one after the other (like Linux's iommufd_fail_nth selftest).

import { describe, expect, it } from 'vitest';
import { Iommufd, IommufdError } from '../../../host/iommufd/index.ts';
import {
  MOCK_HW_QUEUE_TYPE,
  MOCK_INVALIDATE_DATA,
  MOCK_VEVENTQ_TYPE,
  MOCK_VIOMMU_TYPE,
  MockDevice,
  MockIommu,
} from '../../../host/iommufd/mock/index.ts';
import { FailNth } from '../../support/fail-nth.ts';
import { CountedVm, MEMORY, NESTED_DATA, NOTHING, PAGE, u32 } from './mock-setup.ts';

/** Object types and user counts, without IDs. */
function counts(fd: Iommufd): string[] {
  return fd.describe().map(({ type, users }) => `${type} ${users}`);
}

/** One life; every step is one request, and the state after a failed one is checked. */
function live(fd: Iommufd, iommu: MockIommu, device: MockDevice, vm: CountedVm): void {
  const step = <T>(request: () => T): T => {
    const before = [counts(fd), iommu.counts, vm.references, device.domain];
    try {
      return request();
    } catch (error) {
      expect([counts(fd), iommu.counts, vm.references, device.domain]).toEqual(before);
      throw error;
    }
  };
  const deviceId = step(() => fd.bind(device));
  const ioas = step(() => fd.ioasAlloc());
  step(() => fd.ioasMap(ioas, { iova: PAGE, length: 2n * PAGE, memory: MEMORY, address: 0 }));
  const flat = step(() => fd.hwptAlloc({ device: deviceId, parent: ioas }));
  const parent = step(() => fd.hwptAlloc({ device: deviceId, parent: ioas, nestParent: true }));
  step(() => fd.ioasMap(ioas, { length: PAGE, memory: MEMORY, address: 0 }));
  step(() => fd.hwInfo(deviceId));
  step(() => fd.attach(deviceId, flat));
  const { id: viommu, mmap } = step(() =>
    fd.viommuAlloc({ device: deviceId, hwpt: parent, type: MOCK_VIOMMU_TYPE, vm }),
  );
  const page = step(() => fd.mmap(mmap?.offset ?? 0, mmap?.length ?? 0));
  step(() => fd.vdeviceAlloc({ viommu, device: deviceId, virtId: 0x99n }));
  const nested = step(() => fd.hwptAlloc({ device: deviceId, parent: viommu, data: NESTED_DATA }));
  step(() => fd.replace(deviceId, nested));
  step(() =>
    fd.hwQueueAlloc({ viommu, type: MOCK_HW_QUEUE_TYPE, index: 0, iova: PAGE, length: PAGE }),
  );
  step(() =>
    fd.hwQueueAlloc({ viommu, type: MOCK_HW_QUEUE_TYPE, index: 1, iova: 2n * PAGE, length: PAGE }),
  );
  const { file } = step(() => fd.veventqAlloc({ viommu, type: MOCK_VEVENTQ_TYPE, depth: 4 }));
  step(() => iommu.triggerEvent(device));
  const event = step(() => file.read(1024));
  expect(event.length === 12 || event[0] === 1).toBe(true);
  step(() =>
    fd.hwptInvalidate(viommu, {
      dataType: MOCK_INVALIDATE_DATA,
      entryLength: 12,
      entries: u32(0, 0x99, 0),
      count: 1,
    }),
  );
  step(() => fd.faultQueueAlloc());
  page.unmap();
}

describe('the n-th allocation or access to memory that fails', () => {
  it('leaves no object and no wrong count, for any failure', () => {
    const refused = new Set<string>();
    let n = 0;
    for (; ; n++) {
      const fault = new FailNth(n);
      const iommu = new MockIommu('mock', fault.gate);
      const device = new MockDevice('device', iommu);
      const vm = new CountedVm();
      const fd = new Iommufd({ gate: fault.gate });
      let error: unknown;
      try {
        live(fd, iommu, device, vm);
      } catch (thrown) {
        error = thrown;
      }
      fd.close();
      expect([fd.describe(), iommu.counts, vm.references, device.claimed]).toEqual([
        [],
        NOTHING,
        0,
        false,
      ]);
      if (fault.refused === undefined) {
        expect(error).toBeUndefined();
        break;
      }
      // An event without memory for it is lost, which is not an error of a request.
      if (fault.refused === 'vEVENT' && error === undefined) continue;
      expect(error).toBeInstanceOf(IommufdError);
      refused.add(fault.refused);
    }
    expect(n).toBeGreaterThan(35);
    expect(refused.size).toBeGreaterThan(15);
  });
});
