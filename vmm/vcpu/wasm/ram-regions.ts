// SPDX-License-Identifier: MIT
// The RAM of a Wasm guest.

import { ABI_AREA_SIZE } from '../../../assembly/layout/guest-abi.ts';
import type { MemoryRegion } from '../../../assembly/load.ts';

/** Guest physical addresses have 32 bits on every board (docs/limits.md). */
const GPA_LIMIT = 2 ** 32;
const MIB = 2 ** 20;

/**
 * The RAM of a Wasm guest: its memory above the ABI area, at `gpaBase` plus the memory
 * offset.
 * @throws {RangeError} when it does not end below 4 GiB.
 */
export function ramRegions(memory: WebAssembly.Memory, gpaBase: number): readonly MemoryRegion[] {
  const { byteLength } = memory.buffer;
  if (gpaBase + byteLength > GPA_LIMIT) {
    throw new RangeError(
      `${byteLength / MIB} MiB of memory at 0x${gpaBase.toString(16)} end above 4 GiB: there ` +
        `is room for ${(GPA_LIMIT - gpaBase) / MIB} MiB`,
    );
  }
  return [
    {
      gpa: gpaBase + ABI_AREA_SIZE,
      offset: ABI_AREA_SIZE,
      size: byteLength - ABI_AREA_SIZE,
    },
  ];
}
