// Workers of Node.js and of browsers behind one class. comlink is the control plane
// (before a run, and between runs); what happens while threads run goes through shared
// memory.

import { type Endpoint, type Remote, wrap } from 'comlink';
import { ENDED_MESSAGE, type NodePort, nodeEndpoint } from './endpoint.ts';
import { IN_NODE } from './in-node.ts';

/** Where a worker's program lies. */
export interface WorkerProgram {
  /** Shown by debuggers. */
  readonly name: string;
  readonly url: URL;
  /** Starts it in a browser: bundlers want to see the literal URL inside of `new Worker`. */
  web(): Worker;
}

/** The program, at another place when there is one. */
export function programAt(program: WorkerProgram, url: string | URL | undefined): WorkerProgram {
  return url === undefined
    ? program
    : { ...program, url: new URL(url), web: () => new Worker(url, { type: 'module' }) };
}

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

async function startInNode(
  program: WorkerProgram,
  onEnd: (reason: Error) => void,
): Promise<Thread> {
  const { Worker } = await import('node:worker_threads');
  // Without the program's own options: `--eval`'s would stop the worker.
  const worker = new Worker(program.url, {
    name: program.name,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
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

function startInBrowser(program: WorkerProgram, onEnd: (reason: Error) => void): Thread {
  const worker = program.web();
  worker.addEventListener('error', (event) =>
    onEnd(new Error(event.message || 'its thread failed')),
  );
  worker.addEventListener('messageerror', () =>
    onEnd(new Error('a message to its thread was lost')),
  );
  worker.addEventListener('message', ({ data }) => {
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

/** A running worker that offers `Api` through comlink. */
export class WorkerThread<Api> {
  /** Resolves when the thread has ended, for whatever reason; it never rejects. */
  readonly ended: Promise<Error>;
  readonly #thread: Thread;
  readonly #remote: Remote<Api>;
  #over = false;
  #calls = 0;

  static async start<Api>(program: WorkerProgram): Promise<WorkerThread<Api>> {
    let onEnd: (reason: Error) => void = () => undefined;
    const ended = new Promise<Error>((resolve) => {
      onEnd = resolve;
    });
    const thread = IN_NODE ? await startInNode(program, onEnd) : startInBrowser(program, onEnd);
    return new WorkerThread<Api>(thread, ended);
  }

  private constructor(thread: Thread, ended: Promise<Error>) {
    this.#thread = thread;
    this.ended = ended.then((reason) => {
      this.#over = true;
      return reason;
    });
    this.#remote = wrap<Api>(thread.endpoint);
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
