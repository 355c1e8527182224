// SPDX-License-Identifier: MIT
// Clocks that tick in coarse steps, as in browsers: 5 us in an isolated page, 100 us in
// others. The argument clock=NS gives the step. A sample is then repeated until it lasts
// for many ticks.

import { toy } from './toy-state';

/** Minimum length of a sample in ticks: its error is then below 5 %. */
const TICKS: f64 = 20;
/** Maximum length of a sample, regardless of the clock. */
const MOST_NS: f64 = 2000000;

/** Minimum length of a sample in nanoseconds; 0 where the clock is fine. */
export function sampleNs(): f64 {
  return min<f64>(<f64>toy().clockNs * TICKS, MOST_NS);
}
