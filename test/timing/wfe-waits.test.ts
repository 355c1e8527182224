// SPDX-License-Identifier: MIT
// How long the thread of a vCPU runs, which waits by WFE, until it sees that a lock has been released: not how much
// time passes, which depends on what else the computer does.

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
