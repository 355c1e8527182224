// SPDX-License-Identifier: MIT
// Blocks of code of a Markdown page.

/**
 * @typedef {object} Block
 * @property {string} language
 * @property {string} info The text after the language: the name of a file, or why the
 *   block is not run.
 * @property {string} text
 */

/**
 * The blocks of a page, in order.
 * @param {string} page
 * @returns {Block[]}
 */
export function blocksOf(page) {
  return [...page.matchAll(/^```(\w*)[ ]?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', info = '', text = '']) => ({ language, info, text }),
  );
}
