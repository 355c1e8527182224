// SPDX-License-Identifier: MIT
// ELF executables (System V ABI, chapters 4 and 5): a vmlinux, or a program linked for
// the machine.

import { IMAGE_ALIGNMENT } from './arm64-image.ts';
import { KernelImageError } from './kernel-image-error.ts';
import type { LoadedKernel, LoadedSegment, RamRange } from './loadable.ts';

const HEADER_SIZE = 64;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
/** A relocatable vmlinux, which relocates itself. */
const ET_DYN = 3;
const EM_AARCH64 = 183;
const PROGRAM_HEADER_SIZE = 56;
const PT_LOAD = 1;
/** More than any linker creates for a kernel. */
const MAX_PROGRAM_HEADERS = 64;

/** The start of kernel virtual addresses (TTBR1). */
const KERNEL_ADDRESSES = 0xffff_0000_0000_0000n;
const TOP = 2n ** 64n;

interface Segment {
  readonly offset: bigint;
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
}

/** True when a file is an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

const damaged = (what: string) =>
  new KernelImageError('damaged', `the kernel is a damaged ELF file: ${what}`);

function checkHeader(bytes: Uint8Array<ArrayBuffer>, view: DataView): void {
  if (bytes.length < HEADER_SIZE) throw damaged('it ends within its header');
  const type = view.getUint16(16, true);
  if (
    bytes[4] !== ELFCLASS64 ||
    bytes[5] !== ELFDATA2LSB ||
    view.getUint16(18, true) !== EM_AARCH64
  )
    throw new KernelImageError('unsupported', 'the kernel is an ELF file, but not for arm64');
  if (type !== ET_EXEC && type !== ET_DYN)
    throw new KernelImageError('unsupported', 'the kernel is an ELF file, but not an executable');
}

/** The segments to load, checked to be within the file and the address space. */
function segmentsOf(bytes: Uint8Array<ArrayBuffer>, view: DataView): readonly Segment[] {
  const table = view.getBigUint64(32, true);
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (size !== PROGRAM_HEADER_SIZE) throw damaged(`its program headers have ${size} bytes`);
  if (count > MAX_PROGRAM_HEADERS) throw damaged(`it has ${count} program headers`);
  if (table + BigInt(count * size) > BigInt(bytes.length))
    throw damaged('it ends before its program headers');
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const at = Number(table) + i * size;
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const word = (offset: number) => view.getBigUint64(at + offset, true);
    const segment = {
      offset: word(8),
      virtual: word(16),
      physical: word(24),
      fileSize: word(32),
      memorySize: word(40),
    };
    if (segment.memorySize === 0n) continue;
    if (segment.offset + segment.fileSize > BigInt(bytes.length))
      throw damaged(`segment ${i} reaches beyond the file`);
    if (segment.fileSize > segment.memorySize)
      throw damaged(`segment ${i} has more bytes in the file than in memory`);
    if (segment.physical + segment.memorySize > TOP || segment.virtual + segment.memorySize > TOP)
      throw damaged(`segment ${i} reaches beyond the address space`);
    segments.push(segment);
  }
  if (segments.length === 0) throw damaged('it has nothing to load');
  return segments;
}

/**
 * Offset to add to a segment's physical address. A vmlinux is linked with virtual
 * addresses as physical ones; it runs at any base, where its Image would be loaded.
 */
function displacement(segments: readonly Segment[], ram: RamRange): bigint {
  const lowest = segments.reduce((low, { physical }) => (physical < low ? physical : low), TOP);
  if (lowest < KERNEL_ADDRESSES) return 0n;
  return BigInt(ram.base) - (lowest - (lowest % BigInt(IMAGE_ALIGNMENT)));
}

/** The physical address of the entry point, which a file states as a virtual address. */
function entryOf(view: DataView, segments: readonly Segment[]): bigint {
  const entry = view.getBigUint64(24, true);
  const home = segments.find(
    ({ virtual, memorySize }) => entry >= virtual && entry < virtual + memorySize,
  );
  if (!home) throw damaged('its entry point lies in no segment');
  return entry - home.virtual + home.physical;
}

/**
 * Places an ELF executable in RAM, by the physical addresses of its segments.
 * @param ram its base is a multiple of `IMAGE_ALIGNMENT`.
 * @throws {KernelImageError} when it is not for arm64, is damaged, or is not within RAM.
 */
export function loadElf(bytes: Uint8Array<ArrayBuffer>, ram: RamRange): LoadedKernel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  checkHeader(bytes, view);
  const found = segmentsOf(bytes, view);
  const moved = displacement(found, ram);
  const ramEnd = BigInt(ram.base + ram.size);
  const segments: LoadedSegment[] = [];
  let end = BigInt(ram.base);
  for (const { offset, physical, fileSize, memorySize } of found) {
    const from = physical + moved;
    const to = from + memorySize;
    if (from < BigInt(ram.base) || to > ramEnd) {
      throw new KernelImageError(
        'too-large',
        `the kernel's segment at 0x${from.toString(16)} to 0x${to.toString(16)} lies outside of ` +
          `RAM, 0x${ram.base.toString(16)} to 0x${ramEnd.toString(16)}`,
      );
    }
    if (to > end) end = to;
    const start = Number(offset);
    segments.push({
      gpa: Number(from),
      bytes: bytes.subarray(start, start + Number(fileSize)),
    });
  }
  const entry = Number(entryOf(view, found) + moved);
  return { format: 'elf', entry, segments, end: Number(end) };
}
