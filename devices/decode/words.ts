// SPDX-License-Identifier: MIT
// Structures as text: 64-bit doublewords of 16 hexadecimal digits, the lowest first.

import { printable } from '../plugin/index.ts';
import { checkInteger, checkList } from '../plugin/known-values.ts';
import { checkDoublewords } from '../plugin/known-words.ts';
import { anyText } from '../plugin/option-kinds.ts';

const DIGITS = 16;
const MOST_SHOWN = 40;
/** Far more than any structure has. */
const MOST_DOUBLEWORDS = 2 ** 16;

/**
 * The 32-bit words of hexadecimal doublewords, lowest first.
 * @throws {TypeError} when they are not a list of strings.
 * @throws {RangeError} that names the first one that is not 16 hexadecimal digits.
 */
export function wordsOfHex(doublewords: readonly string[]): number[] {
  checkList(doublewords, 'wordsOfHex: doublewords');
  return doublewords.flatMap((text, i) => {
    anyText(text, 'wordsOfHex', `doublewords[${i}]`);
    if (!/^[0-9a-f]{16}$/i.test(text))
      throw new RangeError(`${printable(text, MOST_SHOWN)} is not ${DIGITS} hexadecimal digits`);
    return [text.slice(DIGITS / 2), text.slice(0, DIGITS / 2)].map((half) =>
      Number.parseInt(half, 16),
    );
  });
}

/**
 * The inverse: hexadecimal doublewords of 32-bit words.
 * @throws {TypeError|RangeError} unless they are an even number of 32-bit integers.
 */
export function hexOfWords(words: ArrayLike<number>): string[] {
  checkDoublewords(words, 'hexOfWords: words');
  const digits = (word: number | undefined) =>
    ((word ?? 0) >>> 0).toString(16).padStart(DIGITS / 2, '0');
  return Array.from(
    { length: words.length / 2 },
    (_, i) => digits(words[2 * i + 1]) + digits(words[2 * i]),
  );
}

/** Prefix, digits, and the suffix of a C integer constant. */
const NUMBER = /^(?:0x)?([0-9a-f]{1,16})(?:u?l{0,2})$/i;
const SEPARATORS = /[\s,;:{}[\]|]+/;

/**
 * The 32-bit words of a structure from text: hexadecimal numbers of any length, with or
 * without `0x`, separated by spaces, commas or brackets; either its doublewords or twice
 * as many 32-bit words, the lowest first.
 * @param doublewords number of doublewords of the structure, from 1.
 * @throws {TypeError} when the text is not a string, or `doublewords` not a number.
 * @throws {RangeError} with one line that quotes what is not a number, or states the
 *   wrong count.
 */
export function wordsOfText(text: string, doublewords: number): number[] {
  anyText(text, 'wordsOfText', 'text');
  checkInteger(doublewords, 1, MOST_DOUBLEWORDS, 'wordsOfText: doublewords');
  const numbers = text.split(SEPARATORS).filter((part) => part !== '');
  const digits = numbers.map((number) => {
    const [, found] = NUMBER.exec(number) ?? [];
    if (found === undefined) {
      throw new RangeError(
        `${JSON.stringify(number.slice(0, MOST_SHOWN))} is not 1 to ${DIGITS} hexadecimal digits`,
      );
    }
    return found;
  });
  if (digits.length === 2 * doublewords && digits.every((one) => one.length <= DIGITS / 2))
    return digits.map((one) => Number.parseInt(one, 16));
  if (digits.length !== doublewords)
    throw new RangeError(
      `it is ${doublewords} ${doublewords === 1 ? 'doubleword' : 'doublewords'}, not ${digits.length}`,
    );
  return wordsOfHex(digits.map((one) => one.padStart(DIGITS, '0')));
}
