// A guest in AssemblyScript: it finds the UART in the device table, prints a line through it, and
// powers off.

import {
  ABI_AT_DEVICE_COUNT,
  ABI_AT_DEVICES,
  ABI_DEVICE_GPA,
  ABI_DEVICE_KIND,
  ABI_DEVICE_SIZE,
  ABI_KIND_PL011,
  ABI_VERSION,
  RUN_OFF,
} from 'vsmmu/assembly/layout/guest-abi';
import { PL011_DR } from 'vsmmu/assembly/layout/pl011-registers';
import { mmio_write32 } from 'vsmmu/guest-driver/runtime/vsmmu';

export const vsmmu_abi: i32 = ABI_VERSION;

function uart(): u32 {
  const count = load<u32>(0, ABI_AT_DEVICE_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const entry: usize = ABI_AT_DEVICES + i * ABI_DEVICE_SIZE;
    if (load<u32>(entry, ABI_DEVICE_KIND) == ABI_KIND_PL011)
      return load<u32>(entry, ABI_DEVICE_GPA);
  }
  return 0;
}

export function vsmmu_run(_budget: i32): i32 {
  const gpa = uart();
  const line = 'hello from the guest\n';
  if (gpa != 0)
    for (let i = 0; i < line.length; i++) mmio_write32(gpa + PL011_DR, line.charCodeAt(i));
  return RUN_OFF;
}
