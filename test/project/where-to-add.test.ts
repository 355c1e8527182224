// SPDX-License-Identifier: MIT
// CONTRIBUTING.md, "Where would I add …?": one folder each, which exists.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const page = readFileSync(join(PROJECT, 'CONTRIBUTING.md'), 'utf8');
const [, section = ''] = page.split('## Where would I add …?\n');
const rows = (section.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(1)
  .map((line) => line.split('|').map((cell) => cell.trim()));

it.each([
  'a register of the CMDQV',
  'a call of iommufd',
  'a kind of vCPU',
  'a board',
  'a bus master',
  'a rule of the sanitizer',
])('%s has a place', (what) => {
  const places = rows.filter(([, name]) => name === what).map(([, , place]) => place);
  expect(places).toEqual([expect.stringMatching(/^`[a-z-]+\/[^`]+`/)]);
});

it('every folder and file that is named there exists', () => {
  const paths = rows.flatMap(([, , place = '']) =>
    [...place.matchAll(/`([a-z-]+\/[^`]+)`/g)].map(([, path = '']) => path),
  );
  expect(paths.length).toBeGreaterThan(10);
  /** For a kind that does not exist yet: its folder. */
  const there = (path: string) =>
    existsSync(join(PROJECT, path.replace(/(<.*>|-?[^/]*\*.*)$/, '')));
  expect(paths.filter((path) => !there(path))).toEqual([]);
});
