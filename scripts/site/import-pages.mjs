// SPDX-License-Identifier: MIT
// The API reference: a page for each import name of the package, with the exports, their
// signatures and their documentation comments, from the declarations in dist/.

import { posix } from 'node:path';
import { compare, idOf } from '../api-report.mjs';
import { escaped } from './html-text.mjs';
import { renderMarkdown } from './markdown-page.mjs';
import { linkFrom } from './page-frame.mjs';

/** @typedef {import('../declarations.mjs').Modules} Modules */
/** @typedef {import('../declarations.mjs').Place} Place */
/** @typedef {import('../declarations.mjs').Declaration} Declaration */
/** @typedef {import('./page-frame.mjs').Page} Page */
/** @typedef {{ path: string, anchor: string }} Target */

/** Headings in this order, and the kinds of declarations below each. */
const KINDS = /** @type {const} */ ([
  ['Functions', ['Function', 'DeclareFunction']],
  ['Classes', ['Class']],
  ['Interfaces', ['Interface']],
  ['Types', ['TypeAlias', 'Enum']],
  ['Constants', ['Variable']],
]);
const REST = {
  path: 'api/named-by-signatures.html',
  title: 'Types named by signatures',
  summary: 'Types that signatures name, and that no import name exports.',
};
const WORD = /[A-Za-z_$][\w$]*|[^A-Za-z_$]+/g;
const TAG = /^@(\w+)\s*/;
/** How a tag begins its paragraph; a tag without an entry keeps its name. */
const TAGS = new Map([
  ['returns', 'Returns'],
  ['throws', 'Throws'],
  ['deprecated', 'Deprecated'],
]);

/** The path of an import name's page. @param {string} name */
export const importPath = (name) => `api/${name.replaceAll('/', '-')}.html`;

/**
 * A documentation comment as Markdown: tags become paragraphs.
 * @param {string} comment
 */
export function withoutTags(comment) {
  const parts = comment.split(/^(?=@\w)/m);
  const description = parts[0]?.startsWith('@') ? '' : (parts.shift() ?? '');
  const paragraphs = parts.map((text) => {
    const [begin, tag = ''] = TAG.exec(text) ?? [''];
    const rest = text.slice(begin.length).trim();
    if (tag === 'param') {
      const [, name = '', what = ''] =
        /^\[?(\w+)[^\s\]]*\]?\s*(?:-\s*)?([\s\S]*)$/.exec(rest) ?? [];
      return `- \`${name}\`: ${what.replace(/\s+/g, ' ')}`;
    }
    if (tag === 'example') return `\nExample:\n\n${rest}\n`;
    const type = /^\{(.*?)\}\s*/.exec(rest);
    const words = type ? `\`${type[1]}\` ${rest.slice(type[0].length)}` : rest;
    return `\n*${TAGS.get(tag) ?? tag}:* ${words}\n`;
  });
  return [description.trim(), ...paragraphs].join('\n').replace(/^- `/m, '\n- `').trim();
}

/** Writes the pages of an API. */
class Reference {
  #modules;
  /** Where each declaration has its place in the site. @type {Map<string, Target>} */
  #targets = new Map();
  /** @type {Map<string, Place>} */
  #places = new Map();

  /** @param {Modules} modules */
  constructor(modules) {
    this.#modules = modules;
  }

