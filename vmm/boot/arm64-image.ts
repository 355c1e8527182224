// SPDX-License-Identifier: MIT
// The Image format of an arm64 kernel (Linux: Documentation/arch/arm64/booting.rst,
// section 4). All of its header is little-endian.

import { KernelImageError } from './kernel-image-error.ts';
import type { LoadedKernel, RamRange } from './loadable.ts';

const AT_TEXT_OFFSET = 8;
const AT_IMAGE_SIZE = 16;
const AT_FLAGS = 24;
const AT_MAGIC = 56;
const HEADER_SIZE = 64;
/** "ARM\x64". */
const MAGIC = 0x644d5241;
const FLAG_BIG_ENDIAN = 1n;
/** Before Linux 3.17 an Image had no size, and this text offset. */
const OLD_TEXT_OFFSET = 0x80000n;

/** Alignment of the base from which an Image's text offset counts. */
export const IMAGE_ALIGNMENT = 0x200000;

/** True when a file is an Image. */
export function isArm64Image(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_SIZE) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(AT_MAGIC, true) === MAGIC;
}

/**
 * Places an Image in RAM.
 * @param ram its base is a multiple of `IMAGE_ALIGNMENT`.
 * @throws {KernelImageError} when it is big-endian, damaged, or larger than RAM.
 */
export function loadArm64Image(bytes: Uint8Array<ArrayBuffer>, ram: RamRange): LoadedKernel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if ((view.getBigUint64(AT_FLAGS, true) & FLAG_BIG_ENDIAN) !== 0n)
    throw new KernelImageError('unsupported', 'the kernel is big-endian');
  const size = view.getBigUint64(AT_IMAGE_SIZE, true);
  const offset = size === 0n ? OLD_TEXT_OFFSET : view.getBigUint64(AT_TEXT_OFFSET, true);
  if (offset >= BigInt(IMAGE_ALIGNMENT)) {
    throw new KernelImageError(
      'damaged',
      `the kernel's text offset is 0x${offset.toString(16)}, not below 2 MiB`,
    );
  }
  // The file may be longer than its header says: a signature may follow.
  const needed = offset + (size > BigInt(bytes.length) ? size : BigInt(bytes.length));
  if (needed > BigInt(ram.size)) {
    throw new KernelImageError(
      'too-large',
      `the kernel needs ${needed} bytes of memory: the machine has ${ram.size}`,
    );
  }
  const entry = ram.base + Number(offset);
  return {
    format: 'image',
    entry,
    segments: [{ gpa: entry, bytes }],
    end: ram.base + Number(needed),
  };
}
