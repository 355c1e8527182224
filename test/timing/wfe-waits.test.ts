// SPDX-License-Identifier: MIT
// How long a vCPU's thread runs, in WFE, until it notices that a lock has been released:
// processor time, not elapsed time, which depends on the computer's other load.

import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { areInTime, lockWaits } from '../../scripts/timed-vcpus.mjs';

it.skipIf(!existsSync('/proc/thread-self/schedstat'))(
  'a waiter sees a release within 2 ms of the running time of its own thread',
  { timeout: 120_000 },
  async () => {
    const waits = await lockWaits(300);
    expect(waits.length).toBeGreaterThan(200);
    expect(areInTime(waits)).toBe(true);
  },
);
