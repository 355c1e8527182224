// SPDX-License-Identifier: MIT
// CONTRIBUTING.md: the files, scripts and tests that it names exist; its list of tests
// that need exact source lines has each test that changes them or reads a .wat file, and
// each folder with a planted bug.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { PROJECT } from '../support/project.ts';

const page = readFileSync(join(PROJECT, 'CONTRIBUTING.md'), 'utf8');

const sourcesIn = (folder: string) =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name).replaceAll('\\', '/'));
const textOf = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

it('names existing files and folders', () => {
  const folders =
    'assembly|bench|cli|demo|devices|docs|guest-driver|host|scripts|templates|test|vmm';
  const named = [...page.matchAll(new RegExp(`\`((?:${folders})/[^\\s\`]*)\``, 'g'))].map(
    ([, path = '']) => path.replace(/(<.*>|-?[^/]*\*.*)$/, ''),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
});

it('names scripts that package.json has', () => {
  const named = [...page.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

const [, section = ''] = page.split('## Tests that need exact source lines\n');
const [list = ''] = section.split('\n## ');

it('lists each test that changes lines of the sources', () => {
  const tests = sourcesIn('test').filter(
    (path) =>
      path.endsWith('.test.ts') &&
      /\b(?:mutatedModules|mutatedAmdIommu)\(|assembly\/\w+\.wat\b/.test(textOf(path)),
  );
  expect(tests.length).toBeGreaterThan(4);
  expect(tests.filter((path) => !list.includes(`\`${path}\``))).toEqual([]);
});

it('lists each folder with a planted bug', () => {
  const row = /^\| `test\/mutation` .*$/m.exec(list)?.[0] ?? '';
  const folders = [...row.matchAll(/`([^`]+)`/g)].map(([, folder = '']) => folder);
  const named = sourcesIn('test/mutation')
    .flatMap((path) => [...textOf(path).matchAll(/\bfile: ['`]([\w./-]+)/g)])
    .map(([, file = '']) => file);
  expect(named.length).toBeGreaterThan(20);
  const isListed = (file: string) => folders.some((folder) => file.startsWith(`${folder}/`));
  expect(named.filter((file) => !isListed(file))).toEqual([]);
});

it('is followed by what is deprecated: since when, and what to use', () => {
  const lines = ['assembly', 'devices', 'guest-driver', 'host', 'vmm']
    .flatMap(sourcesIn)
    .flatMap((path) => [...textOf(path).matchAll(/@deprecated.*/g)].map(([line]) => line));
  const example = /`(@deprecated since .*?)`/.exec(page)?.[1] ?? '';
  for (const line of [example, ...lines])
    expect(line).toMatch(/^@deprecated since \d+\.\d+\.\d+: use \S/);
});
