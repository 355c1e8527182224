import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';
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

/** What all projects have in common. */
const common: InlineConfig = {
  pool: 'forks',
  setupFiles: ['./test/support/expect-fresh-build.ts', './test/support/expect-no-findings.ts'],
};

/** No test imports AssemblyScript, and yet an edit of it may change what every test sees. */
const assemblyScript = ['assembly', 'guest-driver'].map((folder) =>
  fileURLToPath(new URL(`./${folder}/**/*.ts`, import.meta.url)),
);

// Two workers: most machines that run this have two cores. Tests that measure time, and those that keep all cores busy, run afterwards
// and one by one.
export default defineConfig({
  test: {
    globalSetup: './test/support/fresh-build.ts',
    forceRerunTriggers: [...configDefaults.forceRerunTriggers, ...assemblyScript],
    reporters: ['default', new SummaryReporter()],
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/timing/**', ...THREADED, ...BROWSER],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'timing',
          include: ['test/timing/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'stress',
          include: THREADED,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...common,
          name: 'browser',
          include: chromium ? BROWSER : [],
          globalSetup: ['./test/support/fresh-build.ts', './test/browser/build-site.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
