// SPDX-License-Identifier: MIT
// Findings of the sanitizer (docs/sanitizer.md), from the line that it prints for each.

import { GRANULE_4K, GRANULE_16K, GRANULE_64K, leafAllowed, levelShift } from '../tables/index.ts';
import { decodeCd } from './decode-cd.ts';
import { commandSummary } from './decode-commands.ts';
import { decodePte, type PteOptions } from './decode-pte.ts';
import { decodeSte } from './decode-ste.ts';
import type { Decoded } from './structure.ts';
import { wordsOfHex } from './words.ts';

const ENTRY = /\bstale .{1,200}?(?:, 0x([0-9a-f]{1,16}) bytes at .{1,120}?)?, used for iova /;
const CHANGE =
  /\bstage-([12]) descriptor at 0x[0-9a-f]{1,16} was 0x([0-9a-f]{16}), is 0x([0-9a-f]{16})/g;
const STRUCTURE =
  /\b(STE|CD) doubleword (\d)(?: at 0x[0-9a-f]{1,16})? was 0x([0-9a-f]{1,16}), is 0x([0-9a-f]{1,16})/g;
const MISSING = /\bmissing: (\w{1,20})/;

/** Granule and level of a leaf, by log2 of the bytes that its entry maps. */
const LEAVES: ReadonlyMap<number, Pick<PteOptions, 'granule' | 'level'>> = new Map(
  ([GRANULE_4K, GRANULE_16K, GRANULE_64K] as const).flatMap((granule) =>
    [1, 2, 3]
      .filter((level) => leafAllowed(granule, level))
      .map((level) => [levelShift(granule, level), { granule, level }] as const),
  ),
);

const DECODERS = { STE: decodeSte, CD: decodeCd } as const;

/** The values of a word before and after, as fields of their own. */
function beforeAndAfter(
  was: string,
  is: string,
  decode: (words: ReturnType<typeof wordsOfHex>) => Decoded,
): Decoded[] {
  return Object.entries({ was, is }).map(([when, digits]) => {
    const decoded = decode(wordsOfHex([digits]));
    return { ...decoded, name: `${when}: ${decoded.name}` };
  });
}

/**
 * A doubleword of a structure, decoded into its fields. Effects of the other doublewords
 * are unknown.
 */
function decodeDoubleword(
  what: 'STE' | 'CD',
  doubleword: number,
  value: ArrayLike<number>,
): Decoded {
  const words = new Uint32Array(16);
  words.set(value, 2 * doubleword);
  const fields = DECODERS[what](words)
    .fields.filter((field) => field.doubleword === doubleword)
    .map((field) => ({ ...field, ignored: false }));
  return { name: `${what} doubleword ${doubleword}`, summary: '', fields };
}

/** The effect of a command, by name. */
function command(name: string): Decoded[] {
  const summary = commandSummary(name);
  return summary === undefined ? [] : [{ name: `missing: ${name}`, summary, fields: [] }];
}

/**
 * Decodes a line that is a finding: the descriptors before and after, and the missing
 * command; or the doublewords of an STE or CD. Nothing for any other line.
 */
export function decodeFinding(line: string): Decoded[] {
  const found = ENTRY.exec(line);
  if (!found) return [];
  const size = Number.parseInt(found[1] ?? '0', 16);
  const leaf = LEAVES.get(Math.log2(size));
  const changes = [...line.matchAll(CHANGE)].flatMap(([, stage, old = '', now = '']) => {
    if (!leaf) return [];
    const where: PteOptions = { ...leaf, stage: stage === '1' ? 1 : 2 };
    return beforeAndAfter(old, now, (words) => decodePte(words, where));
  });
  const structures = [...line.matchAll(STRUCTURE)].flatMap(([, what, number, was = '', is = '']) =>
    beforeAndAfter(was, is, (words) =>
      decodeDoubleword(what as 'STE' | 'CD', Number(number), words),
    ),
  );
  return [...changes, ...structures, ...command(MISSING.exec(line)?.[1] ?? '')];
}
