// SPDX-License-Identifier: MIT
// Operations that are too long for the interpreter's loops.

/** Bits 127 to 64 of a product. */
export function unsignedHigh(x: u64, y: u64): u64 {
  const xl = x & 0xffffffff;
  const xh = x >> 32;
  const yl = y & 0xffffffff;
  const yh = y >> 32;
  const middle = xh * yl + ((xl * yl) >> 32);
  return xh * yh + (middle >> 32) + (((middle & 0xffffffff) + xl * yh) >> 32);
}

export function signedHigh(x: u64, y: u64): u64 {
  return unsignedHigh(x, y) - (i64(x) < 0 ? y : 0) - (i64(y) < 0 ? x : 0);
}

/** CRC of the lowest `bytes` bytes of a value, by a table of 256 words. */
export function crc(table: usize, start: u32, value: u64, bytes: i32): u32 {
  let sum = start;
  for (let i = 0; i < bytes; i++) {
    sum = (sum >> 8) ^ load<u32>(table + (((sum ^ u32(value)) & 0xff) << 2));
    value >>= 8;
  }
  return sum;
}

/** Fills a table for `crc`: polynomial with its bits reversed. */
export function fillCrcTable(table: usize, polynomial: u32): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
    store<u32>(table + (byte << 2), sum);
  }
}
