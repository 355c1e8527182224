// SPDX-License-Identifier: MIT
// The page's side of a worker with machines, with a substitute whose messages are still
// in flight when it is terminated.

import type { Remote } from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import { VmmWorker } from '../../demo/page/vmm-worker.ts';
import type { Picture, SessionFacts, Sink } from '../../demo/protocol.ts';
import { StandInWorker } from './stand-in-worker.ts';

const FACTS: SessionFacts = {
  isolated: true,
  transport: 'inline',
  drain: 'doorbell',
  recorded: false,
  traced: false,
  clockNs: 0,
  note: '',
};

/** Passed to the worker at its boot. */
let told: Remote<Sink> | undefined;
let ports: MessagePort[] = [];

const VMM = {
  ready: () => undefined,
  load: () => undefined,
  boot(_settings: unknown, _guest: unknown, sink: Remote<Sink>) {
    told = sink;
    return FACTS;
  },
};

class LateWorker extends StandInWorker {
  constructor() {
    super(VMM, ports);
  }
}

/** A worker that has booted, and the steps of the pictures that its page has received. */
async function booted() {
  vi.stubGlobal('Worker', LateWorker);
  const seen: number[] = [];
  const sink: Sink = {
    output(vm) {
      seen.push(-1 - vm);
      return Promise.resolve();
    },
    picture({ steps }) {
      seen.push(steps);
      return Promise.resolve();
    },
  };
  const worker = new VmmWorker(readSettings(new URLSearchParams()), undefined, sink, (error) =>
    expect.unreachable(String(error)),
  );
  await worker.boot();
  if (!told) throw new Error('boot without a sink');
  return { worker, sink: told, seen };
}

const picture = (steps: number) => ({ steps }) as Picture;

afterEach(() => {
  vi.unstubAllGlobals();
  for (const port of ports) port.close();
  ports = [];
});

describe('a worker with machines', () => {
  it('sends its page nothing before it is accepted', async () => {
    const { worker, sink, seen } = await booted();
    const early = sink.picture(picture(1));
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(seen).toEqual([]);
    worker.accept();
    await early;
    expect(seen).toEqual([1]);
  });

  it('sends its page nothing after its end, regardless of work in progress', async () => {
    const { worker, sink, seen } = await booted();
    worker.accept();
    await sink.picture(picture(1));
    worker.end();
    await sink.picture(picture(2));
    await sink.output(0, { from: 0, bytes: new Uint8Array([1]), left: 0 });
    expect(seen).toEqual([1]);
  });

  it('reports nothing that was waiting to be accepted when it ended', async () => {
    const { worker, sink, seen } = await booted();
    const early = sink.picture(picture(1));
    worker.end();
    worker.accept();
    await early;
    expect(seen).toEqual([]);
  });
});
