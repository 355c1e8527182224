// SPDX-License-Identifier: MIT
// After each file of `npm run test:fast`: fails when a file has become slow. Processor
// time, not elapsed time: other programs do not count.

import { afterAll, expect } from 'vitest';

/**
 * In November 2026 the slowest of these files took 3.7 on one of two cores of a server: a
 * slower machine must not fail one.
 */
const MOST_CPU_SECONDS = 10;

const start = process.cpuUsage();
afterAll(() => {
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6, 'CPU seconds: name the file *.slow.test.ts').toBeLessThan(
    MOST_CPU_SECONDS,
  );
});
