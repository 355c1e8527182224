// SPDX-License-Identifier: MIT
// Direct maps of an arm64 machine: ranges of device registers that memory backs. There is
// one table, which every vCPU reads at each device access. Offsets in bytes.

/** u32: entries, 0 to ARM64_MAX_MAPS. */
export const ARM64_MAP_COUNT = 0x00;
export const ARM64_MAPS_FIRST = 0x10;
export const ARM64_MAX_MAPS = 16;

export const ARM64_MAP_SIZE = 0x20;
/** u64: physical address of the first byte. */
export const ARM64_MAP_GPA = 0x00;
/** u32: bytes; 0: the entry is free. Written last. */
export const ARM64_MAP_LENGTH = 0x08;
/** u32: address of the memory. */
export const ARM64_MAP_AT = 0x0c;
/** u32: 1 while stores ring the doorbell. */
export const ARM64_MAP_RINGS = 0x10;
/** u32: first argument of the doorbell. */
export const ARM64_MAP_DOORBELL = 0x14;

/** Bytes of a page that can back registers. */
export const ARM64_DIRECT_PAGE_SIZE = 0x10000;
