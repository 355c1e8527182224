// SPDX-License-Identifier: MIT
// Documents of the site, as plain text.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withoutDeadLinks } from '../../demo/site-documents.ts';
import { PROJECT } from '../support/project.ts';

it('leaves the words of links that lead nowhere in plain text', () => {
  expect(
    withoutDeadLinks('A [glossary](#glossary), a [page](demo.md#keys), a\n[`x`](../a.ts).'),
  ).toBe('A glossary, a page, a\n`x`.');
  const others = 'a [site](https://host/x), ![image](a.png), `list[0](1)`';
  expect(withoutDeadLinks(others)).toContain('[site](https://host/x), ![image](a.png)');
});

it('has no such link in the pages that the demo links to', async () => {
  for (const page of ['docs/concepts.md', 'README.md'])
    expect(withoutDeadLinks(await readFile(join(PROJECT, page), 'utf8'))).not.toMatch(
      /\]\((#|[\w/]+\.md)/,
    );
});
