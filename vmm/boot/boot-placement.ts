// SPDX-License-Identifier: MIT
// Placement of initrd and device tree.

import { MAX_DEVICE_TREE_SIZE } from './device-tree.ts';
import { KernelImageError } from './kernel-image-error.ts';
import type { LoadedKernel, RamRange } from './loadable.ts';

const PAGE = 0x1000;
const DEVICE_TREE_ALIGNMENT = 0x200000;
/** Maximum offset in RAM of initrd and device tree, if the kernel leaves the choice. */
const PREFERRED_OFFSET = 0x8000000;

/** Places of a kernel's boot files. */
export interface BootPlacement {
  /** Undefined without an initrd. `end` is the gpa after its last byte. */
  readonly initrd: { readonly gpa: number; readonly end: number } | undefined;
  /** gpa of the device tree, followed by `MAX_DEVICE_TREE_SIZE` free bytes. */
  readonly deviceTree: number;
}

const alignUp = (value: number, alignment: number) => Math.ceil(value / alignment) * alignment;

/**
 * Finds places for initrd and device tree, in the middle of RAM but at most 128 MiB from
 * its base: a flat binary does not state how much memory it uses after its bytes
 * (kvm-unit-tests' has its stack there).
 * @param initrdSize bytes; 0 for none.
 * @throws {KernelImageError} when they do not fit in RAM.
 */
export function placeBootFiles(
  ram: RamRange,
  kernel: Pick<LoadedKernel, 'end'>,
  initrdSize: number,
): BootPlacement {
  const ramEnd = ram.base + ram.size;
  const preferred = ram.base + Math.min(Math.floor(ram.size / 2), PREFERRED_OFFSET);
  const initrd = alignUp(Math.max(kernel.end, preferred), PAGE);
  const deviceTree = alignUp(initrd + initrdSize, DEVICE_TREE_ALIGNMENT);
  const fits = (end: number) =>
    alignUp(end, DEVICE_TREE_ALIGNMENT) + MAX_DEVICE_TREE_SIZE <= ramEnd;
  if (!fits(initrd + initrdSize)) {
    const needed = deviceTree + MAX_DEVICE_TREE_SIZE - ram.base;
    throw new KernelImageError(
      'too-large',
      `kernel, initrd and device tree need ${needed} bytes of memory: the machine has ${ram.size}`,
      { file: fits(initrd) ? 'initrd' : 'kernel' },
    );
  }
  return {
    initrd: initrdSize === 0 ? undefined : { gpa: initrd, end: initrd + initrdSize },
    deviceTree,
  };
}
