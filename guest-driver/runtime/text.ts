// SPDX-License-Identifier: MIT
// Text without a heap: ASCII bytes appended to one line buffer. String literals are
// static data, so no call allocates.

/** Longest line in bytes; longer lines are truncated. */
export const TEXT_CAPACITY: usize = 1024;

const BUFFER: usize = memory.data(1024, 8);
const LENGTH: usize = memory.data(8, 8);

/** Memory offset of the line buffer. */
export function textStart(): usize {
  return BUFFER;
}

/** Bytes in the line buffer. */
export function textLength(): usize {
  return load<usize>(LENGTH);
}

/** Truncates the buffer to a length that `textLength` returned. */
export function truncateText(length: usize): void {
  store<usize>(LENGTH, length);
}

/** Appends one byte. */
export function putByte(byte: u32): void {
  const length = load<usize>(LENGTH);
  if (length >= TEXT_CAPACITY) return;
  store<u8>(BUFFER + length, <u8>byte);
  store<usize>(LENGTH, length + 1);
}

/** Appends an ASCII string. */
export function put(text: string): void {
  const characters = changetype<usize>(text);
  const length = text.length;
  for (let i = 0; i < length; i++) putByte(load<u16>(characters + ((<usize>i) << 1)));
}

/** Appends a number in decimal. */
export function putDecimal(value: u64): void {
  let divisor: u64 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor != 0; divisor /= 10) putByte(48 + <u32>((value / divisor) % 10));
}

/** Appends a decimal right-aligned in `width` columns. */
export function putDecimalIn(value: u64, width: u32): void {
  let digits: u32 = 1;
  for (let rest = value / 10; rest != 0; rest /= 10) digits++;
  for (; digits < width; digits++) putByte(32);
  putDecimal(value);
}

/** Appends 0x and a number in hexadecimal, without leading zeros. */
export function putHex(value: u64): void {
  put('0x');
  let shift: u64 = 60;
  while (shift != 0 && value >> shift == 0) shift -= 4;
  while (true) {
    const digit = <u32>((value >> shift) & 0xf);
    putByte(digit < 10 ? 48 + digit : 87 + digit);
    if (shift == 0) return;
    shift -= 4;
  }
}

/** Appends bytes at a memory offset. */
export function putBytes(start: usize, length: usize): void {
  for (let i: usize = 0; i < length; i++) putByte(load<u8>(start + i));
}
