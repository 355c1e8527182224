// SPDX-License-Identifier: MIT
// Text from a guest, a file or a plugin, made safe for one line of output: it must not
// move a terminal's cursor, nor start another line.

/** Maximum number of characters of such a text that are shown. */
const MOST = 200;

/**
 * C0 and C1 controls, line and paragraph separators, marks that change the direction of
 * writing, and halves of surrogate pairs.
 */
export const HARMFUL = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The text with each harmful character escaped as in `\u{1b}`, truncated after `most`
 * characters.
 * @param most Default 200.
 * @throws {TypeError} when it is not a string.
 */
export function printable(text: string, most = MOST): string {
  if (typeof text !== 'string')
    throw new TypeError(`printable: text must be text, not ${typeof text}`);
  if (!Number.isInteger(most) || most < 0)
    throw new TypeError('printable: most must be an integer from 0');
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(
    HARMFUL,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
