// SPDX-License-Identifier: MIT
// The pages of the docs, their order in the navigation, and the files that they link to.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { escaped } from './html-text.mjs';
import { renderMarkdown } from './markdown-page.mjs';

/** @typedef {import('./page-frame.mjs').Page} Page */

/** Groups of the navigation, and the files of their pages. */
const GROUPS = /** @type {const} */ ([
  [
    'Start',
    ['README.md', 'docs/quick-start.md', 'docs/concepts.md', 'docs/demo.md', 'docs/mission.md'],
  ],
  [
    'Guests and devices',
    [
      'docs/guests.md',
      'docs/guest-abi.md',
      'docs/first-device.md',
      'docs/device-plugin.md',
      'docs/own-vmm.md',
      'docs/v86.md',
    ],
  ],
  ['Linux on arm64', ['docs/arm64.md', 'docs/linux.md', 'docs/gdb.md']],
  [
    'The hardware modelled',
    [
      'docs/smmuv3.md',
      'docs/cmdqv.md',
      'docs/iommufd.md',
      'docs/tables.md',
      'docs/registers.md',
      'docs/limits.md',
      'docs/compare.md',
    ],
  ],
  [
    'Tools',
    ['docs/cli.md', 'docs/json.md', 'docs/trace.md', 'docs/sanitizer.md', 'docs/decode.md'],
  ],
  [
    'Programming interface',
    [
      'docs/api.md',
      'docs/options.md',
      'docs/bundlers.md',
      'docs/troubleshooting.md',
      'docs/versions.md',
    ],
  ],
  [
    'The project',
    [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'docs/internals/README.md',
      'docs/internals/architecture.md',
      'docs/internals/performance.md',
      'docs/internals/arm64-threads.md',
      'docs/internals/linux-results.md',
      'docs/internals/amd-viommu.md',
      'docs/models/README.md',
    ],
  ],
]);
const ROOT_PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
/** Titles of pages whose heading alone is not specific enough. */
const TITLES = new Map([
  ['README.md', 'Overview'],
  ['docs/internals/README.md', 'Internals'],
]);
const IMAGE = /\.(?:png|svg|jpe?g|gif|webp)$/;

/** @param {string} root @returns {string[]} */
function markdownFiles(root) {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`);
  return [...ROOT_PAGES, ...docs.sort()];
}

/**
 * The path in the site of a file of the repository: a Markdown page or an image has its
 * own path, another file a page that shows it.
 * @param {ReadonlySet<string>} pages Markdown files that are pages.
 * @param {string} file
 */
export function sitePathOf(pages, file) {
  if (pages.has(file)) return file.replace(/\.md$/, '.html');
  return IMAGE.test(file) ? file : `files/${file}.html`;
}

/**
 * @param {string} root
 * @returns
 *   {{ pages: Page[], images: string[], groups: { title: string, pages: Page[] }[] }}
 *   images: files to copy.
 * @throws {Error} for a page that no group of the navigation has.
 */
export function docPages(root) {
  const files = markdownFiles(root);
  const names = new Set(files);
  const pathOf = (/** @type {string} */ file) => sitePathOf(names, file);
  /** @type {Map<string, Page>} */
  const pages = new Map();
  /** @type {Set<string>} */
  const linked = new Set();
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    const path = pathOf(file);
    const { title, html, summary, targets } = renderMarkdown(text, { file, path, pathOf });
    pages.set(file, { path, title: TITLES.get(file) ?? title, html, summary });
    for (const target of targets) if (!names.has(target)) linked.add(target);
  }
  const groups = GROUPS.map(([title, members]) => ({
    title,
    pages: members.map((file) => {
      const page = pages.get(file);
      if (!page) throw new Error(`the navigation has ${file}, which is not there`);
      return page;
    }),
  }));
  const grouped = new Set(GROUPS.flatMap(([, members]) => [...members].map(String)));
  const missing = files.filter((file) => !grouped.has(file));
  if (missing.length > 0)
    throw new Error(`scripts/site/doc-pages.mjs has no group for ${missing.join(', ')}`);
  // A target that is not there has no page, and the check of the links names it.
  const others = [...linked].filter((file) => existsSync(join(root, file))).sort();
  const shown = others
    .filter((file) => !IMAGE.test(file) && statSync(join(root, file)).isFile())
    .map((file) => ({
      path: pathOf(file),
      title: posix.basename(file),
      html: `<h1 id="top"><code>${escaped(file)}</code></h1>\n<pre><code>${escaped(readFileSync(join(root, file), 'utf8'))}</code></pre>`,
    }));
  return {
    pages: [...pages.values(), ...shown],
    images: others.filter((file) => IMAGE.test(file)),
    groups,
  };
}
