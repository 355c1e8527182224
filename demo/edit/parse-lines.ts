// SPDX-License-Identifier: MIT
// The lines of "Edit and run": their syntax, and the toy's argument that they become
// (guest-driver/toy/program.ts). Each invalid line gives one message with its number.

import { cut } from '../link/cut-text.ts';

/** Maximum number of characters of the text, and of lines with an operation. */
export const MOST_LINES_TEXT = 2000;
export const MOST_LINES = 40;

/** The forms of lines, with explanations for users. */
export const LINE_FORMS: readonly (readonly [form: string, about: string])[] = [
  ['map IOVA page N [ro]', 'a PTE for page N (0 to 7) of the guest\u2019s memory'],
  ['unmap IOVA', 'clears the PTE, and nothing else'],
  ['dma read IOVA', 'the device reads 64 bytes there'],
  ['dma write IOVA', 'the device writes 64 bytes there'],
  ['tlbi va IOVA', 'TLBI_NH_VA'],
  ['tlbi asid', 'TLBI_NH_ASID of the driver\u2019s ASID'],
  ['tlbi all', 'TLBI_NH_ALL, which a VCMDQ does not take'],
  ['cd off', 'makes the CD invalid'],
  ['cfgi cd', 'CFGI_CD'],
  ['ste abort', 'has the STE abort'],
  ['cfgi ste', 'CFGI_STE'],
  ['sync', 'CMD_SYNC, and waits for it'],
];

/** Lines without operands, and the toy's letter for each. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ['tlbi asid', 'a'],
  ['tlbi all', 'n'],
  ['cd off', 'd'],
  ['cfgi cd', 'c'],
  ['ste abort', 't'],
  ['cfgi ste', 's'],
  ['sync', 'y'],
]);

/** Lines with an address, and its alignment. */
const ADDRESSED: ReadonlyMap<string, readonly [letter: string, alignment: bigint]> = new Map([
  ['unmap', ['u', 4096n]],
  ['dma read', ['r', 64n]],
  ['dma write', ['w', 64n]],
  ['tlbi va', ['v', 4096n]],
] as const);

const INPUT_BITS = 48n;
const PAGES = 8;

/** Result of parsing: the toy's argument, or the errors, one line each. */
export interface ParsedLines {
  readonly program: string;
  readonly problems: readonly string[];
  /** Number of lines with an operation. */
  readonly count: number;
}

/** Maximum number of messages about invalid lines: further ones are counted. */
const MOST_PROBLEMS = 10;

class LineError extends Error {}

/** An address in hexadecimal. */
function address(word: string | undefined, alignment: bigint): string {
  if (word === undefined) throw new LineError('an address is missing, as in 0x1000');
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(word))
    throw new LineError(`${cut(word)} is not an address`);
  const value = BigInt(word);
  if (value >> INPUT_BITS !== 0n) throw new LineError(`${word} is beyond 48 bits`);
  if (value % alignment !== 0n) throw new LineError(`${word} is not a multiple of ${alignment}`);
  return value.toString(16);
}

function map([iova, page, number, ...rest]: readonly string[]): string {
  const at = address(iova, 4096n);
  if (page !== 'page' || number === undefined)
    throw new LineError('map takes an address, then "page" and its number');
  if (!/^\d$/.test(number) || Number(number) >= PAGES)
    throw new LineError(`page ${cut(number)}: pages are 0 to ${PAGES - 1}`);
  if (rest.length > 1 || (rest.length === 1 && rest[0] !== 'ro'))
    throw new LineError(`${cut(rest.join(' '))}: only "ro" may follow the page number`);
  return `${rest.length === 1 ? 'o' : 'm'}${at}.${number}`;
}

function operation(words: readonly string[]): string {
  const [first = '', second = ''] = words;
  if (first === 'map') return map(words.slice(1));
  const plain = PLAIN.get(words.join(' '));
  if (plain !== undefined) return plain;
  for (const name of [first, `${first} ${second}`]) {
    const found = ADDRESSED.get(name);
    if (!found) continue;
    const [letter, alignment] = found;
    const [iova, ...rest] = words.slice(name.split(' ').length);
    const at = address(iova, alignment);
    if (rest.length > 0)
      throw new LineError(`${cut(rest.join(' '))}: unexpected text after the address`);
    return `${letter}${at}`;
  }
  const verbs = LINE_FORMS.map(([form]) => form.replace(/ ?IOVA.*/, ''));
  throw new LineError(`"${cut(words.join(' '))}" is none of ${verbs.join(', ')}`);
}

/**
 * The words of each operation of a text, in lower case, and the line that it is in, from 1.
 * Operations are separated by newlines or semicolons; text after # or // is a comment.
 */
export function wordsOf(
  text: string,
): readonly { readonly line: number; readonly words: string[] }[] {
  return text.split('\n').flatMap((line, i) =>
    line
      .replace(/(#|\/\/).*$/, '')
      .split(';')
      .map((part) => ({ line: i + 1, words: part.trim().toLowerCase().split(/\s+/) }))
      .filter(({ words }) => words[0] !== ''),
  );
}

/** Parses lines, as `wordsOf` separates them. */
export function parseLines(text: string): ParsedLines {
  if (text.length > MOST_LINES_TEXT)
    return {
      program: '',
      problems: [`the lines have more than ${MOST_LINES_TEXT} characters`],
      count: 0,
    };
  const operations: string[] = [];
  const problems: string[] = [];
  let wrong = 0;
  for (const { line, words } of wordsOf(text)) {
    try {
      operations.push(operation(words));
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      wrong++;
      if (wrong <= MOST_PROBLEMS) problems.push(`line ${line}: ${error.message}`);
    }
  }
  if (wrong > MOST_PROBLEMS) problems.push(`${wrong - MOST_PROBLEMS} more are wrong`);
  if (operations.length > MOST_LINES) problems.push(`there are more than ${MOST_LINES} lines`);
  if (operations.length === 0 && problems.length === 0) problems.push('there is no line to run');
  return {
    program: problems.length > 0 ? '' : operations.join(','),
    problems,
    count: operations.length,
  };
}
