#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Runs kvm-unit-tests on the board `virt`: the groups below, from a tree that is
// configured for arm64 and built (its flat binaries are in arm/). A test reports whether
// it passed by the console of tests and in its output; a result counts when both agree.
// Prints a table; status 1 when a test fails. Needs `npm run build`. Arguments: --source
// DIR, and names of tests, to run only those.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Groups of arm/unittests.cfg, without tests for a GICv2 or of migration. */
const GROUPS = ['selftest', 'gic', 'its', 'timer', 'psci', 'cache', 'pl031', 'debug', 'pci'];
const NOT_HERE = /^gicv2|migrat/;
/** vCPUs of a test that uses as many as there are. */
const MOST_VCPUS = '8';
const MEMORY = '256';
const TIMEOUT_SECONDS = 300;

/** The output of exit(code): twice the code plus 1. */
const STATUS = /^EXIT: STATUS=(\d+)/m;
const PASSED = 1;
const SKIPPED = 77;
/** Options of a group's machine, in addition to the board's devices. */
const PLUGGED = { pci: ['--pcie', 'rng', '--pcie', 'testdev'] };

/**
 * @typedef {{ name: string, file: string, args: string, vcpus: string, more: string[] }}
 *   Test
 */

/** Tests of the groups. @param {string} source @returns {Test[]} */
function testsOf(source) {
  const sections = readFileSync(join(source, 'arm/unittests.cfg'), 'utf8').split(/^\[/m).slice(1);
  const tests = sections.flatMap((section) => {
    const name = section.slice(0, section.indexOf(']'));
    /** @param {string} key */
    const value = (key) => new RegExp(`^${key} *= *(.*)$`, 'm').exec(section)?.[1]?.trim() ?? '';
    const groups = value('groups').split(/\s+/);
    if (NOT_HERE.test(name) || !GROUPS.some((group) => groups.includes(group))) return [];
    const vcpus = value('smp').includes('$') ? MOST_VCPUS : value('smp') || '1';
    return [
      {
        name,
        file: value('file'),
        args: value('test_args').replace(/^(['"])(.*)\1$/, '$2'),
        vcpus,
        more: Object.entries(PLUGGED).flatMap(([group, options]) =>
          groups.includes(group) ? options : [],
        ),
      },
    ];
  });
  // Built with the others, but in no group.
  return [...tests, { name: 'pl031', file: 'pl031.flat', args: '', vcpus: '1', more: [] }];
}

/** The exit code of the machine of a run; NaN when it has none. @param {string} report */
function exitCodeOf(report) {
  const [end] = report.startsWith('{') ? JSON.parse(report).checks : [];
  if (end?.ok) return 0;
  return Number(/^exit code (\d+)$/.exec(end?.detail ?? '')?.[1] ?? Number.NaN);
}

/**
 * The environment of the tests, passed as an initial RAM disk: it declares each known bug
 * of an old KVM, because of which they skip something, as fixed.
 * @param {string} source
 */
function environmentOf(source) {
  const errata = readFileSync(join(source, 'errata.txt'), 'utf8').matchAll(/^([0-9a-f]{12})\b/gm);
  return [...errata].map(([commit]) => `ERRATA_${commit}=y\n`).join('');
}

/**
 * Runs a test: returns its result and its console.
 * @param {string} source
 * @param {string} environment file of it
 * @param {Test} test
 */
function run(source, environment, { file, args, vcpus, more }) {
  const options = ['--arch', 'arm64', '--memory', MEMORY, '--vcpus', vcpus, '--json', '--testdev'];
  options.push(...more);
  options.push('--timeout', `${TIMEOUT_SECONDS}`, '--initrd', environment);
  if (args) options.push('--append', args);
  const { stderr, stdout } = spawnSync(
    process.execPath,
    [CLI, 'boot', join(source, 'arm', file), ...options],
    {
      encoding: 'utf8',
      input: '',
    },
  );
  const output = stderr.replaceAll('\r', '');
  const status = Number(STATUS.exec(output)?.[1] ?? 0);
  const isOver = exitCodeOf(stdout) * 2 + 1 === status;
  const result =
    isOver && status === PASSED ? 'passes' : isOver && status === SKIPPED ? 'skipped' : 'fails';
  return { result, output };
}

/** @param {string} output @param {string} what */
const count = (output, what) => output.match(new RegExp(`^${what}: `, 'gm'))?.length ?? 0;

const { values, positionals } = parseArgs({
  options: { source: { type: 'string' } },
  allowPositionals: true,
});
const { source } = values;
if (source === undefined || !existsSync(join(source, 'arm/selftest.flat'))) {
  console.error('--source DIR: kvm-unit-tests, configured for arm64 and built');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-kvm-unit-tests-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const environment = join(folder, 'environment');
writeFileSync(environment, environmentOf(source));
let failed = false;
console.log('| test | vCPUs | result | passed | failed | skipped |');
console.log('| ---- | ----- | ------ | ------ | ------ | ------- |');
for (const test of testsOf(source)) {
  if (positionals.length > 0 && !positionals.includes(test.name)) continue;
  const { result, output } = run(source, environment, test);
  const counts = ['PASS', 'FAIL', 'SKIP'].map((what) => count(output, what));
  console.log(`| ${[test.name, test.vcpus, result, ...counts].join(' | ')} |`);
  if (result !== 'fails') continue;
  failed = true;
  console.error(
    output
      .split('\n')
      .filter((line) => !/^(PASS|INFO)/.test(line))
      .slice(-20)
      .join('\n'),
  );
}
process.exit(failed ? 1 : 0);
