// SPDX-License-Identifier: MIT
// Guests that do not return while they boot, or do not leave when they have ended: on
// threads of their own, each of them ends.

import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Host, type Machine } from 'vsmmu';
import { bootWithin } from '../../../vmm/threads/boot-limit.ts';
import { WorkerThread } from '../../../vmm/threads/worker-thread.ts';
import { PROJECT } from '../../support/project.ts';
import { assemble, GUEST_PAGES, IMPORT_READ32, reactor } from '../../support/wat.ts';

const RUN = '(func $run (param i32) (result i32) (i32.const 1))';
const SPIN = '(loop $again (br $again))';
const EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))';

const STARTS = reactor(`${RUN} (func $start ${SPIN}) (start $start)`);
const ABI = assemble(`(module
  (import "env" "memory" (memory ${GUEST_PAGES} ${GUEST_PAGES} shared)) ${RUN}
  (func (export "vsmmu_abi") (result i32) ${SPIN} (i32.const 1)) (func $init)
  (export "_initialize" (func $init)) (export "vsmmu_run" (func $run)))`);
const INITIALIZES = reactor(`${RUN} (func $init ${SPIN})`);

let host: Host;
beforeAll(async () => {
  host = await Host.create();
});
afterAll(() => host.destroy());

const machineOf = (guest: Uint8Array<ArrayBuffer>): Promise<Machine> =>
  host.createMachine({ guest, transport: 'mailbox' });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a guest on its own thread', () => {
  it('may make exits in its start function', async () => {
    const machine = await machineOf(
      reactor(
        `${RUN} (func $start (drop (call $read32 (i32.const 0x09000018)))) (start $start)`,
        IMPORT_READ32,
      ),
    );
    const began = performance.now();
    await machine.boot();
    expect(performance.now() - began).toBeLessThan(5000);
    expect(machine.statistics.exits.byKind.mmio).toBe(1);
    await machine.destroy();
  });

  it('that ends in its start function is not a guest', async () => {
    const guest = reactor(`${RUN} (func $start (call $exit (i32.const 7))) (start $start)`, EXIT);
    const machine = await machineOf(guest);
    await expect(machine.boot()).rejects.toMatchObject({
      code: 'not-instantiable',
      message: 'the guest cannot be instantiated: the guest ended with code 7',
    });
    await machine.destroy();
  });

  it.each([
    ['start function', STARTS],
    ['vsmmu_abi', ABI],
    ['_initialize', INITIALIZES],
  ])('is stopped in its %s', async (_, guest) => {
    const machine = await machineOf(guest);
    const booted = machine.boot();
    await sleep(500);
    const began = performance.now();
    await machine.stop('enough');
    expect(performance.now() - began).toBeLessThan(3000);
    expect(await machine.wait()).toMatchObject({ status: 'stopped', reason: 'enough' });
    await booted;
    // It can be booted again, and ends in the same way.
    await machine.reset();
    const again = machine.boot();
    await sleep(200);
    await machine.destroy();
    await again;
    expect(machine.status).not.toBe('running');
  });

  it.each([
    ['start function', STARTS],
    ['_initialize', INITIALIZES],
  ])('obeys the signal of its boot in its %s', async (_, guest) => {
    const machine = await machineOf(guest);
    const control = new AbortController();
    setTimeout(() => control.abort(new Error('too long')), 500);
    await machine.boot({ signal: control.signal });
    expect(machine.status).toBe('stopped');
    expect(await machine.wait()).toMatchObject({ status: 'stopped', reason: 'too long' });
    await machine.destroy();
  });

  it('that swallows its own end, and continues without an exit, has still ended', async () => {
    const guest = reactor(
      `(func $run (param i32) (result i32)
        (try (do (call $exit (i32.const 3))) (catch_all)) ${SPIN} (i32.const 1))`,
      EXIT,
    );
    const machine = await machineOf(guest);
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode: 3 });
    await machine.destroy();
  });

  it('leaves nothing that keeps the process alive', async () => {
    const script = `
      import { Host } from 'vsmmu';
      const guest = Uint8Array.from(Buffer.from('${Buffer.from(STARTS).toString('base64')}', 'base64'));
      const host = await Host.create();
      const machine = await host.createMachine({ guest, transport: 'mailbox' });
      machine.boot().then(() => console.log('boot is over'));
      setTimeout(() => host.destroy(), 500);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: PROJECT,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const limit = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const status = await new Promise((resolve) => child.on('close', resolve));
    clearTimeout(limit);
    expect([status, output]).toEqual([0, 'boot is over\n']);
  }, 30_000);
});

describe('the limit of a boot', () => {
  it('is ten seconds in which this thread has its turns', async () => {
    vi.useFakeTimers();
    try {
      let fail: (reason: Error) => void = () => undefined;
      const ended = vi.fn(() => {
        fail(new Error('its thread ended'));
        return Promise.resolve();
      });
      const never = new Promise<never>((_, reject) => {
        fail = reject;
      });
      const boot = bootWithin(Promise.resolve(), () => never, ended, new AbortController().signal);
      const refusal = expect(boot).rejects.toMatchObject({
        code: 'not-instantiable',
        message: expect.stringMatching(/has not returned within 10 s$/) as string,
      });
      await vi.advanceTimersByTimeAsync(9900);
      expect(ended).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(200);
      expect(ended).toHaveBeenCalledTimes(1);
      await refusal;
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a worker whose program never begins', () => {
  it('cannot be loaded, which is reported after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const silent = 'data:text/javascript,setInterval(() => undefined, 1000)';
      const program = { name: 'silent', file: 'none.js', web: () => new Worker(silent) };
      const worker = new WorkerThread(program, silent);
      const refusal = expect(worker.loaded()).rejects.toMatchObject({
        code: 'no-worker',
        url: silent,
        message: expect.stringMatching(/it has not begun within 60 s$/) as string,
      });
      await vi.advanceTimersByTimeAsync(60_000);
      await refusal;
      await worker.ended;
    } finally {
      vi.useRealTimers();
    }
  });
});
