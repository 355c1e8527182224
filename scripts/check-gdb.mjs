#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Connects a real GDB to machines of the board `virt`: for a program in C, by its
// symbols, with two vCPUs; and for the kernel of `npm run linux:build`, if there is one,
// by the symbols of its vmlinux, and as docs/gdb.md prints. GDB's output must contain the
// expected lines in their order, and the machine must then end as it does without a
// debugger. Needs gdb-multiarch, gcc-aarch64-linux-gnu and `npm run build`.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtFile } from '../dist/cli/built-kernel.js';

const DEBUGGER = 'gdb-multiarch';
const COMPILER = 'aarch64-linux-gnu-gcc';
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const SOURCES = fileURLToPath(new URL('../test/arm64', import.meta.url));
/** The vmlinux that scripts/linux/build-kernel.mjs compiles. */
const VMLINUX = join(dirname(builtFile('Image')), '../../objects/linux/vmlinux');
const PAGE = fileURLToPath(new URL('../docs/gdb.md', import.meta.url));
const PROMPT = '(gdb) ';
const TIMEOUT_MS = 600_000;

/** @param {string} folder */
function buildProgram(folder) {
  const elf = join(folder, 'counting.elf');
  const options = ['-g', '-O1', '-ffreestanding', '-fno-stack-protector', '-fno-pic', '-nostdlib'];
  options.push('-mgeneral-regs-only', '-mstrict-align', '-Wall', '-Wextra', '-Werror', '-static');
  options.push('-no-pie', '-Wl,--build-id=none,-n,--no-warn-rwx-segments,-T,system/image.lds');
  const sources = ['system/start.S', 'system/image.c', 'gdb/counting.c'];
  execFileSync(COMPILER, [...options, ...sources, '-o', elf], { cwd: SOURCES });
  return elf;
}

/**
 * Boots a machine that waits for GDB, and runs commands in GDB.
 * @param {string[]} args of `vsmmu boot`.
 * @param {string} elf
 * @param {readonly string[]} commands
 */
