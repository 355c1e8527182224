// SPDX-License-Identifier: MIT
// The second wall in Node.js: a worker that fills its heap ends, and the process goes on.

import { expect, it } from 'vitest';
import { READY_MESSAGE } from '../../../vmm/threads/endpoint.ts';
import { type WorkerProgram, WorkerThread } from '../../../vmm/threads/worker-thread.ts';

const FILL = `import { parentPort } from 'node:worker_threads';
parentPort.postMessage('${READY_MESSAGE}');
const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length));`;

it('a worker whose heap is full ends alone, and says why', { timeout: 120_000 }, async () => {
  const program: WorkerProgram = {
    name: 'filler',
    file: 'filler.js',
    web: () => {
      throw new Error('this is no browser');
    },
  };
  const thread = new WorkerThread(program, `data:text/javascript,${encodeURIComponent(FILL)}`);
  expect(await thread.ended).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
  expect(thread.over).toBe(true);
});
