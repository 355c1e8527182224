// What is fuzzed, and how: a target makes a fuzzer once, which then makes runs in this process. All of a run follows from its seed.

/** A fuzzer of one target. Nothing in it is made anew for a run that need not be. */
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

/** @throws {FuzzFinding} with the message when the condition does not hold. */
export function ensure(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new FuzzFinding(message());
}
