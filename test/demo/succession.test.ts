// SPDX-License-Identifier: MIT
// What the page asks of its worker, with a stand-in for it: each call behind the one before, and an answer
// that fails ends nothing.

import { expose } from 'comlink';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import { Succession } from '../../demo/page/succession.ts';

const ports: MessagePort[] = [];
/** What the worker was called for. */
const done: string[] = [];

class StandIn {
  readonly #port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    this.#port = port1;
    const vmm = {
      ready: () => undefined,
      boot: () => ({}),
      async step() {
        done.push('step begins');
        await new Promise((resolve) => setTimeout(resolve, 20));
        done.push('step ends');
      },
      trace() {
        done.push('trace');
        throw new Error('no trace is kept');
      },
    };
    expose(vmm, port2);
    port1.start();
  }

  addEventListener(name: string, listener: EventListener): void {
    this.#port.addEventListener(name, listener);
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#port.postMessage(message, transfer);
  }

  terminate(): void {
    // Nothing of it is looked at.
  }
}

beforeEach(() => vi.stubGlobal('Worker', StandIn));
afterEach(() => {
  vi.unstubAllGlobals();
  for (const port of ports.splice(0)) port.close();
});

it('what is asked for waits for the calls before, and ends no machines when it fails', async () => {
  const settings = readSettings(new URLSearchParams());
  const wrong = vi.fn();
  let taken = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    taken = resolve;
  });
  const workers = new Succession({
    sink: { output: () => Promise.resolve(), picture: () => Promise.resolve() },
    taken() {
      taken();
      return Promise.resolve();
    },
    wrong,
  });
  const ask = () => workers.ask((vmm) => vmm.trace());
  await expect(ask()).rejects.toThrow('there are no machines yet');
  workers.start(settings, undefined, {});
  await expect(ask()).rejects.toThrow('there are no machines yet');
  await ready;
  for (let round = 0; round < 2; round++) {
    workers.use(async (vmm) => {
      await vmm.step();
    });
    await expect(ask()).rejects.toThrow('no trace is kept');
    expect(done.splice(0)).toEqual(['step begins', 'step ends', 'trace']);
  }
  expect(workers.running).toBeDefined();
  expect(wrong.mock.calls).toEqual([['']]);
  workers.running?.end();
});
