// SPDX-License-Identifier: MIT
// Structures as people write them: 64-bit doublewords of 16 hexadecimal digits, the lowest first.

import { printable } from '../plugin/index.ts';
import { checkInteger, checkList } from '../plugin/known-values.ts';
import { checkDoublewords } from '../plugin/known-words.ts';
import { anyText } from '../plugin/option-kinds.ts';

const DIGITS = 16;
const MOST_SHOWN = 40;
/** No structure comes near to it. */
const MOST_DOUBLEWORDS = 2 ** 16;

/**
 * The 32-bit words of doublewords in hexadecimal, lowest first.
 * @throws {TypeError} when they are no list of texts.
 * @throws {RangeError} naming the first that is not 16 hexadecimal digits.
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
 * The same the other way round: doublewords in hexadecimal of 32-bit words.
 * @throws {TypeError|RangeError} unless they are an even number of integers of 32 bits.
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

/** Prefix, digits, and the suffix that a C compiler takes. */
const NUMBER = /^(?:0x)?([0-9a-f]{1,16})(?:u?l{0,2})$/i;
const SEPARATORS = /[\s,;:{}[\]|]+/;

/**
 * The 32-bit words of a structure as people have them: hexadecimal numbers with or
 * without `0x`, short ones too, between spaces, commas or brackets; its doublewords, or
 * twice as many 32-bit words, the lowest first.
 * @param doublewords how many the structure has, from 1.
 * @throws {TypeError} when the one is no text, or the other no number.
 * @throws {RangeError} one line that names what is no number, or how many there are.
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
