// SPDX-License-Identifier: MIT

import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import type { InlineConfig } from 'vitest/node';
import { findChromium } from './test/support/browser.ts';
import { DEBUG, debugModules } from './test/support/debug-modules.ts';
import { isKernelBuilt } from './test/support/linux-kernel.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { SummaryReporter } from './test/support/summary-reporter.ts';
import { THOROUGH } from './test/support/thorough.ts';
import thoroughOnly from './test/thorough-only.json' with { type: 'json' };

const TIMED = ['test/timing/**/*.test.ts'];

/** Tests that keep several threads busy at once, or look at how much of a core or how long something takes: one at a time. */
const ALONE = [
  'test/stress/**/*.test.ts',
  'test/vmm/threads/{exit-server,limits,mailbox,side-core,toy}.test.ts',
];

/**
 * How often a test may try again. Those that measure time always may: what else a machine does is no
 * fault of theirs. The others may only where VSMMU_RETRIES says so (.ci/run: once), because a test
 * that fails now and then has found something. test/support/summary-reporter.ts names each that did.
 */
const RETRIES = Number(process.env.VSMMU_RETRIES ?? 0);
const TIMED_RETRIES = Math.max(2, RETRIES);

/**
 * Files that take seconds of CPU, or start other processes: `npm run test:fast` leaves them out. Names
 * say which, or folders where all of them do.
 */
const SLOW = [
  '**/*.slow.test.ts',
  'test/vmm/threads/**/*.test.ts',
  'test/api/faults.test.ts',
  'test/api/machine.test.ts',
  'test/package/**/*.test.ts',
];

const BROWSER = ['test/browser/**/*.test.ts'];
/** Of these the ones that look at what tasks cost, and whether the layout moves. */
const BROWSER_TIMED = ['test/browser/{page,sizes}.test.ts'];
const chromium = findChromium() !== undefined;
if (!chromium)
  console.log(
    'Left out: test/browser, the demo in a browser. It takes Chromium: apt-get install ' +
      'chromium, or CHROMIUM=/path/to/it.',
  );

/** Files and folders that only thorough runs have (VSMMU_THOROUGH=1, .ci/run): what takes longest. */
const THOROUGH_ONLY = thoroughOnly.map((path) =>
  path.endsWith('.ts') ? path : `${path}/**/*.test.ts`,
);
/** What boots a kernel that is built once. */
const LINUX_TESTS = ['test/linux/**/*.test.ts', 'test/browser/linux.test.ts'];
const LINUX = isKernelBuilt ? [] : LINUX_TESTS;
if (THOROUGH && !isKernelBuilt)
  console.log(
    `Left out: ${LINUX_TESTS.join(', ')}, Linux with the driver of the CMDQV. It takes npm run linux:build.`,
  );
const leftOut = [...(THOROUGH ? [] : THOROUGH_ONLY), ...LINUX];
if (!THOROUGH) console.log(`Left out but for VSMMU_THOROUGH=1: ${THOROUGH_ONLY.join(', ')}`);

const SETUP = ['./test/support/expect-fresh-build.ts', './test/support/expect-no-findings.ts'];
/** What all projects have in common. */
const common: InlineConfig = { pool: 'forks', setupFiles: SETUP, retry: RETRIES };

const browser: InlineConfig = {
  ...common,
  isolate: false,
  globalSetup: ['./test/support/fresh-build.ts', './test/browser/build-site.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/** No test imports AssemblyScript, and yet an edit of it may change what every test sees. */
const assemblyScript = ['assembly', 'guest-driver'].map((folder) =>
  fileURLToPath(new URL(`./${folder}/**/*.ts`, import.meta.url)),
);

const FAST: InlineConfig = {
  setupFiles: [...SETUP, './test/support/expect-fast.ts'],
};

/**
 * `npm run coverage`: the TypeScript that the fast tests execute on their own threads. What runs in a
 * child process or a worker, from dist/, is not counted, and neither is AssemblyScript.
 */
const COVERAGE: InlineConfig['coverage'] = {
  provider: 'v8',
  include: ['assembly/*.ts', 'guest-driver/*.ts', '{cli,devices,host,vmm}/**/*.ts'],
  reporter: ['text-summary', 'html', 'json-summary'],
  reportsDirectory: 'build/coverage',
  reportOnFailure: true,
  // Measured in November 2026: 76.1, 68.5, 75.1, 77.9. Which branches threads take varies a little.
  thresholds: { statements: 75, branches: 67, functions: 74, lines: 76.5 },
};

/** With its counters on, a file takes half as long again. */
const isCounted = process.argv.includes('--coverage');

/** Everything that is in no other project. `npm run test:fast` is the mode `fast`. */
const unit = (mode: string): InlineConfig => ({
  ...common,
  name: 'unit',
  // Files share their processes, and with that what they have loaded.
  isolate: false,
  include: ['test/**/*.test.ts'],
  exclude: [...TIMED, ...ALONE, ...BROWSER, ...leftOut, ...(mode === 'fast' ? SLOW : [])],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  ...(mode === 'fast' && !isCounted ? FAST : {}),
  sequence: { groupOrder: 0 },
});

// Most machines that run this have two cores. There are three workers while the browser runs at the
// same time as the rest, because it mostly waits; tests that measure time, and those that keep all
// cores busy, run afterwards and one by one.
export default defineConfig(({ mode }) => ({
  test: {
    globalSetup: ['./test/support/fresh-build.ts', './test/support/assembly-compiler.ts'],
    coverage: COVERAGE,
    // Between runs, what a file's TypeScript becomes is kept by its contents; not where debugModules makes something else of them.
    experimental: { fsModuleCache: !DEBUG },
    forceRerunTriggers: [...configDefaults.forceRerunTriggers, ...assemblyScript],
    reporters: ['default', new SummaryReporter()],
    maxWorkers: mode === 'fast' ? 2 : 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      { plugins: [debugModules], test: unit(mode) },
      {
        plugins: [debugModules],
        test: {
          ...common,
          name: 'timing',
          retry: TIMED_RETRIES,
          isolate: false,
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
          retry: TIMED_RETRIES,
          isolate: false,
          include: ALONE,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        plugins: [debugModules],
        test: {
          ...browser,
          name: 'browser',
          include: chromium ? BROWSER : [],
          exclude: [...BROWSER_TIMED, ...leftOut],
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [debugModules],
        test: {
          ...browser,
          name: 'browser-timing',
          retry: TIMED_RETRIES,
          include: chromium ? BROWSER_TIMED : [],
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
}));
