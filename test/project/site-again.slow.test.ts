// SPDX-License-Identifier: MIT
// The same tree gives the same static site, byte by byte, with a page in place of the demo.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSite } from '../../scripts/site/build-site.mjs';
import { PROJECT } from '../support/project.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vsmmu-two-sites-'));
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

it('the site is the same when it is built again', () => {
  expect(filesOf('first').length).toBeGreaterThan(60);
  expect(filesOf('second')).toEqual(filesOf('first'));
  for (const file of filesOf('first'))
    expect(textOf('second', file), file).toBe(textOf('first', file));
});
