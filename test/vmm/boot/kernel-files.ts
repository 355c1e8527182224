// SPDX-License-Identifier: MIT
// Kernel files as literal bytes, for tests that damage them.

/** Bytes at offsets, zeros between them. */
export function bytesAt(
  size: number,
  parts: Readonly<Record<number, readonly number[]>>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (const [offset, part] of Object.entries(parts)) bytes.set(part, Number(offset));
  return bytes;
}

/**
 * An Image of 0x1000 bytes that occupies 0x30000 in memory: 4 KiB pages, anywhere in RAM,
 * "MZ" for its EFI stub. The header of Debian's 7.2, with another size.
 */
export function arm64Image(): Uint8Array<ArrayBuffer> {
  return bytesAt(0x1000, {
    0: [0x4d, 0x5a, 0x40, 0xfa], // code0
    16: [0x00, 0x00, 0x03, 0, 0, 0, 0, 0], // image_size
    24: [0x0a, 0, 0, 0, 0, 0, 0, 0], // flags
    56: [0x41, 0x52, 0x4d, 0x64], // magic
    60: [0x40, 0, 0, 0],
    4092: [0xde, 0xad, 0xbe, 0xef],
  });
}

const le64 = (value: bigint) =>
  Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

interface ElfSegment {
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly offset: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
}

/** An arm64 ELF executable of 0x200 bytes with the given segments; 0xa5 from 0x180 on. */
export function elf(entry: bigint, segments: readonly ElfSegment[]): Uint8Array<ArrayBuffer> {
  const parts: Record<number, readonly number[]> = {
    0: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1],
    16: [2, 0, 183, 0, 1, 0, 0, 0],
    24: le64(entry),
    32: le64(64n),
    52: [64, 0, 56, 0, segments.length, 0],
    384: Array.from({ length: 0x80 }, () => 0xa5),
  };
  segments.forEach(({ virtual, physical, offset, fileSize, memorySize }, i) => {
    const header = [offset, virtual, physical, fileSize, memorySize, 0x1000n];
    parts[64 + 56 * i] = [1, 0, 0, 0, 5, 0, 0, 0, ...header.flatMap(le64)];
  });
  return bytesAt(0x200, parts);
}

/** The file, gzipped. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** An EFI zboot file around a packed kernel. */
export function zboot(
  packed: Uint8Array<ArrayBuffer>,
  compression = 'gzip',
): Uint8Array<ArrayBuffer> {
  const bytes = bytesAt(0x100 + packed.length, {
    0: [0x4d, 0x5a, 0, 0, 0x7a, 0x69, 0x6d, 0x67, 0, 1, 0, 0],
    24: [...new TextEncoder().encode(compression)],
    56: [0x00, 0x50, 0x45, 0x00],
  });
  new DataView(bytes.buffer).setUint32(12, packed.length, true);
  bytes.set(packed, 0x100);
  return bytes;
}
