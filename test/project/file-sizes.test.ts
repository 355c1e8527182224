// SPDX-License-Identifier: MIT
// How long a file may be: one concept, one file.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const SOURCE = /\.(ts|mjs)$/;
/** The first line of a file that scripts/generate-arm64.mjs has made. */
const GENERATED = /^\/\/ Made by scripts\//;

/** What scripts/check-spdx.mjs adds to each file, which does not count. */
const LICENCE = /SPDX-License-Identifier/;

/** Lines of each source file below a folder of the project. */
const filesOf = (folder: string): (readonly [file: string, lines: readonly string[]])[] =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => SOURCE.test(name) && !name.includes('node_modules'))
    .map((name) => {
      const file = join(folder, name);
      const lines = readFileSync(join(PROJECT, file), 'utf8').trimEnd().split('\n');
      return [file, lines.filter((line) => !LICENCE.test(line))] as const;
    })
    .filter(([, [first = '']]) => !GENERATED.test(first));

it.each([
  [400, 'assembly'],
  [400, 'bench'],
  [400, 'cli'],
  [400, 'demo'],
  [400, 'devices'],
  [400, 'guest-driver'],
  [400, 'host'],
  [400, 'scripts'],
  [400, 'vmm'],
  [600, 'test'],
])('at most %d lines in a file of %s', (limit, folder) => {
  const files = filesOf(folder);
  expect(files.length).toBeGreaterThan(1);
  expect(files.filter(([, { length }]) => length > limit).map(([file]) => file)).toEqual([]);
});
