// SPDX-License-Identifier: MIT
// Groups of page faults on the mock driver: collected until the last one, read as a
// whole, answered once (iommu_report_device_fault, iommufd_fault_fops_read).

import { describe, expect, it } from 'vitest';
import {
  PGFAULT_GROUP_MOST,
  PGFAULT_LAST_PAGE,
  PGFAULT_READ,
  PGFAULT_SIZE,
} from '../../../host/iommufd/index.ts';
import { expectErrno, mockSetup, u32 } from './mock-setup.ts';

/** Group, address and cookie of each record. */
function recordsOf(bytes: Uint8Array): number[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / PGFAULT_SIZE }, (_, i) =>
    [12, 24, 36].map((at) => view.getUint32(PGFAULT_SIZE * i + at, true)),
  );
}

function attached() {
  const { fd, iommu, device, deviceId, ioas } = mockSetup();
  const { id, file } = fd.faultQueueAlloc();
  const hwpt = fd.hwptAlloc({ device: deviceId, parent: ioas, fault: id });
  fd.attach(deviceId, hwpt);
  const answers: string[] = [];
  const fault = (group: number, address: number, last: boolean) =>
    iommu.triggerFault(
      device,
      {
        flags: last ? PGFAULT_LAST_PAGE : 0,
        deviceId,
        pasid: 0,
        group,
        permission: PGFAULT_READ,
        address: BigInt(address),
        length: 0,
      },
      (code) => answers.push(`${group} ${code}`),
    );
  return { fd, iommu, device, deviceId, ioas, file, hwpt, answers, fault };
}

describe('a group of page faults', () => {
  it('is readable after its last one, in the order of its faults, with one cookie', () => {
    const { file, answers, fault } = attached();
    fault(5, 0x1000, false);
    fault(6, 0x2000, false);
    fault(5, 0x3000, false);
    expect([file.readable, file.read(PGFAULT_SIZE).length]).toEqual([false, 0]);
    fault(6, 0x4000, true);
    fault(5, 0x5000, true);
    expect(recordsOf(file.read(5 * PGFAULT_SIZE))).toEqual([
      [6, 0x2000, 1],
      [6, 0x4000, 1],
      [5, 0x1000, 2],
      [5, 0x3000, 2],
      [5, 0x5000, 2],
    ]);
    file.write(u32(2, 0, 1, 1));
    expect(answers).toEqual(['5 0', '6 1']);
    expectErrno(() => file.write(u32(2, 0)), 'EINVAL');
  });

  it('is read whole: EINVAL when the first does not fit, and the next waits when it does not', () => {
    const { file, fault } = attached();
    for (const group of [1, 2]) {
      fault(group, 0x1000, false);
      fault(group, 0x2000, true);
    }
    for (const bytes of [0, PGFAULT_SIZE]) expectErrno(() => file.read(bytes), 'EINVAL');
    expect(recordsOf(file.read(3 * PGFAULT_SIZE)).map(([group]) => group)).toEqual([1, 1]);
    expect(recordsOf(file.read(2 * PGFAULT_SIZE)).map(([group]) => group)).toEqual([2, 2]);
    expect(file.read(0).length).toBe(0);
  });

  it('loses what has not come to its last one when its device is detached', () => {
    const { fd, deviceId, file, hwpt, answers, fault } = attached();
    fault(1, 0x1000, false);
    fault(2, 0x2000, false);
    fault(2, 0x3000, true);
    fd.detach(deviceId);
    expect([answers, fault(1, 0x4000, true)]).toEqual([['2 1'], false]);
    fd.attach(deviceId, hwpt);
    fault(1, 0x5000, true);
    expect(recordsOf(file.read(2 * PGFAULT_SIZE))).toEqual([[1, 0x5000, 1]]);
  });

  it('has a longest one: more of a device that ends none are lost', () => {
    const { file, fault } = attached();
    for (let i = 0; i < 2 * PGFAULT_GROUP_MOST; i++) expect(fault(1, 0x1000 * i, false)).toBe(true);
    fault(1, 0, true);
    const records = recordsOf(file.read(2 * PGFAULT_GROUP_MOST * PGFAULT_SIZE));
    expect(records).toHaveLength(PGFAULT_GROUP_MOST);
    expect(records[PGFAULT_GROUP_MOST - 2]?.[1]).toBe(0x1000 * (PGFAULT_GROUP_MOST - 2));
  });
});
