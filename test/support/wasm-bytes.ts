// SPDX-License-Identifier: MIT
// WebAssembly binaries byte by byte: those that no assembler produces.

export const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

/** A name, or the bytes of one that is not UTF-8. */
export function name(text: string | readonly number[]): number[] {
  const bytes = typeof text === 'string' ? [...new TextEncoder().encode(text)] : text;
  return [...leb(bytes.length), ...bytes];
}

export const vector = (...items: readonly (readonly number[])[]) => [
  ...leb(items.length),
  ...items.flat(),
];

export const section = (id: number, contents: readonly number[]) => [
  id,
  ...leb(contents.length),
  ...contents,
];

export const binary = (...parts: readonly (readonly number[])[]) =>
  Uint8Array.from([...HEADER, ...parts.flat()]);

const I32 = 0x7f;
/** Types 0 to 3: (), (i32), (i32) -> i32, (i32, i32). */
const TYPES = [
  [0x60, 0x00, 0x00],
  [0x60, 0x01, I32, 0x00],
  [0x60, 0x01, I32, 0x01, I32],
  [0x60, 0x02, I32, I32, 0x00],
];
export const IMPORT_MEMORY = [...name('env'), ...name('memory'), 0x02, 0x03, 0x20, 0x20];

/** Parts of a command that does nothing, by section: each replaces the default. */
export interface Parts {
  /** Further types, from 4 on. */
  readonly types?: readonly (readonly number[])[];
  /** Imports instead of env.memory. */
  readonly imports?: readonly (readonly number[])[];
  /** How many of them are functions. */
  readonly functions?: number;
  /** Whole sections between the functions and the exports. */
  readonly before?: readonly (readonly number[])[];
  /** Whole sections between exports and code. */
  readonly between?: readonly (readonly number[])[];
  /** Whole sections after the code. */
  readonly after?: readonly (readonly number[])[];
}

/**
 * A command: `_start` is its only function, whose index follows those of imported
 * functions.
 */
export function command({
  types = [],
  imports = [IMPORT_MEMORY],
  functions = 0,
  before = [],
  between = [],
  after = [],
}: Parts = {}): Uint8Array<ArrayBuffer> {
  return binary(
    section(1, vector(...TYPES, ...types)),
    section(2, vector(...imports)),
    section(3, [0x01, 0x00]),
    ...before,
    section(7, vector([...name('_start'), 0x00, ...leb(functions)])),
    ...between,
    section(10, [0x01, 0x02, 0x00, 0x0b]),
    ...after,
  );
}
