// SPDX-License-Identifier: MIT
// Where initrd and device tree go beside a kernel.

import { MAX_DEVICE_TREE_SIZE } from './device-tree.ts';
import { KernelImageError } from './kernel-image-error.ts';
import type { LoadedKernel, RamRange } from './loadable.ts';

const PAGE = 0x1000;
const DEVICE_TREE_ALIGNMENT = 0x200000;
/** As far into RAM as initrd and device tree go when the kernel leaves the choice. */
const PREFERRED_OFFSET = 0x8000000;

/** Where what a kernel is given lies. */
export interface BootPlacement {
  /** Undefined without an initrd. `end` is the gpa behind its last byte. */
  readonly initrd: { readonly gpa: number; readonly end: number } | undefined;
  /** gpa of the device tree; `MAX_DEVICE_TREE_SIZE` bytes from here on are free. */
  readonly deviceTree: number;
}

const alignUp = (value: number, alignment: number) => Math.ceil(value / alignment) * alignment;

/**
 * Finds places for initrd and device tree, in the middle of RAM but 128 MiB from its base at most: a
 * flat binary does not say how much memory behind its bytes it uses (kvm-unit-tests' has its stack
 * there).
 * @param initrdSize bytes; 0: none.
 * @throws {KernelImageError} when RAM has no room for them.
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
