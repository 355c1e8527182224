// SPDX-License-Identifier: MIT
// VSMMU_DEBUG=1: which modules the tests load.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withDebugModules } from '../support/debug-modules.ts';
import { PROJECT } from '../support/project.ts';

const debug = (file: string) =>
  withDebugModules(readFileSync(join(PROJECT, file), 'utf8'), join(PROJECT, file));

it.each([
  ['assembly/load.ts', /new URL\('file:\/\/.*\/dist-debug\/assembly\/[\w-]+\.wasm'\)/g, 14],
  ['guest-driver/index.ts', /new URL\('file:\/\/.*\/dist-debug\/guest-driver\/[\w-]+\.wasm'\)/g, 2],
  ['test/support/built.ts', /'\.\.\/\.\.\/dist-debug\//g, 5],
  ['test/support/vsmmu-command.ts', /'\.\.\/\.\.\/dist-debug\/cli\/(?:main|command-line)\.js'/g, 2],
])('%s takes them from dist-debug/', (file, pattern, times) => {
  const text = debug(file);
  expect(text.match(pattern)).toHaveLength(times);
  expect(text).not.toMatch(/'\.\/[\w-]+\.wasm'|\/dist\//);
});
