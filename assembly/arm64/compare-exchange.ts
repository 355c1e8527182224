// Atomic loads and compare-and-swap by size, at an aligned host address.

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
 * Replaces a value of 1, 2, 4 or 8 bytes that is `expected`; returns what was there.
 * Upper bits of both do not matter.
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

/**
 * Replaces 16 bytes that are as expected. WebAssembly has no operation of this width: the
 * halves are compared and stored one after the other, which is exact as long as the vCPUs
 * of a machine run on one thread.
 */
export function swapPair(
  at: usize,
  expectedLow: u64,
  expectedHigh: u64,
  low: u64,
  high: u64,
): bool {
  if (load<u64>(at) != expectedLow || load<u64>(at, 8) != expectedHigh) return false;
  store<u64>(at, low);
  store<u64>(at, high, 8);
  return true;
}
