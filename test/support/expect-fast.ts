// SPDX-License-Identifier: MIT
// After each file of `npm run test:fast`: fails when a file has become slow. Processor
// time, not elapsed time: other programs do not count.

import { afterAll, expect } from 'vitest';

/** Several times that of the slowest of these files. */
const MOST_CPU_SECONDS = 5;

const start = process.cpuUsage();
afterAll(() => {
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6, 'CPU seconds: name the file *.slow.test.ts').toBeLessThan(
    MOST_CPU_SECONDS,
  );
});
