#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `npm run linux:all`: everything that Linux must do here, part by part. Kernels are
// built if necessary. The results are in docs/internals/linux-results.md, where each part
// replaces its row. Needs `npm run build`. Arguments: names of parts, to run only those.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { NOTE } from './check-list.mjs';
import { buildKernel, KERNEL, KERNELS, KUNIT_KERNEL } from './kernels.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = fileURLToPath(new URL('../../docs/internals/linux-results.md', import.meta.url));
const script = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * @typedef {{
 *   readonly name: string,
 *   readonly command: readonly string[],
 *   readonly kernel?: import('./kernels.mjs').Kernel,
 * }} Part
 */

/** @type {readonly Part[]} */
const PARTS = [
  ...KERNELS.map((kernel) => ({
    name: kernel.name,
    kernel,
    command: [script('check-kernels.mjs'), kernel.name],
  })),
  { name: 'boots', kernel: KERNEL, command: [script('check-boots.mjs'), '50'] },
  { name: 'start', kernel: KERNEL, command: [script('check-start.mjs')] },
  { name: 'kunit', kernel: KUNIT_KERNEL, command: [script('check-kunit.mjs')] },
  { name: 'debian', command: [script('check-debian-kernels.mjs')] },
  {
    name: 'tests',
    kernel: KERNEL,
    command: [
      `${ROOT}/node_modules/vitest/vitest.mjs`,
      ...['run', '--project', 'unit', '--reporter', 'tap-flat', 'test/linux'],
    ],
  },
  { name: 'gdb', kernel: KERNEL, command: [script('../check-gdb.mjs')] },
];
/** What a part prints for each check: the scripts here, and TAP. */
const PASSED = /^ok +/;
const FAILED = /^(FAIL|not ok) +/;
const SKIPPED = /^ok .* # SKIP/i;

/** Runs a part and shows its output. @param {Part} part */
async function run({ command }) {
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, VSMMU_THOROUGH: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const result = { passed: 0, failed: 0, note: '' };
  createInterface(child.stdout).on('line', (line) => {
    console.log(line);
    if (FAILED.test(line)) result.failed++;
    else if (PASSED.test(line) && !SKIPPED.test(line)) result.passed++;
    else if (line.startsWith(NOTE)) result.note = line.slice(NOTE.length);
  });
  const status = await new Promise((end) => child.on('close', end));
  // A part that is aborted has not passed, whatever it had printed.
  if ((status !== 0 || result.passed === 0) && result.failed === 0) result.failed++;
  return result;
}

const HEAD = `# Results of \`npm run linux:all\`

*For those who work on vsmmu itself.* Each part replaces its row when it runs;
[linux.md](../linux.md) says what the parts are. Times are of the computer that ran them.

| part | date | passed | failed | minutes | |
| --- | --- | --- | --- | --- | --- |
`;

/** Replaces the row of a part. @param {string} name @param {string} row */
function record(name, row) {
  const text = existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : HEAD;
  const rows = new Map(
    [...text.matchAll(/^\| ([\w-]+) \| \d{4}-.*$/gm)].map(([line, part = '']) => [part, line]),
  );
  rows.set(name, row);
  const lines = PARTS.flatMap((part) => rows.get(part.name) ?? []);
  writeFileSync(RESULTS, `${HEAD}${lines.join('\n')}\n`);
}

const asked = process.argv.slice(2);
const unknown = asked.find((one) => !PARTS.some(({ name }) => name === one));
if (unknown !== undefined) {
  const names = PARTS.map(({ name }) => name).join(', ');
  console.error(`linux:all: there is no part ${unknown}; there are ${names}`);
  process.exit(2);
}
let passed = 0;
let failed = 0;
for (const part of PARTS) {
  if (asked.length > 0 && !asked.includes(part.name)) continue;
  if (part.kernel) buildKernel(part.kernel);
  console.log(`\n${part.name}`);
  const begin = performance.now();
  const result = await run(part);
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
  const date = new Date().toISOString().slice(0, 10);
  const cells = [part.name, date, result.passed, result.failed, minutes, result.note];
  record(part.name, `| ${cells.join(' | ')} |`);
  passed += result.passed;
  failed += result.failed;
}
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
