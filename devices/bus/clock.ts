// SPDX-License-Identifier: MIT

/** Where a machine's time comes from. */
export interface Clock {
  /** Nanoseconds since an arbitrary start, monotonic. */
  nowNs(): number;
}

/** Time of the computer that the VMM runs on. */
export const SYSTEM_CLOCK: Clock = {
  nowNs: () => performance.now() * 1e6,
};