async function debug(args, elf, commands) {
  const machine = spawn(process.execPath, [CLI, 'boot', ...args, '--gdb', '0', '--gdb-wait'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let output = '';
  machine.stdout.on('data', (bytes) => {
    output += bytes;
  });
  const ended = new Promise((resolve) => {
    machine.on('close', (status, signal) => resolve(signal ?? status));
  });
  let errors = '';
  const port = await new Promise((resolve, reject) => {
    machine.stderr.on('data', (bytes) => {
      errors += bytes;
      const [, found] = /target remote 127\.0\.0\.1:(\d+)\n/.exec(errors) ?? [];
      if (found !== undefined) resolve(found);
    });
    machine.on('close', () => reject(new Error(`the machine has ended: ${errors}`)));
  });
  const all = ['set pagination off', 'set confirm off', 'set width 0'];
  all.push(`target remote 127.0.0.1:${port}`, ...commands);
  const gdb = spawn(DEBUGGER, ['-nx', '-batch', ...all.flatMap((one) => ['-ex', one]), elf], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let said = '';
  for (const stream of [gdb.stdout, gdb.stderr])
    stream.on('data', (bytes) => {
      said += bytes;
    });
  await new Promise((resolve) => {
    gdb.on('close', resolve);
  });
  const status = await ended;
  return { said, output, status };
}

/**
 * Reports whether all expected text appeared, in its order.
 * @param {string} name
 * @param {Awaited<ReturnType<typeof debug>>} run
 * @param {readonly (string | RegExp)[]} expected in GDB's output.
 * @param {readonly string[]} printed by the machine.
 */
function check(name, { said, output, status }, expected, printed) {
  const problems = [];
  let rest = said;
  for (const one of expected) {
    const pattern = typeof one === 'string' ? undefined : one.exec(rest);
    const at = typeof one === 'string' ? rest.indexOf(one) : (pattern?.index ?? -1);
    const length = typeof one === 'string' ? one.length : (pattern?.[0].length ?? 0);
    if (at < 0) problems.push(`GDB does not say ${one}`);
    else rest = rest.slice(at + length);
  }
  for (const line of printed)
    if (!output.includes(line)) problems.push(`the machine does not print ${line}`);
  if (status !== 0) problems.push(`the machine ends with ${status}`);
  for (const problem of problems) console.error(`FAILED ${name}: ${problem}`);
  if (problems.length > 0) console.error(`${said}\n${output.slice(-2000)}`);
  else console.log(`ok     ${name}: ${expected.length} lines of GDB's output`);
  return problems.length === 0;
}

/** @param {string} folder */
async function checkProgram(folder) {
  const run = await debug(
    ['--arch', 'arm64', '--memory', '64', '--vcpus', '2'].concat(buildProgram(folder)),
    join(folder, 'counting.elf'),
    [
      'info registers pc',
      'break add',
      'continue',
      'backtrace',
      'delete',
      'watch total',
      'continue',
      'continue',
      'print $SCTLR_EL1 & 1',
      'delete',
      'hbreak add if number == 4',
      'continue',
      'print number',
      'finish',
      'next',
      'set variable last = 77',
      'print last',
      'rwatch arrived',
      'continue',
      'info threads',
      'delete',
      'break second',
      'continue',
      'thread',
      'stepi',
      'stepi',
      'x/i $pc',
      'monitor help',
      'delete',
      'continue',
    ],
  );
  const expected = [
    /^pc +0x40200000/m,
    /Breakpoint 1, add \(number=.*1\)/,
    /^#1 .* in main \(\)/m,
    'Old value = 0\nNew value = 1\n',
    'Old value = 1\nNew value = 3\n',
    '= 0\n',
    /Breakpoint \d, add \(number=.*4\)/,
    '= 4\n',
    /main \(\) at/,
    '= 77\n',
    /Hardware read watchpoint \d: arrived\s+Value = 0/,
    /Thread 1 \(vCPU 0: runs\)/,
    /Thread 2 \(vCPU 1: (runs|off)\)/,
    /hit Breakpoint|Breakpoint \d, .*second/,
    'Current thread is 2',
    /=> 0x[0-9a-f]+ <second\+8>/,
    'walk SID ADDRESS [SSID]',
    'exited normally',
  ];
  return check('a program in C', run, expected, ['total 15\n', 'done\n']);
}

/**
 * The session that docs/gdb.md prints: its lines, in their order, with other addresses.
 */
async function checkPage() {
  const [, session] = /^```\n(\(gdb\) [\s\S]*?)^```$/m.exec(readFileSync(PAGE, 'utf8')) ?? [];
  if (session === undefined) throw new Error('docs/gdb.md has no session');
  const lines = session.trimEnd().split('\n');
  const isCommand = (/** @type {string} */ line) => line.startsWith(PROMPT);
  const commands = lines.filter(isCommand).map((line) => line.slice(PROMPT.length));
  const expected = lines
    .filter((line) => !isCommand(line))
    .map((line) => {
      const escaped = line.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      return new RegExp(`^${escaped.replace(/0x[0-9a-f]+/g, '0x[0-9a-f]+')}$`, 'm');
    });
  const run = await debug(['linux', '--run', 'bench 1 20 1'], VMLINUX, [
    ...commands,
    'delete',
    'detach',
  ]);
  return check('docs/gdb.md', run, expected, ['bench ends']);
}

async function checkLinux() {
  const run = await debug(['linux', '--run', 'bench 1 20 1'], VMLINUX, [
    'hbreak *start_kernel',
    'continue',
    'print/x $TTBR1_EL1 != 0',
    'delete',
    'break *arm_lpae_unmap_pages',
    'continue',
    'print/x $x2',
    'eval "monitor walk 8 %#lx", $x1',
    'monitor ste 8',
    'monitor cd 8',
    'monitor iotlb',
    'monitor vcmdqs',
    'monitor its',
    'delete',
    'stepi',
    'stepi',
    'x/i $pc',
    // A fixed address: GDB single-steps all code to watch an expression with a register.
    'eval "watch *(unsigned long *)%#lx", $sp - 16',
    'continue',
    'delete',
    'detach',
  ]);
  const expected = [
    /Breakpoint 1, 0x[0-9a-f]+ in start_kernel \(\)/,
    '= 0x1\n',
    /Breakpoint 2, 0x[0-9a-f]+ in arm_lpae_unmap_pages \(\)/,
    '= 0x1000\n',
    /STE, stage 1\n.*CD, ASID \d+, translates the lower half\n/,
    /page descriptor, stage 1, level 3: maps 4 KiB\n0x[0-9a-f]+ is 0x4[0-9a-f]+\n/,
    'STE: stage 1',
    'CD: ASID',
    /\d+ entr(y|ies)/,
    /LVCMDQ 0 \(VCMDQ\): \d+ entries, PROD \d+/,
    /ITS: enabled\n {2}command queue: 64 KiB at 0x[0-9a-f]+, CREADR (0x[0-9a-f]+), CWRITER \1\n/,
    // The SMMU's own messages: event queue and GERROR.
    / {2}device 0xffff: \d+ events at .*\n {4}event 0: LPI \d+, enabled, priority 0xc0, collection 0 \(vCPU 0\)\n/,
    /=> 0x[0-9a-f]+ <arm_lpae_unmap_pages\+8>/,
    /Hardware watchpoint \d: /,
    'detached',
  ];
  return check('Linux', run, expected, ['bench ends']);
}

for (const tool of [DEBUGGER, COMPILER])
  if (spawnSync(tool, ['--version']).status !== 0) {
    console.error(
      `${tool} is missing (Debian: apt-get install gdb-multiarch gcc-aarch64-linux-gnu)`,
    );
    process.exit(2);
  }
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-gdb-'));
try {
  const isGood = [await checkProgram(folder)];
  if (existsSync(VMLINUX)) isGood.push(await checkLinux(), await checkPage());
  else console.log('skipped: there is no kernel of npm run linux:build');
  process.exitCode = isGood.every(Boolean) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
