// SPDX-License-Identifier: MIT
// A faster clock: for waits that end after a time.

import { vi } from 'vitest';

/** Advances the clock by this much at each read, until mocks are restored. */
export function hasten(ms: number): void {
  let now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += ms;
    return now;
  });
}
