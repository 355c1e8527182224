// SPDX-License-Identifier: MIT
// What the worker of a supervised run still does when it has to be terminated. A guest that
// spins or sleeps on the worker's thread keeps it from its event loop, but not from Node.js's
// inspector, whose requests V8 carries out between two instructions of JavaScript or
// WebAssembly, and in a wait.

import type { Session } from 'node:inspector';
import { type Worker, workerData } from 'node:worker_threads';
import type { Supervised } from './terminal.ts';

const KEY = 'vsmmu last words';
const EXPRESSION = `globalThis[Symbol.for('${KEY}')]?.()`;

/**
 * Called by a run. Without a supervisor nothing comes of it: whoever ends the run ends the
 * process.
 * @param action runs at most once, in the middle of whatever else runs on the thread, and
 *   has to end without waiting for anything.
 */
export function onLastWords(action: () => void): void {
  if ((workerData as Supervised | null)?.terminals === undefined) return;
  Object.defineProperty(globalThis, Symbol.for(KEY), { value: action });
}

/** The inspector. @returns undefined in a Node.js that was built without one. */
async function inspectorSession(): Promise<Session | undefined> {
  try {
    const { Session } = await import('node:inspector');
    return new Session();
  } catch {
    return undefined;
  }
}

/**
 * Has a worker of this thread run the action of `onLastWords`, if it has one.
 * @param limitMs milliseconds that it may take; the worker has to be terminated afterwards.
 */
export async function hearLastWords(worker: Worker, limitMs: number): Promise<void> {
  const session = await inspectorSession();
  if (!session) return;
  const workerId = `${worker.threadId}`;
  let timer: NodeJS.Timeout | undefined;
  session.connect();
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
    session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      if (workerInfo.workerId !== workerId) return;
      const message = { id: 1, method: 'Runtime.evaluate', params: { expression: EXPRESSION } };
      session.post('NodeWorker.sendMessageToWorker', {
        sessionId,
        message: JSON.stringify(message),
      });
    });
    session.on('NodeWorker.receivedMessageFromWorker', () => resolve());
    session.on('NodeWorker.detachedFromWorker', () => resolve());
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  });
  clearTimeout(timer);
  session.disconnect();
}
