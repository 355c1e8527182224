// SPDX-License-Identifier: MIT
// One side of the spin handoff, on a separate thread.

import { parentPort, workerData } from 'node:worker_threads';
import type { HandoffSide } from './handoff.ts';
import { eachRound } from './rounds.ts';

const { module, memory, side, trips, go } = workerData as HandoffSide;
const { handoff } = new WebAssembly.Instance(module, {
  env: { memory },
  core: { accessBegin: () => 0, accessEnd: () => 0, translate: () => 0 },
  drain: { doorbell: () => 0 },
}).exports as { handoff(own: number, other: number, begins: number, times: number): void };

parentPort?.postMessage('ready');
eachRound(go, () => {
  const from = performance.now();
  handoff(side === 0 ? 0 : 4, side === 0 ? 4 : 0, side === 0 ? 1 : 0, trips);
  if (side === 0) parentPort?.postMessage((performance.now() - from) * 1e6);
});
