// SPDX-License-Identifier: MIT
// Workers of Node.js and of browsers with one class. comlink is the control plane (before
// a run, and between runs); while threads run they communicate through shared memory.

import { type Endpoint, type Remote, wrap } from 'comlink';
import { fetchReason } from '../../assembly/fetch-reason.ts';
import { IN_NODE } from '../../assembly/in-node.ts';
import { EnvironmentError } from '../../devices/plugin/index.ts';
import { ENDED_MESSAGE, type NodePort, nodeEndpoint, READY_MESSAGE } from './endpoint.ts';

/** A worker's program. */
export interface WorkerProgram {
  /** Shown by debuggers. */
  readonly name: string;
  /** Its file, which is next to this one. */
  readonly file: string;
  /**
   * Starts it in a browser. Bundlers need the literal URL inside `new Worker`, and would
   * make another copy of the program for each further occurrence.
   */
  web(): Worker;
}

/** URL of this file, under a name that bundlers do not look for. */
const HERE = import.meta.url;

/**
 * Time for a worker's program to be loaded and to begin: a slow server makes it slow, and
 * a wrong file never begins.
 */
const LOAD_MS = 60_000;

/** Time for a server's answer about why a worker did not load. */
const ANSWER_MS = 5000;

/** Time for a worker to end on request before it is terminated. */
export const GRACE_MS = 100;

/**
 * Heap of a worker's thread in Node.js, in MiB: a worker that fills it ends alone,
 * without the process (a single object larger than the rest still ends that). Browsers
 * have no such limit.
 */
const HEAP_MIB = 256;

/** The common subset of both kinds of workers. */
interface Thread {
  readonly endpoint: Endpoint;
  /**
   * Sets whether the worker keeps the program running (Node.js ends when only
   * unreferenced workers are left).
   */
  keepAlive(alive: boolean): void;
  terminate(): Promise<unknown>;
}

/** Events of a thread. */
interface ThreadEvents {
  /** Its program was loaded. */
  onReady(): void;
  /** It has ended: called at least once; later calls do not count. */
  onEnd(reason: Error): void;
}

