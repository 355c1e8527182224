// SPDX-License-Identifier: MIT
// A bare spin handoff: two threads and a pair of words in one cache line, like PROD and
// CONS. This is the minimum cost of any answer from another thread.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { compileGuest } from './guest-module.ts';
import type { Measurand } from './measure.ts';
import { RoundSignal } from './rounds.ts';

/** Options of a side. */
export interface HandoffSide {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly side: 0 | 1;
  readonly trips: number;
  /** Of a `RoundSignal`. */
  readonly go: SharedArrayBuffer;
}

const TRIPS = 20_000;

/** What is measured between threads that have been started for it. */
export interface RunningMeasurand {
  readonly subject: Measurand;
  end(): Promise<void>;
}

export async function startHandoff(): Promise<RunningMeasurand> {
  const module = await WebAssembly.compile(
    await compileGuest('loops', '--initialMemory', '1', '--maximumMemory', '65536'),
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const rounds = new RoundSignal();
  const pair = new Int32Array(memory.buffer);
  const start = async (side: 0 | 1) => {
    const worker = new Worker(new URL('./handoff-worker.js', import.meta.url), {
      workerData: { module, memory, side, trips: TRIPS, go: rounds.buffer } satisfies HandoffSide,
    });
    await once(worker, 'message');
    return worker;
  };
  const [timed, other] = [await start(0), await start(1)];
  return {
    subject: {
      name: 'spin handoff',
      steps: TRIPS,
      async run() {
        pair.fill(0, 0, 2);
        const answered = once(timed, 'message');
        rounds.next();
        const [nanoseconds] = await answered;
        return nanoseconds as number;
      },
    },
    async end() {
      rounds.end();
      await Promise.all([timed.terminate(), other.terminate()]);
    },
  };
}
