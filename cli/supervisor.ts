// SPDX-License-Identifier: MIT
// --timeout for guests that do not yield, and signals while a trace is written. An inline guest
// blocks its thread, so the command runs in a worker. This thread asks the worker to end, and
// terminates it if it does not.

import { rmSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { Check } from '../vmm/report/checks.ts';
import { claimFinalWord, type FinalWordRoom, type ResultTold } from './final-word.ts';
import { jsonLine } from './json-line.ts';
import { hearLastWords } from './last-words.ts';
import { forwardOutput, type OutputRoom } from './run-output.ts';
import { EXIT_FAILED, EXIT_SIGHUP, EXIT_SIGINT, EXIT_SIGQUIT, EXIT_SIGTERM } from './status.ts';
import type { Supervised } from './terminal.ts';
import { terminals } from './terminal.ts';

/** Signals that end a run as --timeout does, and their exit statuses. */
const SIGNALS = {
  SIGHUP: EXIT_SIGHUP,
  SIGINT: EXIT_SIGINT,
  SIGQUIT: EXIT_SIGQUIT,
  SIGTERM: EXIT_SIGTERM,
} as const;
type Signal = keyof typeof SIGNALS;

/** Messages of the worker. */
type Told =
  | ResultTold
  | { readonly event: 'time begins' }
  | { readonly event: 'ending' }
  | { readonly event: 'check'; readonly check: Check }
  | { readonly event: 'partial'; readonly file: string };

const tell = (told: Told) => parentPort?.postMessage(told);

/** Called by the run when its timeout starts. */
export function timeBegins(): void {
  tell({ event: 'time begins' });
}

/** Called by the run when its timeout has expired, before it stops its machines. */
export function endingInTime(): void {
  tell({ event: 'ending' });
}

/** Called by the run with each check that it keeps; only these are reported if it is terminated. */
export function checkKept(check: Check): void {
  tell({ event: 'check', check });
}

/** Called by the run with a file that must be removed if the run is terminated. */
export function partialFile(file: string): void {
  tell({ event: 'partial', file });
}

/**
 * Calls back when a signal asks the run to end.
 * @returns a function that stops listening.
 */
export function onSignal(listener: (signal: string) => void): () => void {
  const port = parentPort;
  if (!port) return () => undefined;
  port.on('message', listener);
  // The listener alone does not keep the process alive.
  port.unref();
  return () => {
    port.off('message', listener);
  };
}

/** Time in which the run must end and report, after it has announced this or got a signal. */
const GRACE_MS = 5000;
/** Time after its timeout in which it must announce this. A guest that blocks the thread prevents it. */
const LATE_MS = 1000;
/** Time for the last action of a run that is terminated, which writes its trace. */
const LAST_WORDS_MS = 10_000;

/** How a supervised run ended: with a status, or terminated. */
interface Ended {
  readonly status: number | undefined;
  readonly signal: Signal | undefined;
  /** Checks that it has reported. */
  readonly checks: readonly Check[];
}

/** Executes the command line again in a worker. */
function supervise(argv: readonly string[], seconds: number | undefined): Promise<Ended> {
  const room: OutputRoom & FinalWordRoom = {
    unwritten: new SharedArrayBuffer(4),
    finalWord: new SharedArrayBuffer(4),
  };
  const workerData: Supervised & OutputRoom & FinalWordRoom = { terminals: terminals(), ...room };
  const program = new URL('./main.js', import.meta.url);
  const worker = new Worker(program, { argv: [...argv], workerData });
  forwardOutput(worker, room);
  const checks: Check[] = [];
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let partial: string | undefined;
    let asked: Signal | undefined;
    const removePartial = () => {
      if (partial !== undefined) rmSync(partial, { force: true });
    };
    /** The exit status that the run has given with its result. */
    let result: number | undefined;
    /** This thread prints the result. */
    let prints = false;
    const terminate = () => {
      // A run that has claimed the final word, but not told its result, is terminated by a second
      // signal only.
      if (claimFinalWord(room)) prints = true;
      worker.terminate().catch(reject);
    };
    let ending = false;
    const end = () => {
      if (result !== undefined) return terminate();
      if (ending) return;
      ending = true;
      // The run is about to print its result: it may wait only for the reader of its output.
      if (!claimFinalWord(room)) return;
      prints = true;
      hearLastWords(worker, LAST_WORDS_MS).then(terminate, terminate);
    };
    const within = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(end, ms);
    };
    const onProcessSignal = (signal: NodeJS.Signals) => {
      // A closed terminal sends SIGHUP more than once: by its shell, and by the kernel.
      if (asked === 'SIGHUP' && signal === asked) return;
      // A second signal terminates at once, and so does the first one after the result: the run,
      // which has ended by itself, keeps its status.
      if (asked || result !== undefined) return terminate();
      asked = signal as Signal;
      worker.postMessage(signal);
      within(GRACE_MS);
    };
    for (const signal of Object.keys(SIGNALS)) process.on(signal, onProcessSignal);
    // If the reader of the output has gone, writing ends this process at once.
    process.on('exit', removePartial);
    worker.on('message', (told: Told) => {
      if (told.event === 'partial') partial = told.file;
      else if (told.event === 'check') checks.push(told.check);
      else if (told.event === 'result') {
        result = told.status;
        within(GRACE_MS);
      } else if (told.event === 'ending') within(GRACE_MS);
      else if (told.event === 'time begins' && seconds !== undefined && !asked)
        within(seconds * 1000 + LATE_MS);
    });
    worker.on('error', reject);
    worker.on('exit', (status) => {
      clearTimeout(timer);
      for (const signal of Object.keys(SIGNALS)) process.off(signal, onProcessSignal);
      removePartial();
      process.off('exit', removePartial);
      // One that has ended without a result, for example because its file cannot be read, has said why.
      resolve({ status: prints ? undefined : (result ?? status), signal: asked, checks });
    });
  });
}

/**
 * Runs a command within its timeout, if it has one.
 * @param options.argv the command line, which a worker executes again.
 * @param options.signals whether the command must clean up when a signal ends it.
 * @param options.json whether the command prints a JSON object; then one is printed even if it is
 *   terminated.
 * @returns the exit status.
 */
export async function withinTimeout(
  {
    argv,
    seconds,
    signals = false,
    json = false,
  }: {
    readonly argv: readonly string[];
    readonly seconds: number | undefined;
    readonly signals?: boolean;
    readonly json?: boolean;
  },
  run: () => Promise<number>,
): Promise<number> {
  if ((seconds === undefined && !signals) || !isMainThread) return await run();
  const { status, signal, checks } = await supervise(argv, seconds);
  if (status === undefined) {
    const limit = signal ? `after ${signal}` : `within ${seconds} s`;
    process.stderr.write(`vsmmu: the guest did not return ${limit}, and was terminated\n`);
    const end: Check = { name: 'the guests came back', ok: false, detail: `not ${limit}` };
    if (json) process.stdout.write(jsonLine({ ok: false, checks: [...checks, end] }));
  }
  return signal ? SIGNALS[signal] : (status ?? EXIT_FAILED);
}
