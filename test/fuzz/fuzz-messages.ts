// SPDX-License-Identifier: MIT
// Messages between the process that fuzzes and the one that watches it.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What to do: runs of a target, starting with a seed. */
export interface FuzzOrder {
  readonly target: string;
  readonly seed: number;
  /** Number of runs; undefined: as many as begin within `milliseconds`. */
  readonly runs: number | undefined;
  readonly milliseconds: number | undefined;
  /** The file of the progress. */
  readonly progress: string;
}

/** How it ended. A process that ends without a message has crashed. */
export type FuzzMessage =
  | { readonly kind: 'done' }
  /** The run with the seed in the progress has a finding. */
  | { readonly kind: 'finding'; readonly stack: string }
  /** It could not begin. */
  | { readonly kind: 'broken'; readonly stack: string };

/** Its progress. */
export interface FuzzProgress {
  /** Runs that have ended without a finding. */
  readonly runs: number;
  readonly operations: number;
  readonly seconds: number;
}

/**
 * The progress of a process in a file, which outlives the process: it is written before
 * each run.
 */
export class ProgressFile {
  readonly #file: number;
  readonly #numbers = new Float64Array(3);
  readonly #bytes = new Uint8Array(this.#numbers.buffer);

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  write({ runs, operations, seconds }: FuzzProgress): void {
    this.#numbers.set([runs, operations, seconds]);
    writeSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The contents of the file; empty if it has not been written yet. */
export function readProgress(path: string): FuzzProgress {
  const bytes = readFileSync(path);
  if (bytes.length < 24) return { runs: 0, operations: 0, seconds: 0 };
  const [runs, operations, seconds] = [0, 8, 16].map((at) => bytes.readDoubleLE(at));
  return { runs: runs ?? 0, operations: operations ?? 0, seconds: seconds ?? 0 };
}
