// SPDX-License-Identifier: MIT
// The pieces of a memory map, and their errors.

/** Exports of a layout file. */
export type Layout = Readonly<Record<string, number>>;

/** Name, size and alignment of a piece. */
export type Piece = readonly [name: string, size: number, alignment: number];

export const i32 = (name: string, count = 1): Piece => [name, 4 * count, 4];
export const i64 = (name: string, count = 1): Piece => [name, 8 * count, 8];
export const area = (name: string, size: number, alignment = 64): Piece => [name, size, alignment];

/** Errors in the pieces of a map of `size` bytes. */
export function faults(layout: Layout, pieces: readonly Piece[], size: number): string[] {
  const found: string[] = [];
  let end = 0;
  let last = 'the start';
  const sorted = pieces
    .map((piece) => ({ piece, at: layout[piece[0]] ?? Number.NaN }))
    .sort((a, b) => a.at - b.at);
  for (const { piece, at } of sorted) {
    const [name, length, alignment] = piece;
    if (Number.isNaN(at)) found.push(`${name} does not exist`);
    if (at < end) found.push(`${name} overlaps ${last}`);
    if (at % alignment !== 0) found.push(`${name} is not aligned to ${alignment}`);
    end = at + length;
    last = name;
  }
  if (end > size) found.push(`${last} ends at ${end}, beyond ${size}`);
  return found;
}

/** Exports of a layout whose names have a prefix and that the map does not contain. */
export function unplaced(layout: Layout, prefix: RegExp, pieces: readonly Piece[]): string[] {
  const placed = new Set(pieces.map(([name]) => name));
  return Object.keys(layout).filter((name) => prefix.test(name) && !placed.has(name));
}
