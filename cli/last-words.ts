// SPDX-License-Identifier: MIT
// The last action of a supervised run's worker before it is terminated. A guest that spins or
// sleeps on the worker's thread blocks its event loop, but not Node.js's inspector, whose requests
// V8 executes between two instructions of JavaScript or WebAssembly, and during a wait.

import type { Session } from 'node:inspector';
import { type Worker, workerData } from 'node:worker_threads';
import type { Supervised } from './terminal.ts';

const KEY = 'vsmmu last words';
const EXPRESSION = `globalThis[Symbol.for('${KEY}')]?.()`;

/**
 * Registers the last action of a run. Without a supervisor it is never called, because ending
 * the run then ends the process.
 * @param action runs at most once, in the middle of other code on the thread, and must return
 *   without waiting.
 */
export function onLastWords(action: () => void): void {
  if ((workerData as Supervised | null)?.terminals === undefined) return;
  Object.defineProperty(globalThis, Symbol.for(KEY), { value: action });
}

/** @returns a session of the inspector, or undefined in a Node.js built without one. */
async function inspectorSession(): Promise<Session | undefined> {
  try {
    const { Session } = await import('node:inspector');
    return new Session();
  } catch {
    return undefined;
  }
}

/**
 * Makes a worker of this thread run the action of `onLastWords`, if it has one.
 * @param limitMs maximum duration in milliseconds; the worker must be terminated afterwards.
 */
export async function hearLastWords(worker: Worker, limitMs: number): Promise<void> {
  const session = await inspectorSession();
  if (!session) return;
  // Its ID in the inspector is a number of the session's own, and workers of the worker are
  // attached as well.
  const title = `[worker ${worker.threadId}]`;
  let own: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  session.connect();
  await new Promise<unknown>((resolve) => {
    timer = setTimeout(resolve, limitMs);
    worker.once('exit', resolve);
    session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      if (!workerInfo.title.startsWith(title)) return;
      own = sessionId;
      const message = { id: 1, method: 'Runtime.evaluate', params: { expression: EXPRESSION } };
      session.post('NodeWorker.sendMessageToWorker', {
        sessionId,
        message: JSON.stringify(message),
      });
    });
    const ended = ({ params }: { readonly params: { readonly sessionId: string } }) => {
      if (params.sessionId === own) resolve(undefined);
    };
    session.on('NodeWorker.receivedMessageFromWorker', ended);
    session.on('NodeWorker.detachedFromWorker', ended);
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  });
  clearTimeout(timer);
  session.disconnect();
}
