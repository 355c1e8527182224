// SPDX-License-Identifier: MIT
// The GIC between threads: a device and software here, two vCPUs that sleep and take
// interrupts on their own threads. What the model (docs/models/gic.pml) checks for a few
// steps, in thousands of them.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { loadGicv3 } from '../../../assembly/load.ts';
import { Random } from '../../../devices/bus/index.ts';
import { steps } from '../../support/thorough.ts';
import { GicHarness } from './gic-harness.ts';

const PENDING = [0x200, 0x204];
const LIMITS = [0x208, 0x20c];
const STOP = 0x210;
/** For each INTID: the number of active handlers, and of handlers that have run. */
const TAKEN = 0x8000;
const SPIS = [32, 40, 41, 63];

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

async function machine() {
  const gic = new GicHarness(2, 32).boot();
  const words = new Int32Array(gic.memory.buffer);
  const module = await loadGicv3();
  for (const vcpu of [0, 1]) {
    const pendingAt = PENDING[vcpu] ?? 0;
    gic.device.connect(vcpu, pendingAt, LIMITS[vcpu] ?? 0);
    const data = {
      ...{ module, memory: gic.memory, at: 0x1000, vcpu },
      ...{ pendingAt, stopAt: STOP, takenAt: TAKEN },
    };
    const url = new URL('./vcpu-thread.mjs', import.meta.url);
    const worker = new Worker(url, { workerData: data });
    workers.push(worker);
    await once(worker, 'message');
  }
  for (const intid of SPIS) gic.enable(intid, 'edge');
  return {
    gic,
    /** Number of handlers of an interrupt that have run. */
    taken: (intid: number) => Atomics.load(words, TAKEN / 4 + 2 * intid + 1),
    /** Stops the vCPUs. Returns the interrupts that were handled twice at once. */
    async stop(): Promise<unknown[]> {
      const doubled = Promise.all(workers.map((worker) => once(worker, 'message')));
      Atomics.store(words, STOP / 4, 1);
      for (const at of PENDING) {
        Atomics.or(words, at / 4, 1);
        Atomics.notify(words, at / 4);
      }
      return (await doubled).flat(2);
    },
  };
}

/** Waits until the condition is true; a lost wake-up would take forever. */
function until(what: string, is: () => boolean): void {
  const deadline = performance.now() + 20_000;
  while (!is()) if (performance.now() > deadline) throw new Error(`${what}: not in 20 s`);
}

it('each edge is acknowledged after it, for any routing and any concurrent change', async () => {
  const { gic, taken, stop } = await machine();
  const random = new Random(3);
  for (let i = 0; i < steps(1500, 30_000); i++) {
    const intid = random.pick(SPIS);
    const bit = (1 << (intid - 32)) >>> 0;
    const before = taken(intid);
    gic.pulse(intid);
    switch (random.below(4)) {
      case 0:
        gic.setGicd(0x184, bit);
        gic.setGicd(0x104, bit);
        break;
      case 1:
        gic.setGicd(0x6000 + 8 * intid, random.below(2), 8);
        break;
      case 2:
        gic.setGicd(0, 0x10);
        gic.setGicd(0, 0x13);
        break;
      default:
        gic.pulse(random.pick(SPIS));
    }
    until(`edge ${i} of INTID ${intid}`, () => taken(intid) > before);
  }
  expect(await stop()).toEqual([]);
});

it('none is acknowledged once a write that disables it has returned', async () => {
  const { gic, taken, stop } = await machine();
  const bit = 1 << 8;
  for (let i = 0; i < steps(300, 3000); i++) {
    const [off, on]: readonly [() => void, () => void] =
      i % 2
        ? [() => gic.setGicd(0x184, bit), () => gic.setGicd(0x104, bit)]
        : [() => gic.setGicd(0, 0x10), () => gic.setGicd(0, 0x13)];
    gic.pulse(40);
    off();
    until('the handler', () => (gic.gicd(0x304) & bit) === 0);
    const before = taken(40);
    gic.pulse(40);
    let most = before;
    for (let spin = 0; spin < 300; spin++) most = Math.max(most, taken(40));
    expect(most).toBe(before);
    on();
    until(`edge ${i}`, () => taken(40) > before);
  }
  expect(await stop()).toEqual([]);
});
