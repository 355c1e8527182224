// --timeout for guests that never come back, and signals while a trace is written: an
// inline guest has the thread for itself, so that the command runs in a worker. This
// thread tells it to end, and ends it when it does not.

import { rmSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { EXIT_FAILED, EXIT_SIGINT, EXIT_SIGTERM } from './status.ts';
import type { Supervised } from './terminal.ts';
import { terminals } from './terminal.ts';

/** Signals that end a run as --timeout does, and the exit status that each leads to. */
const SIGNALS = { SIGINT: EXIT_SIGINT, SIGTERM: EXIT_SIGTERM } as const;
type Signal = keyof typeof SIGNALS;

/** What the worker tells. */
type Told =
  | { readonly event: 'time begins' }
  | { readonly event: 'partial'; readonly file: string };

const tell = (told: Told) => parentPort?.postMessage(told);

/** Called by the run when its time begins. */
export function timeBegins(): void {
  tell({ event: 'time begins' });
}

/** Called by the run with a file that has to go when the run is ended before it has removed it itself. */
export function partialFile(file: string): void {
  tell({ event: 'partial', file });
}

/**
 * Calls back when a signal asks the run to end.
 * @returns a function that ends the listening.
 */
export function onSignal(listener: (signal: string) => void): () => void {
  const port = parentPort;
  if (!port) return () => undefined;
  port.on('message', listener);
  // It alone does not keep the run going.
  port.unref();
  return () => {
    port.off('message', listener);
  };
}

/** What the run may take beyond its timeout or a signal to end by itself and report. */
const GRACE_MS = 5000;

/** How a supervised run ended: with a status, or it had to be ended. */
interface Ended {
  readonly status: number | undefined;
  readonly signal: Signal | undefined;
}

/** Runs the command line again in a worker. */
function supervise(argv: readonly string[], seconds: number | undefined): Promise<Ended> {
  const workerData: Supervised = { terminals: terminals() };
  const program = new URL('./main.js', import.meta.url);
  const worker = new Worker(program, { argv: [...argv], workerData });
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let partial: string | undefined;
    let asked: Signal | undefined;
    const end = () => {
      resolve({ status: undefined, signal: asked });
      worker.terminate().catch(reject);
    };
    const within = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(end, ms);
    };
    const onProcessSignal = (signal: NodeJS.Signals) => {
      // A second one does not wait.
      if (asked) return end();
      asked = signal as Signal;
      worker.postMessage(signal);
      within(GRACE_MS);
    };
    const removePartial = () => {
      if (partial !== undefined) rmSync(partial, { force: true });
    };
    for (const signal of Object.keys(SIGNALS)) process.on(signal, onProcessSignal);
    // Whoever reads the output may have gone, which ends this process at once.
    process.on('exit', removePartial);
    worker.on('message', (told: Told) => {
      if (told.event === 'partial') partial = told.file;
      else if (seconds !== undefined && !asked) within(seconds * 1000 + GRACE_MS);
    });
    worker.on('error', reject);
    worker.on('exit', (status) => {
      clearTimeout(timer);
      for (const signal of Object.keys(SIGNALS)) process.off(signal, onProcessSignal);
      removePartial();
      process.off('exit', removePartial);
      resolve({ status, signal: asked });
    });
  });
}

/**
 * Runs a command within its timeout, when it has one.
 * @param options.argv the command line, which a worker carries out again.
 * @param options.signals it has something to put in order when a signal ends it.
 * @returns its exit status.
 */
export async function withinTimeout(
  {
    argv,
    seconds,
    signals = false,
  }: {
    readonly argv: readonly string[];
    readonly seconds: number | undefined;
    readonly signals?: boolean;
  },
  run: () => Promise<number>,
): Promise<number> {
  if ((seconds === undefined && !signals) || !isMainThread) return await run();
  const { status, signal } = await supervise(argv, seconds);
  if (status === undefined) {
    const limit = signal ? `after ${signal}` : `within ${seconds} s`;
    process.stderr.write(`vsmmu: the guest did not come back ${limit}, and was ended\n`);
  }
  return signal ? SIGNALS[signal] : (status ?? EXIT_FAILED);
}
