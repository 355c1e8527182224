// SPDX-License-Identifier: MIT
// Checks the links of a site without a network: each relative link of its HTML pages and
// style sheets leads to a file of the site, and each anchor to an element of that page.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { unescaped } from './html-text.mjs';

const LINK = /\s(?:href|src|poster|data-src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;
const ANCHOR = /\s(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;
const STYLE_URL = /url\(\s*(?:"([^"]*)"|'([^']*)'|([^\s"')]+))\s*\)/gi;
const TAG = /<[a-z][^<>]*>/gi;
/** Text that has no tags of the page. */
const NOT_HTML = /<!--[\s\S]*?-->|(<(script|style)\b[^>]*>)[\s\S]*?<\/\2>/gi;

/**
 * The values of attributes in all tags.
 * @param {string} html
 * @param {RegExp} attribute
 */
const valuesIn = (html, attribute) =>
  [...html.replace(NOT_HTML, '$1').matchAll(TAG)].flatMap(([tag]) =>
    [...tag.matchAll(attribute)].map(([, double, single, bare]) =>
      unescaped(double ?? single ?? bare ?? ''),
    ),
  );

/**
 * Problems of a site's links, one line each.
 * @param {string} folder
 * @returns {{ links: number, problems: string[] }} links: how many were checked.
 */
export function checkSite(folder) {
  const files = new Set(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length))
      .map((file) => file.replaceAll('\\', '/'))
      .sort(),
  );
  const read = (/** @type {string} */ file) => readFileSync(join(folder, file), 'utf8');
  /** @type {Map<string, ReadonlySet<string>>} */
  const anchors = new Map();
  const anchorsOf = (/** @type {string} */ file) => {
    const known = anchors.get(file) ?? new Set(valuesIn(read(file), ANCHOR));
    anchors.set(file, known);
    return known;
  };

  /** @param {string} file @param {string} link @returns {string | undefined} */
  function problemOf(file, link) {
    if (/^(?:https?|mailto|data):/i.test(link)) return undefined;
    if (/^[a-z][a-z\d+.-]*:|^\//i.test(link)) return 'is not relative';
    const [address = '', anchor] = link.split('#');
    const path = address.replace(/\?.*$/, '');
    let target = file;
    try {
      if (path !== '') target = posix.join(posix.dirname(file), decodeURIComponent(path));
      if (!files.has(target)) return `there is no file ${target}`;
      if (anchor === undefined || anchor === '' || !target.endsWith('.html')) return undefined;
      if (anchorsOf(target).has(decodeURIComponent(anchor))) return undefined;
    } catch {
      return 'is not a valid address';
    }
    return `${target} has no anchor ${anchor}`;
  }

  /** @type {string[]} */
  const problems = [];
  let links = 0;
  for (const file of files) {
    const isPage = file.endsWith('.html');
    if (!isPage && !file.endsWith('.css')) continue;
    const found = isPage
      ? valuesIn(read(file), LINK)
      : [...read(file).matchAll(STYLE_URL)].map(([, a, b, c]) => a ?? b ?? c ?? '');
    links += found.length;
    for (const link of new Set(found)) {
      const problem = problemOf(file, link);
      if (problem !== undefined) problems.push(`${file}: ${link}: ${problem}`);
    }
  }
  return { links, problems };
}
