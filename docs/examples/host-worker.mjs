// The worker of host-in-worker.mjs: exposes the class Host to the other thread.

import { parentPort } from 'node:worker_threads';
import { expose, transferHandlers } from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { Host, Machine } from 'vsmmu';

// Hosts, machines and the functions that remove listeners stay here. Everything else that methods
// return is plain data, and is copied.
transferHandlers.set('live', {
  ...transferHandlers.get('proxy'),
  canHandle: (value) =>
    value instanceof Host || value instanceof Machine || typeof value === 'function',
});

expose(Host, nodeEndpoint(parentPort)); // in a page's worker: expose(Host)
