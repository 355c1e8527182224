// SPDX-License-Identifier: MIT
// The second barrier in Node.js: a worker that fills its heap ends, and the process
// continues.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { READY_MESSAGE } from '../../../vmm/threads/endpoint.ts';
import { type WorkerProgram, WorkerThread } from '../../../vmm/threads/worker-thread.ts';
import { KEEPS_ALL } from '../../support/keeps-all.ts';
import { reactor } from '../../support/wat.ts';

const FILL = `import { parentPort } from 'node:worker_threads';
parentPort.postMessage('${READY_MESSAGE}');
const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length));`;

const LIMIT = `import { parentPort, resourceLimits } from 'node:worker_threads';
parentPort.postMessage('${READY_MESSAGE}');
throw new Error('limit ' + resourceLimits.maxOldGenerationSizeMb);`;

function start(script: string): WorkerThread<unknown> {
  const program: WorkerProgram = {
    name: 'filler',
    file: 'filler.js',
    web: () => {
      throw new Error('this is no browser');
    },
  };
  return new WorkerThread(program, `data:text/javascript,${encodeURIComponent(script)}`);
}

it('a worker has a heap of 256 MiB, as in docs/guest-abi.md', async () => {
  // Which of the worker's two messages arrives first decides what the error begins with.
  expect((await start(LIMIT).ended).message).toMatch(/(^|: )limit 256$/);
});

it('a worker whose heap is full ends alone, with the reason', { timeout: 120_000 }, async () => {
  const thread = start(FILL);
  expect(await thread.ended).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
  expect(thread.over).toBe(true);
});

/** Counts its turns. */
const COUNTER = reactor(
  `(func $run (param i32) (result i32)
     (drop (i32.atomic.rmw.add (i32.const 0x100000) (i32.const 1)))
     (i32.const 1))`,
);

/**
 * Node.js 20 does not support such objects; from 24 on V8 ends the process, which
 * SECURITY.md describes.
 */
const isWalled =
  WebAssembly.validate(KEEPS_ALL) && Number(process.versions.node.split('.')[0]) < 24;

// A process of its own: a failure of the barrier would end the tests.
it.runIf(isWalled)(
  'a guest that is trusted with objects and fills its heap fails its machine; its neighbours and the host go on',
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'heap-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const files = Object.entries({ FILLER: KEEPS_ALL, COUNTER }).map(([name, binary]) => {
      const file = join(folder, name);
      writeFileSync(file, binary);
      return file;
    });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['test/support/full-heap.mjs', ...files],
      { encoding: 'utf8', timeout: 100_000 },
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({
      status: 'failed',
      reason: expect.stringContaining('memory'),
      goOn: true,
      starts: true,
      states: ['running', 'running', 'running'],
    });
  },
);
