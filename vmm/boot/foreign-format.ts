// SPDX-License-Identifier: MIT
// Files that somebody may give in place of an arm64 kernel, by what they contain at fixed
// offsets. As a flat binary they would run into an exception at once.

/** One of the formats: what the file is, and what to do. */
interface ForeignFormat {
  readonly offset: number;
  /** Text, one byte each. */
  readonly magic: string;
  readonly is: string;
}

const packedBy = (name: string) => `packed by ${name}: unpack it, or take one packed by gzip`;

const FORMATS: readonly ForeignFormat[] = [
  {
    offset: 0,
    magic: '\0asm',
    is: 'a WebAssembly module: a guest of the standard board, not of an arm64 machine',
  },
  { offset: 0, magic: '\xfd7zXZ\0', is: packedBy('xz') },
  { offset: 0, magic: '\x28\xb5\x2f\xfd', is: packedBy('zstd') },
  // "BZh", a digit, then the magic of the first block.
  { offset: 4, magic: '1AY&SY', is: packedBy('bzip2') },
  { offset: 0, magic: '\x04\x22\x4d\x18', is: packedBy('lz4') },
  { offset: 0, magic: '\x02\x21\x4c\x18', is: packedBy('lz4') },
  { offset: 0, magic: '\x89LZO\0', is: packedBy('lzop') },
  { offset: 0x202, magic: 'HdrS', is: 'for x86 (a bzImage)' },
  { offset: 0x24, magic: '\x18\x28\x6f\x01', is: 'for 32-bit Arm (a zImage)' },
  { offset: 0x38, magic: 'RSC\x05', is: 'for RISC-V' },
  { offset: 0x30, magic: 'RISCV\0', is: 'for RISC-V' },
  {
    offset: 0,
    magic: '\x27\x05\x19\x56',
    is: 'a uImage for U-Boot: take the Image that it was made of',
  },
  {
    offset: 0,
    magic: '\xd0\x0d\xfe\xed',
    is: 'a device tree or a FIT image: take the Image in it',
  },
  { offset: 0, magic: '070701', is: 'an initial RAM disk' },
  { offset: 0, magic: '070702', is: 'an initial RAM disk' },
  { offset: 0, magic: '!<arch>\n', is: 'a package or a library: unpack it' },
  { offset: 257, magic: 'ustar', is: 'a tar archive: unpack it' },
  { offset: 0, magic: 'PK\x03\x04', is: 'a ZIP archive: unpack it' },
  { offset: 0, magic: '\xed\xab\xee\xdb', is: 'an RPM package: unpack it' },
  { offset: 0, magic: 'hsqs', is: 'a file system' },
  { offset: 0, magic: 'QFI\xfb', is: 'a disk image' },
];

const LZMA_HEADER_SIZE = 13;
/** Larger than what is packed in any kernel. */
const MOST_PACKED = 2n ** 32n;

function isAt(bytes: Uint8Array, { offset, magic }: ForeignFormat): boolean {
  for (let i = 0; i < magic.length; i++)
    if (bytes[offset + i] !== magic.charCodeAt(i)) return false;
  return true;
}

/**
 * The properties that all encoders use, a dictionary of 2^n or 3 * 2^n bytes, and the
 * size of what is packed, or -1. No magic: the branch over a header of 0x174 bytes begins
 * like the properties and a dictionary.
 */
function isLzma(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x5d || bytes.length < LZMA_HEADER_SIZE) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const dictionary = view.getUint32(1, true);
  const highest = 2 ** (31 - Math.clz32(dictionary));
  const isWhole = dictionary === highest || dictionary === 1.5 * highest;
  const size = view.getBigInt64(5, true);
  return dictionary >= 0x1000 && isWhole && size >= -1n && size <= MOST_PACKED;
}

/** The superblock of ext2 to ext4: its magic, a state, and what is done about errors. */
function isExt(bytes: Uint8Array): boolean {
  if (!isAt(bytes, { offset: 0x438, magic: '\x53\xef', is: '' })) return false;
  const [state = 0, , errors = 0] = bytes.subarray(0x43a, 0x43d);
  return state <= 7 && errors >= 1 && errors <= 3;
}

/**
 * A PE file, such as an EFI application, whose header is at the offset in its first one.
 */
function isPe(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a || bytes.length < 64) return false;
  const at = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0x3c, true);
  return isAt(bytes, { offset: at, magic: 'PE\0\0', is: '' });
}

/** What a file is if it is in such a format, after "the kernel is"; undefined if not. */
export function foreignFormat(bytes: Uint8Array): string | undefined {
  const format = FORMATS.find((one) => isAt(bytes, one));
  if (format) return format.is;
  if (isLzma(bytes)) return packedBy('lzma');
  if (isExt(bytes)) return 'a file system';
  return isPe(bytes) ? 'an EFI application, but not an arm64 Image' : undefined;
}
