// SPDX-License-Identifier: MIT
// Text of a guest, a file or a plugin in a line of ours: it may neither move a terminal's
// cursor nor make a second line of it.

/** Characters of such a text that are shown. */
const MOST = 200;

/**
 * C0 and C1 controls, line and paragraph separators, marks that turn the direction of
 * writing, and halves of surrogate pairs.
 */
export const HARMFUL = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The text with everything that is not to be printed as `\u{1b}`, cut after `most` characters.
 * @param most Default 200.
 * @throws {TypeError} when it is no text.
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
