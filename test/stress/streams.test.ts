// SPDX-License-Identifier: MIT
// A host that changes the STE of a stream whose device does DMA on another thread: bypass
// and stage 1 in turn, like a guest that attaches its devices to other domains.

import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import {
  bypassSte,
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  writeCd,
} from '../../devices/tables/index.ts';
import { VmHost } from '../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../support/findings.ts';
import { DATA_GPA, lendVm, STREAM } from '../support/lent-vm.ts';
import { SCALE } from './board.ts';

const CHANGES = Math.round(300 * SCALE);

it(`${CHANGES} changes of an STE under DMA: no access is lost or goes elsewhere`, {
  timeout: 60_000 + 30_000 * SCALE,
}, async () => {
  const modules = await checkedModules();
  const host = await checkedHost(VmHost, { modules });
  const { viommu, memory, vm } = lendVm(host);
  const table = new PageTable(memory, { stage: 1 });
  table.map(DATA_GPA, DATA_GPA, 0x1000, S1_READ_WRITE);
  const stes = [bypassSte()];
  for (let i = 0; i < 2; i++) {
    const contextPtr = memory.allocate(64, 64);
    const lower = { ttb: table.root, inputBits: 48 };
    writeCd(memory, contextPtr, 0, contextDescriptor({ asid: 5 + i, outputBits: 48, lower }));
    stes.push(stage1Ste({ contextPtr }));
  }
  const control = new SharedArrayBuffer(64);
  const words = new Int32Array(control);
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: {
      role: 'stream',
      smmu: viommu.smmuBlock,
      unit: {
        modules,
        hostMemory: host.memory,
        thread: host.allocateThread(),
        guest: { memory: vm.memory, regions: vm.regions, window: vm.window },
      },
      control,
      sid: viommu.streams.get(STREAM),
      address: DATA_GPA,
    },
  });
  try {
    const next = (kind: string) =>
      new Promise<unknown>((resolve, reject) => {
        worker.on('message', (message) => message.kind === kind && resolve(message.value));
        worker.once('error', reject);
      });
    const result = next('result');
    await next('ready');
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    const accesses = () => Atomics.load(words, 2);
    for (let i = 0; i < CHANGES; i++) {
      viommu.attachStream(STREAM, stes[i % stes.length]);
      // Now and then the device uses one entry for a while.
      const seen = accesses();
      while (i % 16 === 0 && accesses() - seen < 50);
    }
    Atomics.store(words, 1, 1);
    const state = (await result) as { refused: number; elsewhere: number; accesses: number };
    console.log(`stress: ${JSON.stringify(state)} beside ${CHANGES} changes`);
    expect([state.refused, state.elsewhere]).toEqual([0, 0]);
    expect(state.accesses).toBeGreaterThan(CHANGES);
  } finally {
    await worker.terminate();
  }
});
