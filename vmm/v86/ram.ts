// SPDX-License-Identifier: MIT
// v86's RAM as guest memory: gpa = offset in RAM, without the hole for display memory.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { V86Cpu } from './emulator.ts';

/** End of conventional memory, and start of extended memory (PC memory map). */
const HOLE = 0xa0000;
const HOLE_END = 0x100000;

/** RAM of the emulator in its WebAssembly memory. */
export function v86Regions({ mem8 }: V86Cpu): readonly MemoryRegion[] {
  const at = mem8.byteOffset;
  return [
    { gpa: 0, offset: at, size: HOLE },
    { gpa: HOLE_END, offset: at + HOLE_END, size: mem8.length - HOLE_END },
  ].filter(({ size }) => size > 0);
}
