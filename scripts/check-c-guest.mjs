#!/usr/bin/env node
// Builds the guest in C of docs/guests.md with the commands that stand there, which need clang and wasm-ld, and boots it.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXPECTED = '40 + 2 = 42\n';

const page = readFileSync(join(ROOT, 'docs/guests.md'), 'utf8');
const commands = /^```sh clang\n([\s\S]*?)^```$/m.exec(page)?.[1];
if (!commands) throw new Error('docs/guests.md has no commands for clang');
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-c-'));
try {
  copyFileSync(join(ROOT, 'docs/examples/guest.c'), join(folder, 'guest.c'));
  // From within the project, the plugin finds the package by its own name.
  const script = commands
    .replaceAll('npx vsmmu', `node ${join(ROOT, 'dist/cli/main.js')}`)
    .replaceAll('adder.mjs', join(ROOT, 'docs/examples/adder-device.mjs'));
  const output = execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (!output.startsWith(EXPECTED)) throw new Error(`the guest printed:\n${output}`);
  console.log(`docs/guests.md, C: ${EXPECTED.trim()}`);
} finally {
  rmSync(folder, { recursive: true });
}
