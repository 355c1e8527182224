// SPDX-License-Identifier: MIT
// Workers of Node.js and of browsers behind one class. comlink is the control plane
// (before a run, and between runs); what happens while threads run goes through shared
// memory.

import { type Endpoint, type Remote, wrap } from 'comlink';
import { fetchReason } from '../../assembly/fetch-reason.ts';
import { IN_NODE } from '../../assembly/in-node.ts';
import { EnvironmentError } from '../../devices/plugin/index.ts';
import { ENDED_MESSAGE, type NodePort, nodeEndpoint, READY_MESSAGE } from './endpoint.ts';

/** A worker's program. */
export interface WorkerProgram {
  /** Shown by debuggers. */
  readonly name: string;
  /** Its file, which lies beside this one. */
  readonly file: string;
  /**
   * Starts it in a browser. Bundlers want to see the literal URL inside of `new Worker`, and make
   * another copy of the program for each further place where they see it.
   */
  web(): Worker;
}

/** Where this file lies, under a name that bundlers do not look for. */
const HERE = import.meta.url;

/**
 * How long a worker's program may take to be loaded and to begin: from a slow server it is slow, a file
 * that is another one never begins.
 */
const LOAD_MS = 60_000;

/** How long a server is asked why a worker did not load. */
const ANSWER_MS = 5000;

/** How long a worker that has been asked to end may take before it is terminated. */
export const GRACE_MS = 100;

/**
 * Heap of a worker's thread in Node.js, in MiB: one that fills it ends alone, and not the
 * process (one object that is larger than what is left still ends that). Browsers have no
 * such limit.
 */
const HEAP_MIB = 256;

/** Just enough of either kind of worker. */
interface Thread {
  readonly endpoint: Endpoint;
  /** Keeps the program running (Node.js ends when only unreferenced workers are left), or does not. */
  hold(held: boolean): void;
  terminate(): Promise<unknown>;
}

/** What a thread tells of itself. */
interface ThreadEvents {
  /** Its program was loaded. */
  onReady(): void;
  /** It has ended: called at least once, and what comes later does not count. */
  onEnd(reason: Error): void;
}

function startInNode(name: string, url: URL, { onReady, onEnd }: ThreadEvents): Thread {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  // Without the program's own options: `--eval`'s would stop the worker.
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
    hold: (held) => (held ? worker.ref() : worker.unref()),
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
    hold: () => undefined,
    terminate() {
      worker.terminate();
      onEnd(new Error('its thread was terminated'));
      return Promise.resolve();
    },
  };
}

/**
 * The URL that a program hands to `Worker`. Bundlers put one of their own in the place of the
 * literal one, and a worker that did not load tells nothing of it: its constructor is all that
 * sees it.
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
 * Why a worker's program did not load in a browser, which its events do not tell: what its server
 * answers. Undefined when that is a program.
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

/** A running worker that offers `Api` through comlink. */
export class WorkerThread<Api> {
  /** Resolves when the thread has ended, for whatever reason; it never rejects. */
  readonly ended: Promise<Error>;
  readonly #thread: Thread;
  readonly #remote: Remote<Api>;
  /** Its program has not begun to run. */
  #loading = true;
  #over = false;
  #calls = 0;
  readonly #ready: Promise<void>;
  readonly #notLoaded: (cause: unknown) => EnvironmentError;

  /**
   * Starts it. When its program cannot be loaded it ends, and the reason is an EnvironmentError.
   * @param at where the program's file lies instead.
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

  /** Calls back when the thread has ended. */
  onEnd(listener: (reason: Error) => void): void {
    this.ended.then(listener).catch((error: unknown) => {
      // A listener that throws is an error of the program, not of the thread.
      queueMicrotask(() => {
        throw error;
      });
    });
  }

  /**
   * Resolves when its program runs. The program of this thread stays alive until then.
   * @throws {EnvironmentError} when it cannot be loaded, or takes too long; the thread has ended then.
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
   * Calls the worker. The program stays alive until it has answered.
   * @throws {Error} what the call throws, or why the thread ended before it answered.
   */
  async call<T>(use: (remote: Remote<Api>) => Promise<T>): Promise<T> {
    if (this.#calls++ === 0) this.#thread.hold(true);
    try {
      return await this.listen(use);
    } finally {
      if (--this.#calls === 0) this.#thread.hold(false);
    }
  }

  /** The same for an answer that may never come: the program does not stay alive for it. */
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
   * Waits until a thread that has been asked to end has done so, at most GRACE_MS; then ends it.
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
