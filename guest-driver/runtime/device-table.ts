// SPDX-License-Identifier: MIT
// The device table of the guest ABI, which replaces a device tree.

import {
  ABI_AT_DEVICE_COUNT,
  ABI_AT_DEVICES,
  ABI_DEVICE_GPA,
  ABI_DEVICE_IRQ,
  ABI_DEVICE_KIND,
  ABI_DEVICE_SIZE,
  ABI_DEVICE_SMMU,
  ABI_DEVICE_STREAM,
  ABI_MAX_DEVICES,
} from '../../assembly/layout/guest-abi';

/**
 * Memory offset of the first table entry of a kind (ABI_KIND_*), 0 when the board has
 * none.
 * @param smmu number of the device's SMMU.
 */
export function findDevice(kind: u32, smmu: u32 = 0): usize {
  const count = min<u32>(load<u32>(0, ABI_AT_DEVICE_COUNT), ABI_MAX_DEVICES);
  for (let i: u32 = 0; i < count; i++) {
    const entry: usize = ABI_AT_DEVICES + i * ABI_DEVICE_SIZE;
    if (load<u32>(entry, ABI_DEVICE_KIND) == kind && load<u32>(entry, ABI_DEVICE_SMMU) == smmu)
      return entry;
  }
  return 0;
}

/** gpa of the device's registers. */
export function deviceGpa(entry: usize): u32 {
  return load<u32>(entry, ABI_DEVICE_GPA);
}

/** The device's first interrupt line, ABI_NO_IRQ when it has none. */
export function deviceIrq(entry: usize): u32 {
  return load<u32>(entry, ABI_DEVICE_IRQ);
}

/** The bus master's StreamID, ABI_NO_STREAM when it has none. */
export function deviceStream(entry: usize): u32 {
  return load<u32>(entry, ABI_DEVICE_STREAM);
}
