// SPDX-License-Identifier: MIT
// Output of a run. Under supervision (supervisor.ts), it is sent to the supervising thread at once:
// a worker's own streams are flushed only when its event loop runs, which a spinning guest prevents.

import { isMainThread, parentPort, type Worker, workerData } from 'node:worker_threads';

type StreamName = 'stdout' | 'stderr';

/** The part of a stream that a run needs. */
export interface RunStream {
  write(data: string | Uint8Array): unknown;
}

/** A piece of output on its way to the supervising thread. */
interface Output {
  readonly event: 'output';
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

/** The workerData of the worker. */
export interface OutputRoom {
  /** One word: bytes that have been sent but not written yet. */
  readonly unwritten: SharedArrayBuffer;
}

/** If more bytes than this are pending, the run waits for a slow reader, like any program. */
const MOST_UNWRITTEN = 4 * 2 ** 20;

/** A stream of the process for the output of a run. */
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

/** Writes the output of a worker's run. */
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
