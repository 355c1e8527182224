// SPDX-License-Identifier: MIT
// Behind each file of `npm run test:fast`: a file that has become slow says so. Processor time, not time: other programs do not count.

import { afterAll, expect } from 'vitest';

/** Several times what the slowest of these files takes. */
const MOST_CPU_SECONDS = 5;

const start = process.cpuUsage();
afterAll(() => {
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6, 'CPU seconds: name the file *.slow.test.ts').toBeLessThan(
    MOST_CPU_SECONDS,
  );
});
