// SPDX-License-Identifier: MIT
// Loads a kernel file of any format that a machine boots.

import { isArm64Image, loadArm64Image } from './arm64-image.ts';
import { isElf, loadElf } from './elf-image.ts';
import { foreignFormat } from './foreign-format.ts';
import { gunzip, gunzipHead, isGzip } from './gunzip.ts';
import { KernelImageError } from './kernel-image-error.ts';
import type { LoadedKernel, RamRange } from './loadable.ts';

/**
 * A file may be packed inside another packed file; with more layers it is not a kernel.
 */
const MAX_UNPACKING = 2;

/** Offset of a flat binary from the base of RAM, as in `qemu-system-aarch64 -M virt`. */
const FLAT_OFFSET = 0x80000;

/**
 * "MZ\0\0zimg": an EFI application that contains a packed kernel
 * (drivers/firmware/efi/libstub/zboot-header.S).
 */
const ZBOOT = [0x4d, 0x5a, 0x00, 0x00, 0x7a, 0x69, 0x6d, 0x67];
const ZBOOT_HEADER_SIZE = 56;
const ZBOOT_AT_OFFSET = 8;
const ZBOOT_AT_SIZE = 12;
const ZBOOT_AT_COMPRESSION = 24;

function isZboot(bytes: Uint8Array): boolean {
  return bytes.length >= ZBOOT_HEADER_SIZE && ZBOOT.every((byte, i) => bytes[i] === byte);
}

/** The packed kernel in an EFI zboot file. */
function zbootPayload(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const name = bytes.subarray(ZBOOT_AT_COMPRESSION, ZBOOT_HEADER_SIZE);
  const end = name.indexOf(0);
  const compression = new TextDecoder().decode(name.slice(0, end < 0 ? name.length : end));
  if (compression !== 'gzip') {
    throw new KernelImageError(
      'unsupported',
      `the kernel is packed by ${JSON.stringify(compression)}: unpack it, or take one packed by gzip`,
    );
  }
  const offset = view.getUint32(ZBOOT_AT_OFFSET, true);
  const size = view.getUint32(ZBOOT_AT_SIZE, true);
  if (offset + size > bytes.length)
    throw new KernelImageError('damaged', "the kernel's file ends within its packed part");
  return bytes.subarray(offset, offset + size);
}

/** The file after removing all packing; `unpack` removes that of one gzip file. */
async function unpacked(
  bytes: Uint8Array<ArrayBuffer>,
  unpack: (packed: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  let inner = bytes;
  for (let i = 0; i < MAX_UNPACKING; i++) {
    const packed = isZboot(inner) ? zbootPayload(inner) : inner;
    if (!isGzip(packed)) {
      if (packed === inner) return inner;
      throw new KernelImageError('damaged', "the kernel's packed part is not a gzip file");
    }
    inner = await unpack(packed);
  }
  if (isGzip(inner) || isZboot(inner))
    throw new KernelImageError('unsupported', 'the kernel is packed more than twice');
  return inner;
}

/**
 * True when a file is in one of the kernel formats. A flat binary is in none, so it is
 * not.
 */
export function looksLikeKernel(bytes: Uint8Array): boolean {
  return isArm64Image(bytes) || isElf(bytes) || isGzip(bytes) || isZboot(bytes);
}

/**
 * Of a packed file, this many bytes of each layer are unpacked to recognize the format.
 */
const FORMAT_BYTES = 4096;

/**
 * True when a file, after removing all packing, is in no format that names itself: it may
 * be a flat binary, but not a Linux kernel. False also if it cannot be unpacked. Only the
 * first 4 KiB after each unpacking are read: it cannot see that a kernel is damaged, or
 * incomplete, or of another operating system.
 */
export async function hasNoFormat(file: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    const head = await unpacked(file, (packed) => gunzipHead(packed, FORMAT_BYTES));
    const isKernel = isArm64Image(head) || isElf(head);
    return head.length > 0 && !isKernel && foreignFormat(head) === undefined;
  } catch (error) {
    if (error instanceof KernelImageError) return false;
    throw error;
  }
}

/** Of a longer file only the beginning is checked. */
const TEXT_BYTES = 4096;

/**
 * True when a file is text, which instructions are not: such as a page or a note in place
 * of a kernel.
 */
function isText(bytes: Uint8Array): boolean {
  const isCharacter = (byte: number) =>
    (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d);
  return bytes.length > 0 && bytes.subarray(0, TEXT_BYTES).every(isCharacter);
}

/** The size of an instruction. */
const LEAST_FLAT = 4;

function loadFlat(bytes: Uint8Array<ArrayBuffer>, ram: RamRange): LoadedKernel {
  if (bytes.length === 0) throw new KernelImageError('damaged', "the kernel's file is empty");
  if (bytes.length < LEAST_FLAT)
    throw new KernelImageError(
      'damaged',
      `the kernel's file has ${bytes.length} bytes: no instruction`,
    );
  if (FLAT_OFFSET + bytes.length > ram.size) {
    throw new KernelImageError(
      'too-large',
      `the kernel needs ${FLAT_OFFSET + bytes.length} bytes of memory: the machine has ${ram.size}`,
    );
  }
  const entry = ram.base + FLAT_OFFSET;
  return { format: 'flat', entry, segments: [{ gpa: entry, bytes }], end: entry + bytes.length };
}

/**
 * Places a kernel in RAM: an Image, an ELF executable, or a flat binary, plain, gzipped,
 * or in an EFI zboot file with gzip. A file that is in no other format, not even in a
 * foreign one, and is not text, is a flat binary.
 * @param ram its base is a multiple of `IMAGE_ALIGNMENT`. Nothing larger is ever
 *   unpacked.
 * @throws {KernelImageError} when it cannot be booted.
 */
export async function loadKernel(
  file: Uint8Array<ArrayBuffer>,
  ram: RamRange,
): Promise<LoadedKernel> {
  const bytes = await unpacked(file, (packed) => gunzip(packed, ram.size));
  if (isArm64Image(bytes)) return loadArm64Image(bytes, ram);
  if (isElf(bytes)) return loadElf(bytes, ram);
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) throw new KernelImageError('unsupported', `the kernel is ${foreign}`);
  if (isText(bytes)) {
    throw new KernelImageError(
      'unsupported',
      'the kernel is text: it must be an arm64 Image, an ELF executable or a flat binary, packed by gzip or not',
    );
  }
  return loadFlat(bytes, ram);
}
