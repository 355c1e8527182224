import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';
import { findChromium } from './test/support/browser.ts';
import { debugModules } from './test/support/debug-modules.ts';
import { SummaryReporter } from './test/support/summary-reporter.ts';

const TIMED = ['test/timing/**/*.test.ts'];

/** Tests that keep several threads busy at once. */
const THREADED = [
  'test/stress/**/*.test.ts',
  'test/vmm/threads/**/*.test.ts',
  'test/api/machine.test.ts',
  'test/package/**/*.test.ts',
];

/** Files that take over a second: `npm run test:fast` leaves them out. Names say which, so that no list grows old. */
const SLOW = ['**/*.slow.test.ts'];

const BROWSER = ['test/browser/**/*.test.ts'];
const chromium = findChromium() !== undefined;
if (!chromium)
  console.log(
    'Left out: test/browser, the demo in a browser. It takes Chromium: apt-get install ' +
      'chromium, or CHROMIUM=/path/to/it.',
  );

const SETUP = ['./test/support/expect-fresh-build.ts', './test/support/expect-no-findings.ts'];
/** What all projects have in common. */
const common: InlineConfig = { pool: 'forks', setupFiles: SETUP };

/** No test imports AssemblyScript, and yet an edit of it may change what every test sees. */
const assemblyScript = ['assembly', 'guest-driver'].map((folder) =>
  fileURLToPath(new URL(`./${folder}/**/*.ts`, import.meta.url)),
);

/** Files share their processes, and with that what they have loaded. */
const FAST: InlineConfig = {
  isolate: false,
  setupFiles: [...SETUP, './test/support/expect-fast.ts'],
};

/** Everything that is in no other project. `npm run test:fast` is the mode `fast`. */
const unit = (mode: string): InlineConfig => ({
  ...common,
  name: 'unit',
  include: ['test/**/*.test.ts'],
  exclude: [...TIMED, ...THREADED, ...BROWSER, ...(mode === 'fast' ? SLOW : [])],
  testTimeout: 30_000,
  hookTimeout: 30_000,
  ...(mode === 'fast' ? FAST : {}),
  sequence: { groupOrder: 0 },
});

// Two workers: most machines that run this have two cores. Tests that measure time, and
// those that keep all cores busy, run afterwards and one by one.
export default defineConfig(({ mode }) => ({
  test: {
    globalSetup: './test/support/fresh-build.ts',
    forceRerunTriggers: [...configDefaults.forceRerunTriggers, ...assemblyScript],
    reporters: ['default', new SummaryReporter()],
    maxWorkers: 2,
    projects: [
      { plugins: [debugModules], test: unit(mode) },
      {
        plugins: [debugModules],
        test: {
          ...common,
          name: 'timing',
          include: TIMED,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [debugModules],
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
        plugins: [debugModules],
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
}));
