// SPDX-License-Identifier: MIT
// Direct maps as a bus grants them: by guest physical address.

import type { DirectMap } from '../plugin/index.ts';

/** A range to back with guest memory. */
export interface DirectRange {
  readonly gpa: number;
  /** Bytes. */
  readonly length: number;
  /** First argument of the guest's doorbell import for stores to the range; undefined for none. */
  readonly doorbell: number | undefined;
}

/** Backs ranges of device registers with guest memory. */
export interface DirectMapper {
  /** Undefined when it has no page left; the accesses then trap. */
  map(range: DirectRange): DirectMap | undefined;
}
