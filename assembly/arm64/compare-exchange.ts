// SPDX-License-Identifier: MIT
// Atomic loads and compare-and-swap by size, at an aligned host address. For 16 bytes see
// pair-swap.ts.

/** Loads 1, 2, 4 or 8 bytes, zero-extended. */
export function atomicLoad(at: usize, bytes: u32): u64 {
  switch (bytes) {
    case 1:
      return u64(atomic.load<u8>(at));
    case 2:
      return u64(atomic.load<u16>(at));
    case 4:
      return u64(atomic.load<u32>(at));
    default:
      return atomic.load<u64>(at);
  }
}

/**
 * Replaces a value of 1, 2, 4 or 8 bytes if it is `expected`; returns the old value. The
 * upper bits of both are ignored.
 */
export function compareExchange(at: usize, bytes: u32, expected: u64, value: u64): u64 {
  switch (bytes) {
    case 1:
      return u64(atomic.cmpxchg<u8>(at, u8(expected), u8(value)));
    case 2:
      return u64(atomic.cmpxchg<u16>(at, u16(expected), u16(value)));
    case 4:
      return u64(atomic.cmpxchg<u32>(at, u32(expected), u32(value)));
    default:
      return atomic.cmpxchg<u64>(at, expected, value);
  }
}
