// SPDX-License-Identifier: MIT
// The info page of the guest ABI, at offset 0 of guest memory, and the conversion between
// memory offsets and guest physical addresses.

import {
  ABI_AREA_SIZE,
  ABI_AT_EXITS,
  ABI_AT_MACHINE,
  ABI_AT_MAGIC,
  ABI_AT_MEMORY_SIZE,
  ABI_AT_RAM_GPA_BASE,
  ABI_AT_VCPUS,
  ABI_AT_VERSION,
  ABI_MAGIC,
  ABI_VERSION,
} from '../../assembly/layout/guest-abi';

/** True when a host with this version of the ABI has filled in the info page. */
export function abiPresent(): bool {
  return load<u32>(0, ABI_AT_MAGIC) == ABI_MAGIC && load<u32>(0, ABI_AT_VERSION) == ABI_VERSION;
}

/** Bytes of guest memory, including the ABI area. */
export function memorySize(): u32 {
  return load<u32>(0, ABI_AT_MEMORY_SIZE);
}

/** This machine's index among the machines of its host, from 0. */
export function machineIndex(): u32 {
  return load<u32>(0, ABI_AT_MACHINE);
}

/** vCPUs of this machine. */
export function vcpuCount(): u32 {
  return load<u32>(0, ABI_AT_VCPUS);
}

/** Exits of this machine so far. Reading it is not an exit. */
export function exitCount(): u32 {
  return atomic.load<u32>(0, ABI_AT_EXITS);
}

/** gpa of a memory offset. */
export function gpaOf(offset: usize): u32 {
  return <u32>offset + load<u32>(0, ABI_AT_RAM_GPA_BASE);
}

/** Memory offset of a gpa in RAM, 0 when it is not RAM. */
export function offsetOfGpa(gpa: u32): usize {
  const offset: usize = gpa - load<u32>(0, ABI_AT_RAM_GPA_BASE);
  return offset >= <usize>ABI_AREA_SIZE && offset < memorySize() ? offset : 0;
}
