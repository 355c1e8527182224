// SPDX-License-Identifier: MIT
// A page for each layout table of registers and structures: bit fields drawn, and every
// constant with its comment.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importLayout } from '../layout-tables.mjs';
import { escaped } from './html-text.mjs';
import { fieldGroups, readLayout, rowsOf } from './layout-source.mjs';

/** @typedef {import('./page-frame.mjs').Page} Page */
/** @typedef {import('./layout-source.mjs').Layout} Layout */
/** @typedef {import('./layout-source.mjs').LayoutConstant} LayoutConstant */
/** @typedef {import('./layout-source.mjs').FieldGroup} FieldGroup */

const FOLDER = 'assembly/layout';
/**
 * Tables that describe hardware: register maps, and the structures in memory that the
 * hardware reads and writes. The other tables are layouts of this implementation.
 */
const HARDWARE = /-registers$|-formats$|^(?:ste|cd|commands|events|page-requests|descriptors)$/;

/** The path of a table's page. @param {string} name */
export const registerPath = (name) => `registers/${name}.html`;

/** Whether a table describes hardware. @param {string} name */
export const isHardware = (name) => HARDWARE.test(name);

/** A constant's name without the part that the heading of its group has. */
const shortName = (/** @type {string} */ group, /** @type {string} */ name) =>
  name.startsWith(`${group}_`) ? name.slice(group.length + 1) : name;

/** @param {FieldGroup} group */
function drawing({ name, fields }) {
  const bits = Array.from({ length: 32 }, (_, index) => `<th scope="col">${31 - index}</th>`);
  const words = [...new Set(fields.map(({ field }) => field.word))].sort((a, b) => a - b);
  const rows = words.flatMap((word) =>
    rowsOf(fields.filter(({ field }) => field.word === word)).map((row) => {
      let bit = 32;
      const cells = row.flatMap(({ name: constant, field: { low, width } }) => {
        const gap = bit - low - width;
        bit = low;
        const short = escaped(shortName(name, constant));
        return [
          ...(gap > 0 ? [`<td colspan="${gap}"></td>`] : []),
          `<td class="field" colspan="${width}"><a href="#${constant}" title="${constant}">${short}</a></td>`,
        ];
      });
      if (bit > 0) cells.push(`<td colspan="${bit}"></td>`);
      return `<tr><th scope="row">${word}</th>${cells.join('')}</tr>`;
    }),
  );
  return [
    `<h3 id="fields-${name}">${name}</h3>`,
    '<div class="wide"><table class="bits">',
    `<thead><tr><th scope="col">word</th>${bits.join('')}</tr></thead>`,
    `<tbody>${rows.join('\n')}</tbody></table></div>`,
  ].join('\n');
}

/** @param {LayoutConstant} constant */
function rowOf({ name, value, expression, field, comment }) {
  const isHexadecimal = expression.startsWith('0x') || (!/^\d+n?$/.test(expression) && !field);
  const shown = isHexadecimal ? `0x${value.toString(16)}` : String(value);
  const place = field
    ? `word ${field.word}, ${field.width === 1 ? `bit ${field.low}` : `bits ${field.low + field.width - 1}:${field.low}`}`
    : shown;
  return `<tr id="${name}"><td><code>${name}</code></td><td>${place}</td><td>${escaped(comment)}</td></tr>`;
}

/**
 * @param {string} name of the table.
 * @param {Layout} layout
 * @param {string} [importName] of the table in the package.
 * @returns {Page}
 */
export function registerPage(name, layout, importName) {
  const [summary = name] = layout.intro.split(/(?<=[.])\s/);
  const groups = fieldGroups(layout);
  const tables = layout.sections.map(({ heading, constants }) =>
    [
      ...(heading === '' ? [] : [`<p>${escaped(heading)}</p>`]),
      '<div class="wide"><table><thead><tr><th>name</th><th>value</th><th>meaning</th></tr></thead>',
      `<tbody>${constants.map(rowOf).join('\n')}</tbody></table></div>`,
    ].join('\n'),
  );
  const html = [
    `<h1 id="top">${escaped(name)}</h1>`,
    `<p>${escaped(layout.intro)}</p>`,
    ...(importName === undefined
      ? []
      : [`<p>In the package: <code>import { … } from '${escaped(importName)}'</code>.</p>`]),
    ...(groups.length === 0
      ? []
      : [
          '<h2 id="fields">Fields</h2>',
          '<p>By 32-bit words. A second row of one word is another format of it.</p>',
          ...groups.map(drawing),
        ]),
    '<h2 id="constants">Constants</h2>',
    ...tables,
  ].join('\n');
  return { path: registerPath(name), title: name, html, summary };
}

/**
 * The pages of the tables that describe hardware, and of those that the package has.
 * @param {string} root
 * @param {ReadonlyMap<string, string>} importNames by the table's name.
 * @returns {Promise<Page[]>}
 */
export async function registerPages(root, importNames) {
  const names = readdirSync(join(root, FOLDER))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .filter((name) => HARDWARE.test(name) || importNames.has(name))
    .sort();
  const pages = [];
  for (const name of names) {
    const source = readFileSync(join(root, FOLDER, `${name}.ts`), 'utf8');
    const layout = readLayout(source, await importLayout(root, [name]));
    if (layout.sections.length > 0) pages.push(registerPage(name, layout, importNames.get(name)));
  }
  return pages;
}

/** The list of all tables. @param {readonly Page[]} pages @returns {Page} */
export function registerIndex(pages) {
  const listOf = (/** @type {boolean} */ hardware) =>
    pages
      .filter(({ title }) => isHardware(title) === hardware)
      .map(
        ({ path, title, summary = '' }) =>
          `<dt><a href="${posix.basename(path)}">${escaped(title)}</a></dt><dd>${escaped(summary)}</dd>`,
      )
      .join('\n');
  const html = `<h1 id="top">Register maps</h1>
<p>Offsets, fields and values, made from the tables in <code>${FOLDER}</code> that the devices,
the WebAssembly modules and the guests use.</p>
<h2 id="hardware">Registers and structures of hardware</h2>
<dl class="pages">${listOf(true)}</dl>
<h2 id="others">Other tables of the package</h2>
<dl class="pages">${listOf(false)}</dl>`;
  return { path: 'registers/index.html', title: 'Register maps', html };
}
