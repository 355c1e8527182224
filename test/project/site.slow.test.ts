// SPDX-License-Identifier: MIT
// The whole static site, with a page in place of the demo, which .ci/run puts in: every link leads
// somewhere, and it has no absolute address of its own. The same tree gives the same bytes:
// site-again.slow.test.ts.

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
  await buildSite(PROJECT, join(folder, 'site'), join(folder, 'demo'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const site = () => join(folder, 'site');
const files = () =>
  readdirSync(site(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(site().length + 1));

describe('the site', () => {
  it('has links that lead somewhere', () => {
    const { links, problems } = checkSite(site());
    expect(problems).toEqual([]);
    expect(links).toBeGreaterThan(5000);
  });

  it('has a page for each import name, register map and document', () => {
    const found = files();
    const names = Object.keys(manifest.exports).filter((name) => !/\*|wasm|json/.test(name));
    expect(names.length).toBeGreaterThan(8);
    for (const name of names)
      expect(found).toContain(importPath(name.replace(/^\./, manifest.name)));
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
      expect(found).toContain(file);
  });

  it('has no address on this machine', () => {
    for (const file of files().filter((name) => name.endsWith('.html')))
      expect(readFileSync(join(site(), file), 'utf8'), file).not.toContain(
        PROJECT.replace(/\/$/, ''),
      );
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
