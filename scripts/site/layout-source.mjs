// SPDX-License-Identifier: MIT
// The constants of a layout table with their comments, in the order of the source. Their
// values are those of the imported table.

/**
 * @typedef {object} Field Bits of a 32-bit word.
 * @property {number} word
 * @property {number} low
 * @property {number} width
 */

/**
 * @typedef {object} LayoutConstant
 * @property {string} name
 * @property {string} expression As in the source.
 * @property {number | bigint} value
 * @property {string} comment In one line.
 * @property {Field} [field] For a packed field.
 */

/**
 * @typedef {object} LayoutSection
 * @property {string} heading The comment before the section in one line; may be empty.
 * @property {readonly LayoutConstant[]} constants
 */

/**
 * @typedef {object} Layout
 * @property {string} intro The comment at the beginning.
 * @property {readonly LayoutSection[]} sections
 */

/** How layout tables write a field: word, lowest bit, width. */
const PACKED = /^\(\d+ << 16\) \| \(\d+ << 8\) \| \d+$/;
const CONSTANT = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export const (\w+)(?:: \w+)? =\s+([^;]+);/g;

/** @param {string} text */
const inOneLine = (text) => text.replace(/\s+/g, ' ').trim();

/** @param {string} comment The inside of a block comment. */
const prose = (comment) => inOneLine(comment.replace(/^\s*\* ?/gm, ''));

/** The text of line comments. @param {string} text */
const lineComments = (text) =>
  inOneLine(
    [...text.matchAll(/^\/\/ ?(.*)$/gm)]
      .map(([, line = '']) => line)
      .filter((line) => !line.startsWith('SPDX-'))
      .join('\n'),
  );

/** @param {number} packed @returns {Field} */
export const fieldOf = (packed) => ({
  word: packed >>> 16,
  low: (packed >>> 8) & 0xff,
  width: packed & 0xff,
});

/**
 * @param {string} source
 * @param {Readonly<Record<string, unknown>>} values The exports of the table.
 * @returns {Layout}
 */
export function readLayout(source, values) {
  const [, intro = ''] = /^((?:\/\/.*\n|\n(?=\/\/))*)/.exec(source) ?? [];
  /** Names of fields, also of those that are defined as another one. */
  const fields = new Set();
  /** @type {{ heading: string, constants: LayoutConstant[] }[]} */
  const sections = [];
  let end = intro.length;
  for (const match of source.matchAll(CONSTANT)) {
    const [whole, comment = '', name = '', expression = ''] = match;
    const heading = lineComments(source.slice(end, match.index));
    if (heading !== '' || sections.length === 0) sections.push({ heading, constants: [] });
    end = match.index + whole.length;
    // A comment at the end of the line is the constant's, and no heading.
    end += source.slice(end).indexOf('\n');
    const value = values[name];
    if (typeof value !== 'number' && typeof value !== 'bigint') continue;
    const isField = PACKED.test(expression) || fields.has(expression);
    if (isField) fields.add(name);
    sections.at(-1)?.constants.push({
      ...{ name, expression: inOneLine(expression), value, comment: prose(comment) },
      ...(isField && typeof value === 'number' ? { field: fieldOf(value) } : {}),
    });
  }
  return {
    intro: lineComments(intro),
    sections: sections.filter(({ constants }) => constants.length > 0),
  };
}

/**
 * A set of fields of one register or structure.
 * @typedef {object} FieldGroup
 * @property {string} name
 * @property {readonly (LayoutConstant & { field: Field })[]} fields
 */

/** @param {string} name */
const withoutPrefix = (name) => name.slice(name.indexOf('_') + 1);

/**
 * The fields of a layout by the register or the structure that has them: the longest name
 * of another constant that begins the field's, with or without its prefix; otherwise the
 * field's own prefix.
 * @param {Layout} layout
 * @returns {readonly FieldGroup[]}
 */
export function fieldGroups({ sections }) {
  const constants = sections.flatMap((section) => section.constants);
  // Offsets and opcodes are hexadecimal, values of fields and counts are not.
  const owners = constants
    .filter(({ field, expression }) => !field && expression.startsWith('0x'))
    .flatMap(({ name }) => [name, withoutPrefix(name)])
    .sort((a, b) => b.length - a.length);
  /** @type {Map<string, (LayoutConstant & { field: Field })[]>} */
  const groups = new Map();
  for (const { field, ...constant } of constants) {
    if (!field) continue;
    const owner = owners.find((name) => constant.name.startsWith(`${name}_`));
    const name = owner ?? constant.name.slice(0, constant.name.indexOf('_'));
    const group = groups.get(name) ?? [];
    group.push({ ...constant, field });
    groups.set(name, group);
  }
  return [...groups].map(([name, fields]) => ({ name, fields }));
}

/**
 * The fields of one word, in rows without overlaps: structures may have more than one
 * format.
 * @template {{ field: Field }} T
 * @param {readonly T[]} fields
 * @returns {T[][]}
 */
export function rowsOf(fields) {
  /** @type {T[][]} */
  const rows = [];
  for (const one of [...fields].sort((a, b) => b.field.low - a.field.low)) {
    const top = one.field.low + one.field.width;
    const row = rows.find((others) => (others.at(-1)?.field.low ?? 32) >= top);
    if (row) row.push(one);
    else rows.push([one]);
  }
  return rows;
}
