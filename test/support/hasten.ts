// SPDX-License-Identifier: MIT
// Time that passes faster: for waits that end after a time.

import { vi } from 'vitest';

/** Has the clock gain this much at each look, until mocks are restored. */
export function hasten(ms: number): void {
  let now = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += ms;
    return now;
  });
}
