// SPDX-License-Identifier: MIT
// The whole static site, with a page in place of the demo, which .ci/run adds: every link
// has a target, there is no absolute address of the site, and the same tree gives the
// same bytes.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { buildSite } from '../../scripts/site/build-site.mjs';
import { docPages } from '../../scripts/site/doc-pages.mjs';
import { importPath } from '../../scripts/site/import-pages.mjs';
import { readLayout } from '../../scripts/site/layout-source.mjs';
import { checkSite } from '../../scripts/site/site-links.mjs';
import { PROJECT } from '../support/project.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vsmmu-whole-site-'));
  mkdirSync(join(folder, 'demo'));
  writeFileSync(join(folder, 'demo/index.html'), '<!doctype html><title>demo</title>');
  for (const out of ['first', 'second'])
    await buildSite(PROJECT, join(folder, out), join(folder, 'demo'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const filesOf = (out: string) =>
  readdirSync(join(folder, out), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, out, '/').length))
    .sort();
const textOf = (out: string, file: string) => readFileSync(join(folder, out, file), 'utf8');

describe('the site', () => {
  it('has links that lead somewhere', () => {
    const { links, problems } = checkSite(join(folder, 'first'));
    expect(problems).toEqual([]);
    expect(links).toBeGreaterThan(5000);
  });

  it('is the same when it is built again', () => {
    expect(filesOf('second')).toEqual(filesOf('first'));
    for (const file of filesOf('first'))
      expect(textOf('second', file), file).toBe(textOf('first', file));
  });

  it('has a page for each import name, register map and document', () => {
    const files = filesOf('first');
    const names = Object.keys(manifest.exports).filter((name) => !/\*|wasm|json/.test(name));
    expect(names.length).toBeGreaterThan(8);
    for (const name of names)
      expect(files).toContain(importPath(name.replace(/^\./, manifest.name)));
    for (const file of [
      'index.html',
      'registers/smmu-registers.html',
      'registers/ste.html',
      'bench/index.html',
      'demo/index.html',
      'docs/compare.html',
      'docs/models/README.html',
      'CHANGELOG.html',
    ])
      expect(files).toContain(file);
  });

  it('has no address on this machine', () => {
    for (const file of filesOf('first').filter((name) => name.endsWith('.html')))
      expect(textOf('first', file), file).not.toContain(PROJECT.replace(/\/$/, ''));
  });
});

it('every page of the docs has a place in the navigation', () => {
  const { pages, groups } = docPages(PROJECT);
  const grouped = groups.flatMap((group) => group.pages.map(({ path }) => path));
  expect(new Set(grouped).size).toBe(grouped.length);
  expect(grouped.length).toBeGreaterThan(35);
  for (const { title, path } of pages) expect(title, path).not.toBe('');
});

it('the register maps lose no constant of the tables', async () => {
  const path = join(PROJECT, 'assembly/layout');
  for (const name of readdirSync(path).filter((file) => file.endsWith('.ts'))) {
    const values: Record<string, unknown> = await import(join(path, name));
    const { sections } = readLayout(readFileSync(join(path, name), 'utf8'), values);
    const found = sections.flatMap(({ constants }) => constants.map((one) => one.name));
    const numbers = Object.keys(values).filter((key) =>
      ['number', 'bigint'].includes(typeof values[key]),
    );
    expect(found.toSorted(), name).toEqual(numbers.toSorted());
  }
});