function startInNode(name: string, url: URL, { onReady, onEnd }: ThreadEvents): Thread {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  // Without the program's own options: those of `--eval` would stop the worker.
  const worker = new Worker(url, {
    name,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  worker.on('message', (data) => {
    if (data === READY_MESSAGE) onReady();
  });
  worker.on('error', onEnd);
  worker.on('messageerror', onEnd);
  worker.on('exit', (code) => onEnd(new Error(`its thread ended with code ${code}`)));
  worker.unref();
  return {
    endpoint: nodeEndpoint(worker as NodePort),
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
    terminate: () => worker.terminate(),
  };
}

function startInBrowser(web: () => Worker, { onReady, onEnd }: ThreadEvents): Thread {
  const worker = web();
  worker.addEventListener('error', (event) =>
    onEnd(new Error(event.message || 'its thread failed')),
  );
  worker.addEventListener('messageerror', () =>
    onEnd(new Error('a message to its thread was lost')),
  );
  worker.addEventListener('message', ({ data }) => {
    if (data === READY_MESSAGE) onReady();
    if (data === ENDED_MESSAGE) onEnd(new Error('its thread ended'));
  });
  return {
    endpoint: worker,
    keepAlive: () => undefined,
    terminate() {
      worker.terminate();
      onEnd(new Error('its thread was terminated'));
      return Promise.resolve();
    },
  };
}

/**
 * The URL that a program passes to `Worker`. Bundlers replace the literal URL by their
 * own, and a worker that did not load does not report it: only the constructor sees it.
 */
function urlOf(web: () => Worker): string {
  const { Worker: actual } = globalThis;
  let url = '';
  globalThis.Worker = class {
    constructor(given: string | URL) {
      url = String(given);
    }
  } as typeof actual;
  try {
    web();
  } finally {
    globalThis.Worker = actual;
  }
  return url;
}

/**
 * Why a worker's program did not load in a browser, whose events do not tell: from the
 * answer of its server. Undefined when that is a program.
 */
async function serverAnswer(url: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { ok, status, statusText, headers, body } = await fetch(url, { signal });
    await body?.cancel();
    if (!ok) return `the server answers ${status} ${statusText}`.trim();
    const type = headers.get('content-type') ?? 'no content-type';
    return /javascript|ecmascript/.test(type) ? undefined : `the server answers ${type}`;
  } catch (error) {
    return `the server does not answer: ${fetchReason(error) ?? error}`;
  }
}

function notLoadedError(url: string, cause: unknown): EnvironmentError {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
  return new EnvironmentError('no-worker', `the worker ${url} cannot be loaded: ${reason}`, {
    cause,
    url,
  });
}

/** A running worker that exposes `Api` through comlink. */
export class WorkerThread<Api> {
  /** Resolves when the thread has ended, for any reason; it never rejects. */
  readonly ended: Promise<Error>;
  readonly #thread: Thread;
  readonly #remote: Remote<Api>;
  /** Its program has not started yet. */
  #loading = true;
  #over = false;
  #calls = 0;
  readonly #ready: Promise<void>;
  readonly #notLoaded: (cause: unknown) => EnvironmentError;

  /**
   * Starts it. If its program cannot be loaded the thread ends, and the reason is an
   * EnvironmentError.
   * @param at another place of the program's file.
   * @throws {EnvironmentError} when a browser refuses the place at once.
   */
  constructor(program: WorkerProgram, at?: string | URL) {
    const web = at === undefined ? program.web : () => new Worker(at, { type: 'module' });
    const url = IN_NODE ? new URL(at ?? program.file, HERE) : undefined;
    const notLoaded = (cause: unknown) => notLoadedError(String(url ?? urlOf(web)), cause);
    const notServed = async (cause: unknown) => {
      const answer = url ? undefined : await serverAnswer(urlOf(web));
      return notLoaded(answer === undefined ? cause : new Error(answer, { cause }));
    };
    this.#notLoaded = notLoaded;
    let begin: () => void = () => undefined;
    this.#ready = new Promise((resolve) => {
      begin = resolve;
    });
    let end: (reason: Error | Promise<Error>) => void = () => undefined;
    const ended = new Promise<Error>((resolve) => {
      end = resolve;
    });
    this.ended = ended.then((reason) => {
      this.#over = true;
      return reason;
    });
    const events: ThreadEvents = {
      onReady: () => {
        this.#loading = false;
        begin();
      },
      onEnd: (reason) => end(this.#loading ? notServed(reason) : reason),
    };
    try {
      this.#thread = url ? startInNode(program.name, url, events) : startInBrowser(web, events);
    } catch (cause) {
      throw notLoaded(cause);
    }
    this.#remote = wrap<Api>(this.#thread.endpoint);
  }

  /** Calls the listener when the thread has ended. */
  onEnd(listener: (reason: Error) => void): void {
    this.ended.then(listener).catch((error: unknown) => {
      // A listener that throws is an error of the program, not of the thread.
      queueMicrotask(() => {
        throw error;
      });
    });
  }

  /**
   * Resolves when its program runs. The program of this thread is kept alive until then.
   * @throws {EnvironmentError} when it cannot be loaded, or takes too long; the thread
   *   has ended then.
   */
  async loaded(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const limit = `it has not begun within ${LOAD_MS / 1000} s`;
        reject(this.#notLoaded(new Error(limit)));
        this.terminate().catch(() => undefined);
      }, LOAD_MS);
    });
    try {
      await Promise.race([this.listen(() => this.#ready), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The thread has ended. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Calls the worker. The program is kept alive until the answer.
   * @throws {Error} the error of the call, or the reason why the thread ended before the
   *   answer.
   */
  async call<T>(use: (remote: Remote<Api>) => Promise<T>): Promise<T> {
    if (this.#calls++ === 0) this.#thread.keepAlive(true);
    try {
      return await this.listen(use);
    } finally {
      if (--this.#calls === 0) this.#thread.keepAlive(false);
    }
  }

  /** The same for an answer that may never come: it does not keep the program alive. */
  listen<T>(use: (remote: Remote<Api>) => Promise<T>): Promise<T> {
    const over = this.ended.then((reason): never => {
      throw reason;
    });
    return Promise.race([use(this.#remote), over]);
  }

  /** Ends the thread now. What it owned has to be reaped. */
  async terminate(): Promise<void> {
    if (this.#over) return;
    this.#loading = false;
    await this.#thread.terminate();
    await this.ended;
  }

  /**
   * Waits until a thread that was requested to end has ended, at most GRACE_MS; then
   * terminates it.
   * @returns false when it had to be terminated.
   */
  async join(): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), GRACE_MS);
    });
    const first = await Promise.race([this.ended, grace]);
    clearTimeout(timer);
    if (first !== 'late') return true;
    await this.terminate();
    return false;
  }
}
