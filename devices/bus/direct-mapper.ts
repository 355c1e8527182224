// SPDX-License-Identifier: MIT
// Direct maps that a bus grants, by guest physical address.

import type { DirectMap } from '../plugin/index.ts';

/** A range to be backed by guest memory. */
export interface DirectRange {
  readonly gpa: number;
  /** Bytes. */
  readonly length: number;
  /**
   * First argument of the guest's doorbell import for stores to the range; undefined: no
   * doorbell.
   */
  readonly doorbell: number | undefined;
}

/** Backs ranges of device registers with guest memory. */
export interface DirectMapper {
  /** Undefined when it has no page left; the accesses then trap. */
  map(range: DirectRange): DirectMap | undefined;
}
