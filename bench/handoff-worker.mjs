// The other side of the spin handoff.

import { parentPort, workerData } from 'node:worker_threads';

const { loopsModule, memory } = workerData;
const none = () => 0;
const { handoff } = new WebAssembly.Instance(loopsModule, {
  env: { memory },
  core: { accessBegin: none, accessEnd: none, translate: none },
  drain: { doorbell: none },
}).exports;
parentPort.postMessage('ready');
parentPort.postMessage(handoff(0x1000, 1, 0, 0xffffffff));
