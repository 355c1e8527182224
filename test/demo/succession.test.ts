// SPDX-License-Identifier: MIT
// The page's calls of its worker, with a substitute: each follows the one before, and a
// failed call ends nothing.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import { Succession } from '../../demo/page/succession.ts';
import { StandInWorker } from './stand-in-worker.ts';

const ports: MessagePort[] = [];
/** Calls of the worker. */
const done: string[] = [];

const VMM = {
  ready: () => undefined,
  load: () => undefined,
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

class StandIn extends StandInWorker {
  constructor() {
    super(VMM, ports);
  }
}

beforeEach(() => vi.stubGlobal('Worker', StandIn));
afterEach(() => {
  vi.unstubAllGlobals();
  for (const port of ports.splice(0)) port.close();
});

it('a request waits for the calls before, and ends no machines when it fails', async () => {
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
