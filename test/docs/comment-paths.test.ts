// SPDX-License-Identifier: MIT
// Files of the tree that comments name exist: sources, scripts, pages and models.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const ROOMS = [
  ...['assembly', 'bench', 'cli', 'demo', 'devices', 'guest-driver', 'host', 'scripts'],
  ...['test', 'vmm'],
];
const COMMENTS = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;
const NAMED = new RegExp(
  `(?<![\\w./-])(?:${[...ROOMS, 'docs', 'templates'].join('|')})/[\\w./-]+\\.(?:ts|mjs|md|pml|h|wat)\\b`,
  'g',
);

/** The files that comments of a source name and that do not exist. */
const missingIn = (text: string) =>
  (text.match(COMMENTS) ?? [])
    .flatMap((comment) => comment.match(NAMED) ?? [])
    .filter((path) => !existsSync(join(PROJECT, path)));

describe('comments', () => {
  it.each(ROOMS)('in %s/ name existing files', (room) => {
    const files = readdirSync(join(PROJECT, room), { recursive: true, encoding: 'utf8' })
      .map((name) => `${room}/${name.replaceAll('\\', '/')}`)
      .filter((path) => /\.(?:ts|mjs)$/.test(path) && !/node_modules|\/dist\//.test(path));
    expect(files.length).toBeGreaterThan(20);
    const missing = files.flatMap((path) =>
      missingIn(readFileSync(join(PROJECT, path), 'utf8')).map((named) => `${path}: ${named}`),
    );
    expect(missing).toEqual([]);
  });

  it('that name a missing file are found', () => {
    const [model, page] = ['docs/models/none.pml', 'docs/none.md'];
    expect(missingIn(`/** See\n * ${model}). */\nconst a = 1; // ${page}, docs/api.md`)).toEqual([
      model,
      page,
    ]);
    expect(missingIn(`const path = '${page}';`)).toEqual([]);
  });
});
