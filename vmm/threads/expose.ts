// The worker's half of the control plane.

import { expose } from 'comlink';
import { ENDED_MESSAGE, type NodePort, nodeEndpoint } from './endpoint.ts';
import { IN_NODE } from './in-node.ts';

/** Offers an object's methods to the thread that has started this one. */
export async function exposeToParent(api: object): Promise<void> {
  if (!IN_NODE) {
    expose(api);
    return;
  }
  const { parentPort } = await import('node:worker_threads');
  if (parentPort) expose(api, nodeEndpoint(parentPort as NodePort));
}

/** Ends the thread that calls it. */
export function endThread(): void {
  if (IN_NODE) process.exit(0);
  self.postMessage(ENDED_MESSAGE);
  self.close();
}
