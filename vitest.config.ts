import { defineConfig } from 'vitest/config';
import { findChromium } from './test/support/browser.ts';
import { SummaryReporter } from './test/support/summary-reporter.ts';

/** Tests that keep several threads busy at once. */
const THREADED = [
  'test/stress/**/*.test.ts',
  'test/vmm/threads/**/*.test.ts',
  'test/api/machine.test.ts',
  'test/package/**/*.test.ts',
];

const BROWSER = ['test/browser/**/*.test.ts'];
const chromium = findChromium() !== undefined;
if (!chromium)
  console.log(
    'Left out: test/browser, the demo in a browser. It takes Chromium: apt-get install chromium, or CHROMIUM=/path/to/it.',
  );

// Two workers: most machines that run this have two cores. Tests that measure time, and those that keep all cores busy, run afterwards
// and one by one.
export default defineConfig({
  test: {
    pool: 'forks',
    setupFiles: ['./test/support/expect-no-findings.ts'],
    reporters: ['default', new SummaryReporter()],
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/timing/**', ...THREADED, ...BROWSER],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'timing',
          include: ['test/timing/**/*.test.ts'],
          testTimeout: 120_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'stress',
          include: THREADED,
          testTimeout: 60_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: chromium ? BROWSER : [],
          globalSetup: 'test/browser/build-site.ts',
          testTimeout: 120_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
