// SPDX-License-Identifier: MIT
// Links of the pages: each leads to an existing file and heading, and a page for users
// does not link to the notes for developers of vsmmu (docs/internals, docs/models).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const pagesIn = (folder: string) =>
  readdirSync(join(PROJECT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => posix.join(folder, name));
const FOR_USERS = ['README.md', ...pagesIn('docs')];
const PAGES = [
  ...FOR_USERS,
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...pagesIn('docs/internals'),
  ...pagesIn('docs/models'),
];
const textOf = (page: string) =>
  readFileSync(join(PROJECT, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');

/** Files and headings that a page links to, by name. */
const linksOf = (page: string) =>
  [...textOf(page).matchAll(/\]\(([^)\s#]*)(?:#([^)\s]*))?\)/g)]
    .filter(([, target = '']) => !/^https?:/.test(target))
    .map(([, target = '', heading]) => ({
      file: target === '' ? page : posix.join(page, '..', target),
      heading,
    }));

/** The name of a heading in a link, as defined by GitHub. */
const headingsOf = (page: string) =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('the pages', () => {
  it.each(PAGES)('%s links to existing files and headings', (page) => {
    for (const { file, heading } of linksOf(page)) {
      expect(existsSync(join(PROJECT, file)), `${page}: ${file}`).toBe(true);
      if (heading !== undefined) expect(headingsOf(file), `${page}: ${file}`).toContain(heading);
    }
  });

  it('for users do not link to notes for developers of vsmmu, which are not in the package', () => {
    expect(pagesIn('docs/internals').length).toBeGreaterThan(3);
    for (const page of FOR_USERS)
      for (const { file } of linksOf(page))
        expect(file, page).not.toMatch(/^docs\/(internals|models)\/|^(CONTRIBUTING|SECURITY)\.md$/);
  });

  it('that are not for users state this at their beginning, and no other does', () => {
    const says = (page: string) => textOf(page).slice(0, 300).includes('who work on vsmmu');
    expect(FOR_USERS.filter(says)).toEqual([]);
    expect(pagesIn('docs/internals').filter((page) => !says(page))).toEqual([]);
  });
});
