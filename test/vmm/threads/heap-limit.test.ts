// The second wall in Node.js: a worker that fills its heap ends, and the process goes on.

import { expect, it } from 'vitest';
import { WorkerThread } from '../../../vmm/threads/worker-thread.ts';

const FILL = `const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length));`;

it('a worker whose heap is full ends alone, and says why', { timeout: 120_000 }, async () => {
  const thread = await WorkerThread.start({
    name: 'filler',
    url: new URL(`data:text/javascript,${encodeURIComponent(FILL)}`),
    web: () => {
      throw new Error('this is no browser');
    },
  });
  expect(await thread.ended).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
  expect(thread.over).toBe(true);
});
