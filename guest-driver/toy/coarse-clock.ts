// SPDX-License-Identifier: MIT
// Clocks that tick in coarse steps, as browsers have them: 5 us in an isolated page, 100 us in others.
// The argument clock=NS says so. A sample is then repeated until it lasts for many ticks.

import { toy } from './toy-state';

/** Ticks that a sample lasts at least: its error is then below 5 %. */
const TICKS: f64 = 20;
/** Longer than this no sample gets, however coarse the clock is. */
const MOST_NS: f64 = 2000000;

/** Nanoseconds that a sample lasts at least; 0 where the clock is fine. */
export function sampleNs(): f64 {
  return min<f64>(<f64>toy().clockNs * TICKS, MOST_NS);
}
