// SPDX-License-Identifier: MIT
// The frame around the contents of each page of the site: head, navigation, foot. All
// links are relative, so that the site works in any folder of a host, and without one.

import { posix } from 'node:path';
import { escaped } from './html-text.mjs';

/**
 * @typedef {object} Page
 * @property {string} path In the site.
 * @property {string} title
 * @property {string} html What the frame surrounds.
 * @property {string} [summary]
 */

/**
 * @typedef {object} NavigationGroup
 * @property {string} title
 * @property {readonly { title: string, path: string, summary?: string }[]} pages
 */

/**
 * A link from one path of the site to another.
 * @param {string} from
 * @param {string} to
 */
export const linkFrom = (from, to) => posix.relative(posix.dirname(from), to) || posix.basename(to);

/**
 * @param {string} path of the page that has the navigation.
 * @param {readonly NavigationGroup[]} groups
 */
function navigation(path, groups) {
  return groups
    .map(({ title, pages }) => {
      const items = pages.map((page) => {
        const current = page.path === path ? ' aria-current="page"' : '';
        return `<li><a href="${linkFrom(path, page.path)}"${current}>${escaped(page.title)}</a></li>`;
      });
      const open = pages.some((page) => page.path === path) ? ' open' : '';
      return `<details${open}><summary>${escaped(title)}</summary><ul>${items.join('')}</ul></details>`;
    })
    .join('\n');
}

/**
 * The whole document of a page.
 * @param {Page} page
 * @param {{ version: string, groups: readonly NavigationGroup[] }} site
 */
export function framed({ path, title, html }, { version, groups }) {
  const to = (/** @type {string} */ target) => linkFrom(path, target);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(path === 'index.html' ? title : `${title} - vsmmu`)}</title>
<link rel="icon" href="${to('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${to('site.css')}">
</head>
<body>
<a class="skip" href="#content">Skip to the contents</a>
<header>
<a class="home" href="${to('index.html')}">vsmmu</a> <span>${escaped(version)}</span>
<input type="checkbox" id="menu"><label for="menu">Menu</label>
</header>
<nav aria-label="Pages">
${navigation(path, groups)}
</nav>
<main id="content">
${html}
</main>
</body>
</html>
`;
}
