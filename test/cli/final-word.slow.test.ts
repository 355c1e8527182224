// SPDX-License-Identifier: MIT
// Either a supervised run prints its result, or its supervisor, never both.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimFinalWord } from '../../cli/final-word.ts';
import { MAIN, vsmmuProcess } from '../support/vsmmu-command.ts';
import { reactor } from '../support/wat.ts';

const MODULE = new URL('../../dist/cli/final-word.js', import.meta.url).href;
/** A run that prints a result with status 3. */
const RUN = `
  const { parentPort } = require('node:worker_threads');
  const stdout = { write: (wrote) => parentPort.postMessage({ wrote }) };
  import('${MODULE}').then(({ printResult }) => printResult('result', 3, stdout));`;

function run(finalWord: SharedArrayBuffer): Promise<unknown[]> {
  const messages: unknown[] = [];
  const worker = new Worker(RUN, { eval: true, workerData: { finalWord } });
  worker.on('message', (message) => messages.push(message));
  return new Promise((resolve, reject) => {
    worker.on('error', reject).on('exit', () => resolve(messages));
  });
}

describe('the final word of a supervised run', () => {
  it('is the run’s, which then tells its status; the supervisor does not get it any more', async () => {
    const finalWord = new SharedArrayBuffer(4);
    expect(await run(finalWord)).toEqual([{ wrote: 'result' }, { event: 'result', status: 3 }]);
    expect(claimFinalWord({ finalWord })).toBe(false);
  });

  it('is the supervisor’s, once it has claimed it: the run prints nothing', async () => {
    const finalWord = new SharedArrayBuffer(4);
    expect(claimFinalWord({ finalWord })).toBe(true);
    expect(await run(finalWord)).toEqual([]);
  });
});

describe('a run that does not end after its result', { timeout: 120_000 }, () => {
  let folder: string;
  let args: readonly string[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vsmmu-final-word-'));
    const guest = join(folder, 'good.wasm');
    await writeFile(guest, reactor('(func $run (param i32) (result i32) (i32.const 2))', ''));
    const device = join(folder, 'blocks.mjs');
    // When its machine is destroyed, a device blocks the thread for far longer than the supervisor waits.
    await writeFile(
      device,
      `import { writeSync } from 'node:fs';
       const block = () => {
         writeSync(2, 'blocks');
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100_000);
       };
       let resets = 0;
       export const device = () => ({
         name: 'blocks', interfaceVersion: 2,
         identity: { kind: 0x6b636c62, interrupts: 0, busMaster: false },
         regions: [{ name: 'blocks', size: 0x1000, accessSizes: [4] }],
         attach() {}, reset() { if (++resets > 1) block(); },
         read() {}, write() {}, save: () => ({}), restore() {}, registerName: () => 'X',
       });`,
    );
    args = ['boot', guest, '--device', device, '--timeout', '20'];
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('prints one object, and has the status of its result', async () => {
    const { status, stdout, stderr } = await vsmmuProcess(...args, '--json');
    expect([status, stderr]).toEqual([0, 'blocks']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, exits: {} });
  });

  it('prints one report', async () => {
    const { status, stdout, stderr } = await vsmmuProcess(...args);
    expect([status, stderr]).toEqual([0, 'blocks']);
    expect(stdout).toMatch(/\nChecks {3}1 of 1 hold\n$/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'has the status of its result after %s too',
    async (signal) => {
      const child = spawn(process.execPath, [MAIN, ...args]);
      child.stdout.resume();
      const closed = once(child, 'close');
      // The run blocks after it has told its result, which its supervisor reads before a signal.
      await once(child.stderr, 'data');
      child.kill(signal);
      expect(await closed).toEqual([0, null]);
    },
  );
});
