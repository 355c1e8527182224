// SPDX-License-Identifier: MIT
// Who prints the result of a supervised run: the run, or its supervisor when it has to
// terminate the run. The first to claim the final word prints, the other one does not.

import { parentPort, workerData } from 'node:worker_threads';
import { type RunStream, runStream } from './run-output.ts';

/** The workerData of the worker. */
export interface FinalWordRoom {
  /** One word: not 0 once the final word is claimed. */
  readonly finalWord: SharedArrayBuffer;
}

/** Told by a run after its result, with the exit status. */
export interface ResultTold {
  readonly event: 'result';
  readonly status: number;
}

/** @returns true for the first caller, on any thread. */
export function claimFinalWord({ finalWord }: FinalWordRoom): boolean {
  return Atomics.exchange(new Int32Array(finalWord), 0, 1) === 0;
}

/**
 * Prints the result of a run, unless its supervisor has claimed the final word. What the run does
 * afterwards can no longer change its exit status.
 */
export function printResult(
  text: string,
  status: number,
  stdout: RunStream = runStream('stdout'),
): void {
  const room = workerData as Partial<FinalWordRoom> | null;
  if (room?.finalWord === undefined) {
    stdout.write(text);
    return;
  }
  if (!claimFinalWord({ finalWord: room.finalWord })) return;
  stdout.write(text);
  const told: ResultTold = { event: 'result', status };
  parentPort?.postMessage(told);
}
