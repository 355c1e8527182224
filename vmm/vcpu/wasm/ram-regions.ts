// Where the RAM of a Wasm guest lies.

import { ABI_AREA_SIZE } from '../../../assembly/layout/guest-abi.ts';
import type { MemoryRegion } from '../../../assembly/load.ts';

/** The RAM of a Wasm guest: its memory above the ABI area, at `gpaBase` plus the memory offset. */
export function ramRegions(memory: WebAssembly.Memory, gpaBase: number): readonly MemoryRegion[] {
  return [
    {
      gpa: gpaBase + ABI_AREA_SIZE,
      offset: ABI_AREA_SIZE,
      size: memory.buffer.byteLength - ABI_AREA_SIZE,
    },
  ];
}
