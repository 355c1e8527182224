#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Builds guests in C, which needs clang, wasm-ld and make, and boots them: the guest of
// docs/guests.md with the commands on that page, and the project that `vsmmu guest init
// --lang c` writes.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The commands for clang of a page, and the first line of what they print. */
function scenarioOf(/** @type {string} */ page) {
  const [, commands, line] =
    /^```sh clang\n([\s\S]*?)^```\n+```text\n(.*\n)/m.exec(
      readFileSync(join(ROOT, page), 'utf8'),
    ) ?? [];
  if (commands === undefined || line === undefined)
    throw new Error(`${page} has no commands for clang with their output`);
  return { commands, line };
}

const folder = mkdtempSync(join(tmpdir(), 'vsmmu-c-'));

/**
 * Runs commands, and checks that their output contains a page's text or matches a
 * pattern.
 * @param {string} what
 * @param {string} commands
 * @param {string} cwd
 * @param {string | RegExp} expected
 */
function check(what, commands, cwd, expected) {
  const script = commands.replaceAll('npx vsmmu', `node ${join(ROOT, 'dist/cli/main.js')}`);
  const output = execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd,
    encoding: 'utf8',
  });
  const found =
    typeof expected === 'string'
      ? output.includes(expected) && expected
      : expected.exec(output)?.[0];
  if (!found) throw new Error(`${what} printed:\n${output}`);
  console.log(`${what}: ${found.trim()}`);
}

try {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/vsmmu'));
  copyFileSync(join(ROOT, 'docs/examples/guest.c'), join(folder, 'guest.c'));
  copyFileSync(join(ROOT, 'docs/examples/adder-device.mjs'), join(folder, 'adder.mjs'));
  const page = scenarioOf('docs/guests.md');
  check('docs/guests.md', page.commands, folder, page.line);

  const project = scenarioOf('templates/c/README.md');
  const guest = join(folder, 'guest');
  check('guest init', 'npx vsmmu guest init guest --lang c', folder, /^Now: .*/);
  check('templates/c/README.md', project.commands, guest, project.line);
  // The header compiles without warnings in a strict compiler.
  check('make', 'make -B CC="clang -Werror"', guest, /^clang -Werror/);
  // The same binary with queues drained on a separate thread, and with every access
  // trapped.
  const boot = 'npx vsmmu boot guest.wasm';
  const completed = /completed on a VCMDQ, exits: \d+/;
  check('drain thread', `${boot} --transport mailbox --drain thread`, guest, completed);
  check('no direct maps', `${boot} --no-direct-maps`, guest, /completed on a VCMDQ, exits: 2/);

  // A machine with several SMMUs: each is found by its number, with its devices.
  copyFileSync(join(ROOT, 'test/guest-driver/smmus.c'), join(guest, 'guest.c'));
  const line = (/** @type {number} */ i) =>
    `SMMU 0000000${i}: [0-9a-f]{8} cmdqv [0-9a-f]{8} dma [0-9a-f]{8} EVENTQ_BASE 8000${i}000\n`;
  const none = (/** @type {number} */ i) => `SMMU 0000000${i}: none cmdqv none dma none\n`;
  const lines = [line(0), line(1), none(2), none(3)];
  const two = new RegExp(`^${lines.join('')}`, 'm');
  check('two SMMUs', `make -B CC="clang -Werror" >&2; ${boot} --smmus 2`, guest, two);
} finally {
  rmSync(folder, { recursive: true });
}
