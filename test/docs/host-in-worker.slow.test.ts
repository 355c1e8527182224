// SPDX-License-Identifier: MIT
// The host of docs/examples/host-in-worker.mjs: its purpose, and which parts of the API
// work through the proxy.

import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { proxy, type Remote, transferHandlers, wrap } from 'comlink';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Host } from 'vsmmu';
import { nodeEndpoint } from '../../vmm/threads/endpoint.ts';
import { assemble, reactor } from '../support/wat.ts';

const WORKER = new URL('../../docs/examples/host-worker.mjs', import.meta.url);
const OFF = reactor('(func $run (param i32) (result i32) (i32.const 2))');
const SPINS = assemble(`(module (import "env" "memory" (memory 32 32 shared))
  (func (export "_start") (loop $for_ever (br $for_ever))))`);

function start() {
  const worker = new Worker(WORKER);
  return { worker, host: wrap<typeof Host>(nodeEndpoint(worker)) };
}

describe('a host in a worker', { timeout: 60_000 }, () => {
  let handler: ReturnType<typeof transferHandlers.get>;
  beforeAll(() => {
    handler = transferHandlers.get('proxy');
    if (handler) transferHandlers.set('live', handler);
  });
  afterAll(() => transferHandlers.delete('live'));

  it('has machines that report their events until the listener is removed', async () => {
    const { worker, host: RemoteHost } = start();
    const host = (await RemoteHost.create({ vintfs: 4 })) as unknown as Remote<Host>;
    const machine = await host.createMachine({ guest: OFF, name: 'far' });
    const seen: string[] = [];
    const unlisten = await machine.on(
      'status',
      proxy((status) => {
        seen.push(status);
      }),
    );
    await machine.boot();
    expect(await machine.wait()).toEqual({ status: 'off', exitCode: 0, reason: '' });
    expect(await machine.name).toBe('far');
    expect(await host.inspect()).toMatchObject({ vms: [{ name: 'far' }] });
    // The listener uses another channel than the answer.
    await vi.waitFor(() => expect(seen).toEqual(['running', 'off']), 10_000);
    await unlisten();
    await machine.reset();
    expect([seen, await machine.status]).toEqual([['running', 'off'], 'new']);
    await host.destroy();
    await worker.terminate();
  });

  it('leaves this thread alone while a guest spins, and ends with its worker', async () => {
    const { worker, host: RemoteHost } = start();
    const host = (await RemoteHost.create({ vintfs: 4 })) as unknown as Remote<Host>;
    const machine = await host.createMachine({ guest: SPINS });
    await Promise.race([machine.boot(), sleep(500)]);
    await sleep(500);
    // It does not answer any more. With its host on this thread, no timer would have
    // fired either.
    const answer = machine.statistics as unknown as Promise<unknown>;
    expect(await Promise.race([answer, sleep(500, 'silence')])).toBe('silence');
    expect(await worker.terminate()).toBe(1);
  });
});