  /**
   * Gives the exports of an import name that have none a place on its page.
   * @param {string} path
   * @param {ReadonlyMap<string, Place>} exports
   */
  claim(path, exports) {
    for (const [anchor, place] of exports) {
      if (this.#targets.has(idOf(place))) continue;
      this.#targets.set(idOf(place), { path, anchor });
      this.#places.set(idOf(place), place);
    }
  }

  /**
   * Gives the types that signatures name, and that nothing exports, places of their own.
   */
  claimRest() {
    /** @type {Map<string, Place>} */
    const found = new Map();
    // The loop also visits the places that it adds.
    for (const place of this.#places.values())
      for (const { references } of this.#modules.declarationsOf(place))
        for (const reference of references) {
          const named = this.#modules.placeOf(place.file, reference);
          if (named === undefined || this.#targets.has(idOf(named))) continue;
          const anchor = found.has(named.name) ? `${named.name}-${found.size}` : named.name;
          this.claim(REST.path, new Map([[anchor, named]]));
          found.set(anchor, named);
        }
    return found;
  }

  /**
   * A signature with links to the types that it names.
   * @param {string} path of the page.
   * @param {string} file of the declaration.
   * @param {string} text
   */
  #linked(path, file, text) {
    return [...text.matchAll(WORD)]
      .map(([word]) => {
        const place = /^[A-Z]/.test(word) ? this.#modules.placeOf(file, word) : undefined;
        const target = place && this.#targets.get(idOf(place));
        if (!target) return escaped(word);
        const page = target.path === path ? '' : linkFrom(path, target.path);
        return `<a href="${page}#${target.anchor}">${escaped(word)}</a>`;
      })
      .join('');
  }

  /** @param {string} path @param {string} comment */
  #prose(path, comment) {
    if (comment === '') return '';
    return renderMarkdown(withoutTags(comment), { file: 'docs/api.md', path, pathOf: fileOf }).html;
  }

  /**
   * @param {string} path
   * @param {string} anchor
   * @param {Place} place
   */
  #entry(path, anchor, place) {
    const declarations = this.#modules.declarationsOf(place);
    const seen = new Set();
    const parts = declarations.map(({ text, comment, members }) => {
      const head = members.length > 0 ? `${text.slice(0, text.indexOf('{')).trim()}` : text;
      const rows = members
        .filter(({ text: code }) => !code.startsWith('private '))
        .map((member) => {
          const isFirst = member.name !== '' && !seen.has(member.name);
          seen.add(member.name);
          const id = isFirst ? ` id="${anchor}.${member.name}"` : '';
          const code = this.#linked(path, place.file, member.text);
          return `<dt${id}><code>${code}</code></dt><dd>${this.#prose(path, member.comment)}</dd>`;
        });
      return [
        `<pre><code>${this.#linked(path, place.file, head)}</code></pre>`,
        this.#prose(path, comment),
        ...(rows.length > 0 ? [`<dl class="members">${rows.join('\n')}</dl>`] : []),
      ].join('\n');
    });
    const typeOnly = place.typeOnly && declarations.some(({ isValue }) => isValue);
    const note = typeOnly ? '<p>Only the type is exported.</p>\n' : '';
    return `<h3 id="${anchor}"><code>${anchor}</code></h3>\n${note}${parts.join('\n')}`;
  }

  /**
   * @param {{ path: string, title: string, summary?: string }} page
   * @param {ReadonlyMap<string, Place>} exports
   * @returns {Page}
   */
  page({ path, title, summary = '' }, exports) {
    const sorted = [...exports].sort(([a], [b]) => compare(a, b));
    const own = sorted.filter(([, place]) => this.#targets.get(idOf(place))?.path === path);
    const others = sorted.flatMap(([name, place]) => {
      const target = this.#targets.get(idOf(place));
      return target && target.path !== path ? [{ name, target }] : [];
    });
    const sections = KINDS.map(([heading, kinds]) => {
      const entries = own.filter(([, place]) => {
        const [first] = this.#modules.declarationsOf(place);
        return kinds.some((kind) => kind === first?.kind);
      });
      return { heading, entries };
    }).filter(({ entries }) => entries.length > 0);
    const described = sections.reduce((sum, { entries }) => sum + entries.length, 0);
    if (described !== own.length) throw new Error(`${title} exports a kind without a heading`);
    const contents = sections.map(({ heading, entries }) => {
      const links = entries.map(([name]) => `<a href="#${name}"><code>${name}</code></a>`);
      return `<dt>${heading}</dt><dd>${links.join(', ')}</dd>`;
    });
    const rest = others.map(
      ({ name, target }) =>
        `<li><a href="${linkFrom(path, target.path)}#${target.anchor}"><code>${name}</code></a></li>`,
    );
    const html = [
      `<h1 id="top">${escaped(title)}</h1>`,
      ...(summary === '' ? [] : [`<p>${escaped(summary)}</p>`]),
      `<dl class="contents">${contents.join('\n')}</dl>`,
      ...sections.flatMap(({ heading, entries }) => [
        `<h2 id="${heading.toLowerCase()}">${heading}</h2>`,
        ...entries.map(([name, place]) => this.#entry(path, name, place)),
      ]),
      ...(rest.length === 0
        ? []
        : [
            '<h2 id="described-elsewhere">Described with another import name</h2>',
            `<ul class="names">${rest.join('\n')}</ul>`,
          ]),
    ].join('\n');
    return { path, title, html, summary: `${sorted.length} names` };
  }
}

/** Links in documentation comments start at docs/. @param {string} file */
const fileOf = (file) => file.replace(/\.md$/, '.html');

/**
 * @param {Modules} modules
 * @param {readonly { name: string, file: string }[]} entries Import names and the files
 *   of their declarations.
 * @returns {Page[]}
 */
export function importPages(modules, entries) {
  const reference = new Reference(modules);
  const pages = entries.map(({ name, file }) => ({
    page: { path: importPath(name), title: name },
    exports: modules.exportsOf(file),
  }));
  for (const { page, exports } of pages) reference.claim(page.path, exports);
  const rest = reference.claimRest();
  return [
    ...pages.map(({ page, exports }) => reference.page(page, exports)),
    ...(rest.size === 0 ? [] : [reference.page(REST, rest)]),
  ];
}

/**
 * The list of import names.
 * @param {readonly Page[]} pages
 * @param {readonly { name: string, path: string }[]} layouts Import names that have a
 *   page among the register maps.
 * @param {readonly string[]} files Import names of files.
 * @returns {Page}
 */
export function importIndex(pages, layouts, files) {
  const path = 'api/index.html';
  const list = pages.map(
    ({ title, summary = '', path: target }) =>
      `<dt><a href="${posix.basename(target)}"><code>${escaped(title)}</code></a></dt><dd>${escaped(summary)}</dd>`,
  );
  const tables = layouts.map(
    ({ name, path: target }) =>
      `<li><a href="${linkFrom(path, target)}"><code>${escaped(name)}</code></a></li>`,
  );
  const names = files.map((name) => `<li><code>${escaped(name)}</code></li>`);
  const html = `<h1 id="top">API reference</h1>
<p>By import name. <a href="../docs/api.html">The guide to the API</a> explains how the parts
belong together.</p>
<dl class="pages">${list.join('\n')}</dl>
<h2 id="layouts">Layout tables</h2>
<p>Constants for guests in AssemblyScript, each with a page of its own.</p>
<ul class="names">${tables.join('\n')}</ul>
<h2 id="files">Files</h2>
<ul class="names">${names.join('\n')}</ul>`;
  return { path, title: 'API reference', html };
}
