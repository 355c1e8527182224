// SPDX-License-Identifier: MIT
// The worker's side of the control plane.

import { expose } from 'comlink';
import { IN_NODE } from '../../assembly/in-node.ts';
import { ENDED_MESSAGE, type NodePort, nodeEndpoint, READY_MESSAGE } from './endpoint.ts';

/** Exposes an object's methods to the thread that started this one. */
export function exposeToParent(api: object): void {
  if (!IN_NODE) {
    expose(api);
    self.postMessage(READY_MESSAGE);
    return;
  }
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  if (!parentPort) return;
  expose(api, nodeEndpoint(parentPort as NodePort));
  parentPort.postMessage(READY_MESSAGE);
}

/** Ends the thread that calls it. */
export function endThread(): void {
  if (IN_NODE) process.exit(0);
  self.postMessage(ENDED_MESSAGE);
  self.close();
}
