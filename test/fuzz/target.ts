// SPDX-License-Identifier: MIT
// What is fuzzed, and how: a target creates a fuzzer once, which then makes runs in this
// process. A run depends only on its seed.

/** A fuzzer of one target. Its resources are reused between runs where possible. */
export interface Fuzzer {
  /**
   * One run, some hundred to some thousand operations.
   * @param seed 0 to 2^32 - 1.
   * @returns the number of operations.
   * @throws what it has found.
   */
  run(seed: number): number | Promise<number>;
}

export interface FuzzTarget {
  readonly name: string;
  create(): Promise<Fuzzer>;
}

/** A violation that the fuzzer has found. */
export class FuzzFinding extends Error {
  override readonly name = 'FuzzFinding';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Whether a text has no effect on a terminal that prints it. */
export function isHarmless(text: string): boolean {
  return !CONTROL.test(text);
}

/**
 * A refusal states its reason in one line.
 * @param most maximum number of characters.
 * @throws {FuzzFinding} when a terminal cannot print the message.
 */
export function ensureHarmlessLine(message: string, most: number, about = ''): void {
  ensure(
    message.length <= most && isHarmless(message),
    () => `${about}the message ${JSON.stringify(message)} is no harmless line`,
  );
}

/** @throws {FuzzFinding} with the message when the condition is false. */
export function ensure(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new FuzzFinding(message());
}
