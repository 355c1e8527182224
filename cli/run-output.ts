// SPDX-License-Identifier: MIT
// What a run prints. Under supervision (supervisor.ts) it goes to the supervising thread at once: what a worker gives its own streams
// leaves only when the guest lets the thread go, which one that spins never does.

import { isMainThread, parentPort, type Worker, workerData } from 'node:worker_threads';

type StreamName = 'stdout' | 'stderr';

/** What a run needs of a stream. */
export interface RunStream {
  write(data: string | Uint8Array): unknown;
}

/** A piece of output on its way to the supervising thread. */
interface Output {
  readonly event: 'output';
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

/** What a worker finds in its workerData. */
export interface OutputRoom {
  /** One word: bytes on their way that have not been written yet. */
  readonly unwritten: SharedArrayBuffer;
}

/** More than this on its way, and the run waits: a reader that is slow holds it up, as it would any program. */
const MOST_UNWRITTEN = 4 * 2 ** 20;

/** A stream of the process, for what a run prints. */
export function runStream(stream: StreamName): RunStream {
  const room = (workerData as OutputRoom | null)?.unwritten;
  if (isMainThread || room === undefined) return process[stream];
  const unwritten = new Int32Array(room);
  return {
    write(data) {
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
      for (
        let now = Atomics.load(unwritten, 0);
        now > MOST_UNWRITTEN;
        now = Atomics.load(unwritten, 0)
      )
        Atomics.wait(unwritten, 0, now);
      Atomics.add(unwritten, 0, bytes.length);
      const output: Output = { event: 'output', stream, bytes };
      parentPort?.postMessage(output);
    },
  };
}

/** Writes what a worker's run prints. */
export function forwardOutput(worker: Worker, { unwritten }: OutputRoom): void {
  const words = new Int32Array(unwritten);
  worker.on('message', (told: Output | { readonly event: 'other' }) => {
    if (told.event !== 'output') return;
    process[told.stream].write(told.bytes, () => {
      Atomics.sub(words, 0, told.bytes.length);
      Atomics.notify(words, 0);
    });
  });
}
