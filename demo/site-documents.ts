// SPDX-License-Identifier: MIT
// Documents that the page links to: pages of the docs, and the licences of everything in
// the site.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
/** Links that lead nowhere in plain text, to a heading or another page of the docs, are only their words. */
export function withoutDeadLinks(markdown: string): string {
  return markdown.replace(/(?<!!)\[([^\][]+)\]\((?!https?:)[^()\s]*\)/g, '$1');
}

const text = (name: string) => readFileSync(path(name), 'utf8');

/** Packages whose code is in the site, and their licence files. */
const LICENCES: readonly (readonly [name: string, file: string])[] = [
  ['vsmmu', 'LICENSE'],
  ['@wasmer/wasi', 'node_modules/@wasmer/wasi/LICENSE'],
  ['@xterm/xterm', 'node_modules/@xterm/xterm/LICENSE'],
  ['@xterm/addon-fit', 'node_modules/@xterm/addon-fit/LICENSE'],
  ['comlink', 'node_modules/comlink/LICENSE'],
  ['lit-html', 'node_modules/lit-html/LICENSE'],
  ['uplot', 'node_modules/uplot/LICENSE'],
  ['valibot', 'node_modules/valibot/LICENSE.md'],
];

const licences = () =>
  LICENCES.map(([name, file]) => `${name}\n${'='.repeat(name.length)}\n\n${text(file)}`).join(
    '\n\n',
  );

/** By their names in the page's links. Plain text, which every browser shows. */
const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'concepts.txt': () => withoutDeadLinks(text('docs/concepts.md')),
  'docs.txt': () => withoutDeadLinks(text('README.md')),
  'licences.txt': licences,
};

/** Adds the documents to the site, and serves them during development. */
export function siteDocuments(): Plugin {
  return {
    name: 'site-documents',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const document = DOCUMENTS[(request.url ?? '').replace(/^\//, '').replace(/\?.*$/, '')];
        if (!document) return next();
        response.setHeader('Content-Type', 'text/plain; charset=utf-8');
        response.end(document());
      });
    },
    generateBundle() {
      for (const [fileName, document] of Object.entries(DOCUMENTS))
        this.emitFile({ type: 'asset', fileName, source: document() });
    },
  };
}
