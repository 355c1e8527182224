// --timeout for guests that never come back: an inline guest has the thread for itself, so that the command runs in a worker, and this
// thread ends it when its own timeout has not.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { EXIT_FAILED } from './status.ts';
import type { Supervised } from './terminal.ts';
import { terminals } from './terminal.ts';

/** Called by the run when its time begins. */
export function timeBegins(): void {
  parentPort?.postMessage('time begins');
}

/** What the run may take beyond its timeout to end by itself and report. */
const GRACE_MS = 5000;

/**
 * Runs the command line again in a worker.
 * @returns its exit status, or undefined when it had to be ended.
 */
function supervise(
  program: URL,
  argv: readonly string[],
  seconds: number,
): Promise<number | undefined> {
  const workerData: Supervised = { terminals: terminals() };
  const worker = new Worker(program, { argv: [...argv], workerData });
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      resolve(undefined);
      worker.terminate().catch(reject);
    };
    worker.on('message', () => {
      timer = setTimeout(end, seconds * 1000 + GRACE_MS);
    });
    worker.on('error', reject);
    worker.on('exit', (status) => {
      clearTimeout(timer);
      resolve(status);
    });
  });
}

/** Runs a command within its timeout, when it has one. Returns its exit status. */
export async function withinTimeout(
  seconds: number | undefined,
  run: () => Promise<number>,
): Promise<number> {
  if (seconds === undefined || !isMainThread) return await run();
  const status = await supervise(
    new URL('./main.js', import.meta.url),
    process.argv.slice(2),
    seconds,
  );
  if (status === undefined)
    process.stderr.write(`vsmmu: the guest did not come back within ${seconds} s, and was ended\n`);
  return status ?? EXIT_FAILED;
}
