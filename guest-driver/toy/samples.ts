// SPDX-License-Identifier: MIT
// Samples of one measurement, and their percentiles.

/** Sorts 64-bit floats in place, ascending (Shell's method: no stack, no memory). */
export function sortSamples(samples: usize, count: u32): void {
  for (let gap = count >> 1; gap != 0; gap >>= 1) {
    for (let i = gap; i < count; i++) {
      const value = load<f64>(samples + (i << 3));
      let at = i;
      while (at >= gap && load<f64>(samples + ((at - gap) << 3)) > value) {
        store<f64>(samples + (at << 3), load<f64>(samples + ((at - gap) << 3)));
        at -= gap;
      }
      store<f64>(samples + (at << 3), value);
    }
  }
}

/**
 * The smallest sample that is not less than `percent` per cent of the samples, rounded to
 * an integer; the samples are sorted.
 */
export function percentile(samples: usize, count: u32, percent: u32): u32 {
  const rank = (count * percent + 99) / 100;
  return <u32>Math.round(load<f64>(samples + ((max<u32>(rank, 1) - 1) << 3)));
}
