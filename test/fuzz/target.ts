// SPDX-License-Identifier: MIT
// What is fuzzed, and how: a target makes a fuzzer once, which then makes runs in this process. All of a run follows from its seed.

/** A fuzzer of one target. Nothing in it is made again for a run that need not be. */
export interface Fuzzer {
  /**
   * One run, some hundred to some thousand operations.
   * @param seed 0 to 2^32 - 1.
   * @returns how many operations it made.
   * @throws what it has found.
   */
  run(seed: number): number | Promise<number>;
}

export interface FuzzTarget {
  readonly name: string;
  create(): Promise<Fuzzer>;
}

/** Something that must not happen has happened. */
export class FuzzFinding extends Error {
  override readonly name = 'FuzzFinding';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Whether a text does nothing to a terminal that shows it. */
export function isHarmless(text: string): boolean {
  return !CONTROL.test(text);
}

/**
 * Whoever is refused is told why in one line.
 * @param most characters of it.
 * @throws {FuzzFinding} when the message is none that a terminal can show.
 */
export function ensureHarmlessLine(message: string, most: number, about = ''): void {
  ensure(
    message.length <= most && isHarmless(message),
    () => `${about}the message ${JSON.stringify(message)} is no harmless line`,
  );
}

/** @throws {FuzzFinding} with the message when the condition does not hold. */
export function ensure(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new FuzzFinding(message());
}
