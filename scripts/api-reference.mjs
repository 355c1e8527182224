#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Writes the API reference to build/api (typedoc.json). It fails for a public item
// without documentation and for a broken link. typedoc needs a TypeScript with a compiler
// API, which version 7 does not have, so both are installed separately from the project's
// own tools, on first use.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TOOLS = join(ROOT, 'node_modules/.cache/vsmmu/typedoc-0.28.20');
const PACKAGES = ['typedoc@0.28.20', 'typescript@6.0.3'];

if (!existsSync(join(TOOLS, 'node_modules/typedoc'))) {
  mkdirSync(TOOLS, { recursive: true });
  writeFileSync(join(TOOLS, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', ...PACKAGES], {
    cwd: TOOLS,
    stdio: 'inherit',
  });
}
try {
  execFileSync(
    process.execPath,
    [join(TOOLS, 'node_modules/typedoc/bin/typedoc'), ...process.argv.slice(2)],
    {
      cwd: ROOT,
      stdio: 'inherit',
    },
  );
} catch {
  process.exitCode = 1;
}
