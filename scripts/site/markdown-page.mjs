// SPDX-License-Identifier: MIT
// Markdown to the HTML of a page of the site. Headings have the anchors that GitHub gives
// them, so that the links of the pages lead to the same places in both.

import { posix } from 'node:path';
import { Marked } from 'marked';
import { escaped, unescaped } from './html-text.mjs';

/** @typedef {import('marked').Tokens.Heading} Heading */
/** @typedef {import('marked').Tokens.Link} Link */
/** @typedef {import('marked').Tokens.Image} Image */
/** @typedef {import('marked').Tokens.Code} Code */

/**
 * @typedef {object} Rendered
 * @property {string} title Text of the first heading.
 * @property {string} html
 * @property {string} summary The first sentence after the title, as text.
 * @property {readonly string[]} targets Files that the page links to, relative to the
 *   root.
 */

/** The text of some HTML. @param {string} html */
const textOf = (html) => unescaped(html.replace(/<[^>]*>/g, ''));

/** The anchor of a heading. @param {string} text */
export const anchorOf = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

/** Whether a link leaves the repository. @param {string} href */
const isExternal = (href) => /^[a-z][a-z\d+.-]*:/i.test(href);

/**
 * @param {string} text
 * @param {object} options
 * @param {string} options.file The file, relative to the root; its links start there.
 * @param {(file: string) => string} options.pathOf The path in the site of a file of the
 *   repository.
 * @param {string} options.path The page's own path in the site.
 * @returns {Rendered}
 */
export function renderMarkdown(text, { file, path, pathOf }) {
  /** @type {Map<string, number>} */
  const anchors = new Map();
  /** @type {Set<string>} */
  const targets = new Set();
  let title = '';

  /** @param {string} href */
  function hrefOf(href) {
    if (isExternal(href) || href.startsWith('#')) return href;
    const [target = '', anchor] = href.split('#');
    const source = posix.join(posix.dirname(file), target);
    targets.add(source);
    const relative = posix.relative(posix.dirname(path), pathOf(source));
    return anchor === undefined ? relative : `${relative}#${anchor}`;
  }

  const marked = new Marked({
    gfm: true,
    renderer: {
      /** @param {Heading} heading */
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        const heading = textOf(html);
        title ||= heading;
        const base = anchorOf(heading);
        const count = anchors.get(base) ?? 0;
        anchors.set(base, count + 1);
        const anchor = count === 0 ? base : `${base}-${count}`;
        const link = `<a class="anchor" href="#${anchor}" aria-label="Link to this section">#</a>`;
        return `<h${depth} id="${anchor}">${html} ${link}</h${depth}>\n`;
      },
      /** @param {Link} link */
      link({ href, tokens }) {
        return `<a href="${escaped(hrefOf(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      /** @param {Image} image */
      image({ href, text: description }) {
        return `<img src="${escaped(hrefOf(href))}" alt="${escaped(description)}">`;
      },
      /** @param {Code} code */
      code({ text: code }) {
        return `<pre><code>${escaped(code)}\n</code></pre>\n`;
      },
    },
  });
  // Tables of the docs are wide: each scrolls in a box of its own.
  const html = marked
    .parse(text, { async: false })
    .replaceAll('<table>', '<div class="wide"><table>')
    .replaceAll('</table>', '</table></div>');
  const [, paragraph = ''] = /<p>([\s\S]*?)<\/p>/.exec(html) ?? [];
  const [summary] = textOf(paragraph)
    .replace(/\s+/g, ' ')
    .split(/(?<=[.:])\s/);
  return { title, html, summary: (summary ?? '').replace(/:$/, '.'), targets: [...targets] };
}
