// SPDX-License-Identifier: MIT
// An iommufd with mock devices, set up like Linux's iommufd selftests.

import { expect } from 'vitest';
import {
  type Errno,
  Iommufd,
  type IommufdOptions,
  PAGE_SIZE,
  type ReservedRegion,
  type UserMemory,
  type VmHandle,
} from '../../../host/iommufd/index.ts';
import {
  MOCK_HWPT_DATA,
  MOCK_VIOMMU_TYPE,
  MockDevice,
  MockIommu,
} from '../../../host/iommufd/mock/index.ts';

export const PAGE = BigInt(PAGE_SIZE);
/** 1 MiB of a process: address a is physical address 0x40000000 + a. */
export const MEMORY: UserMemory = {
  physical: (address, length) =>
    address >= 0 && address + length <= 0x100000 ? 0x40000000 + address : undefined,
};

/** A VM that counts its references. */
export class CountedVm implements VmHandle {
  readonly name = 'vm';
  references = 0;
  get(): void {
    this.references++;
  }
  put(): void {
    this.references--;
  }
}

export function u32(...words: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  words.forEach((word, i) => {
    new DataView(bytes.buffer).setUint32(4 * i, word, true);
  });
  return bytes;
}

export const NESTED_DATA = { type: MOCK_HWPT_DATA, bytes: u32(0xbeef) };

export function expectErrno(action: () => unknown, errno: Errno): void {
  expect(action).toThrow(expect.objectContaining({ errno }));
}

/** A device that reserves regions of its IOAS. */
export function reserving(
  name: string,
  iommu: MockIommu,
  ...reservedRegions: readonly ReservedRegion[]
): MockDevice {
  return Object.assign(new MockDevice(name, iommu), { reservedRegions });
}

/** A bound device with an IOAS and a nest parent. */
export function mockSetup(options: IommufdOptions = {}, iommu = new MockIommu()) {
  const fd = new Iommufd(options);
  const device = new MockDevice('device 0', iommu);
  const deviceId = fd.bind(device);
  const ioas = fd.ioasAlloc();
  const parent = fd.hwptAlloc({ device: deviceId, parent: ioas, nestParent: true });
  return { fd, iommu, device, deviceId, ioas, parent };
}

/** The same with a vIOMMU. */
export function viommuSetup(vm?: VmHandle) {
  const setup = mockSetup();
  const viommu = setup.fd.viommuAlloc({
    device: setup.deviceId,
    hwpt: setup.parent,
    type: MOCK_VIOMMU_TYPE,
    data: u32(0x1234),
    ...(vm ? { vm } : {}),
  });
  return { ...setup, viommu: viommu.id, allocation: viommu };
}

export const NOTHING = { pagingDomains: 0, nestedDomains: 0, viommus: 0, vdevices: 0, hwQueues: 0 };
