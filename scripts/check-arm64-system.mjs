#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds the arm64 system images (test/arm64/system) and runs each on qemu-system-aarch64
// and on the board `virt`: both must print the same, line by line, except for the
// differences that arm64-system-logs.mjs explains. QEMU's output has to be the log that
// the tests compare with (test/arm64/system/stored). Needs gcc-aarch64-linux-gnu,
// qemu-system-arm and `npm run build`. Arguments: names of images, to check only those;
// --store saves images and logs for the tests.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { compareLogs, IMAGES } from './arm64-system-logs.mjs';

const SOURCES = fileURLToPath(new URL('../test/arm64/system', import.meta.url));
const STORED = join(SOURCES, 'stored');
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const COMPILER = 'aarch64-linux-gnu-gcc';
const EMULATOR = 'qemu-system-aarch64';
/** MiB. */
const MEMORY = '64';
const TIMEOUT_SECONDS = 300;

/** Compiles an image. @param {string} name @param {string} output */
function build(name, output) {
  const options = [
    '-O1',
    '-ffreestanding',
    '-fno-stack-protector',
    '-fno-pic',
    '-mgeneral-regs-only',
  ];
  options.push(
    '-mstrict-align',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-nostdlib',
    '-static',
    '-no-pie',
    '-s',
  );
  for (const option of ['--build-id=none', '-n', '--no-warn-rwx-segments', '-T,image.lds'])
    options.push(`-Wl,${option}`);
  execFileSync(COMPILER, [...options, 'start.S', 'image.c', `${name}.c`, '-o', output], {
    cwd: SOURCES,
  });
}

/**
 * The output of a program up to its end.
 * @param {string} program
 * @param {string[]} args
 * @param {'stdout' | 'stderr'} stream
 */
function outputOf(program, args, stream) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    input: '',
    timeout: TIMEOUT_SECONDS * 1000,
    maxBuffer: 2 ** 26,
  });
  if (result.status !== 0)
    throw new Error(
      `${program} ended with ${result.status ?? result.signal}: ${result.stderr.slice(-300)}`,
    );
  return result[stream].replaceAll('\r', '');
}

/** @param {string} elf @param {string} cpu */
function runOnQemu(elf, cpu) {
  const options = ['-M', 'virt,gic-version=3', '-cpu', `${cpu},vfp=off,neon=off`, '-m', MEMORY];
  options.push('-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-net', 'none');
  return outputOf(EMULATOR, [...options, '-kernel', elf], 'stdout');
}

/** @param {string} elf */
function runHere(elf) {
  // The console is on standard error when the report is on standard output.
  const options = [
    '--arch',
    'arm64',
    '--memory',
    MEMORY,
    '--timeout',
    `${TIMEOUT_SECONDS}`,
    '--json',
  ];
  return outputOf(process.execPath, [CLI, 'boot', elf, ...options], 'stderr');
}

const store = process.argv.includes('--store');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
for (const tool of [COMPILER, EMULATOR])
  if (spawnSync(tool, ['--version']).status !== 0) {
    console.error(
      `${tool} is missing (Debian: apt-get install gcc-aarch64-linux-gnu qemu-system-arm)`,
    );
    process.exit(2);
  }
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-arm64-system-'));
let failed = false;
try {
  for (const { name, cpu } of IMAGES) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const elf = join(folder, `${name}.elf`);
    build(name, elf);
    const qemu = runOnQemu(elf, cpu);
    const log = join(STORED, `${name}.log`);
    if (store) {
      mkdirSync(STORED, { recursive: true });
      writeFileSync(log, qemu);
      writeFileSync(join(STORED, `${name}.elf.gz`), gzipSync(readFileSync(elf), { level: 9 }));
    }
    const { problems, used } = compareLogs(name, qemu, runHere(elf));
    if (readFileSync(log, 'utf8') !== qemu)
      problems.push(
        'QEMU prints something else than what is stored: another QEMU, or run this with --store',
      );
    for (const problem of problems) console.error(`FAILED ${name}: ${problem}`);
    if (problems.length > 0) failed = true;
    else
      console.log(
        `ok     ${name}: ${qemu.split('\n').length - 1} lines, ${used.size} known differences`,
      );
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(failed ? 1 : 0);
