// SPDX-License-Identifier: MIT
// A watch observes the accesses of a machine's guest, and does not change the machine.

import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HotModules, loadHotModules } from '../../../../assembly/load.ts';
import { createToyMachine, type MachineWatch, toyArgs } from '../../../../vmm/boards/index.ts';
import { watchedCalls } from '../../../../vmm/boards/machine-watch.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import type { ExitServer } from '../../../../vmm/threads/index.ts';
import {
  type GuestImage,
  type InsideCalls,
  loadGuestImage,
} from '../../../../vmm/vcpu/wasm/index.ts';

let modules: HotModules;
let image: GuestImage;
beforeAll(async () => {
  modules = await loadHotModules();
  const toy = new URL('../../../../dist/guest-driver/toy.wasm', import.meta.url);
  image = await loadGuestImage(new Uint8Array(await readFile(toy)));
});

/** The toy with an experiment that ends by itself. */
async function run(watch: MachineWatch | undefined) {
  let output = '';
  const toy = createToyMachine({
    host: await VmHost.create({ modules }),
    name: 'vm',
    index: 0,
    image,
    args: [
      'toy',
      ...toyArgs({ path: 'all', queues: 'vcmdq', vms: 1, machine: 0 }),
      'rounds=1',
      'experiment=stale-dma',
    ],
    onOutput: (bytes) => {
      output += new TextDecoder().decode(bytes);
    },
    watch,
  });
  await toy.machine.boot();
  for (let step = 0; step < 100 && toy.machine.step() === 'running'; step++);
  const { exitStatistics, error, status } = toy.machine;
  const doorbells = toy.vintf.context.doorbellCalls;
  const { importCalls } = toy.machine.exits;
  const imports = importCalls && [importCalls.total, importCalls.duringDirect];
  toy.destroy();
  return { output, exits: exitStatistics, error, status, doorbells, imports };
}

describe('a watched machine', () => {
  it('behaves as it does without a watch, and is observed', async () => {
    const seen = { doorbells: 0, accesses: 0, reads: 0, writes: 0 };
    const plain = await run(undefined);
    const watched = await run({
      call(name, args, carryOut) {
        if (name === 'doorbell') seen.doorbells++;
        expect(args.length).toBe(2);
        return carryOut();
      },
      access(_device, _isWrite, _access, carryOut) {
        seen.accesses++;
        carryOut();
      },
      dma({ device, write, length }, carryOut) {
        expect(device).toBe('dma-engine');
        expect(length).toBeGreaterThan(0);
        seen[write ? 'writes' : 'reads']++;
        return carryOut();
      },
    });
    expect(plain.error).toBeUndefined();
    expect(plain.status).toBe('off');
    expect(watched).toEqual(plain);
    expect(seen.doorbells).toBe(plain.doorbells);
    expect(seen.accesses).toBe(plain.exits.byKind.mmio);
    expect(seen.reads).toBeGreaterThan(0);
    expect(seen.writes).toBeGreaterThan(0);
  });

  it('cannot have threads for its vCPUs', async () => {
    const watch: MachineWatch = {
      call: (_name, _args, carryOut) => carryOut(),
      access: (_device, _isWrite, _access, carryOut) => carryOut(),
      dma: (_dma, carryOut) => carryOut(),
    };
    const host = await VmHost.create({ modules });
    const exits = {} as unknown as ExitServer;
    const options = { host, name: 'vm7', index: 0, image, onOutput: () => undefined };
    expect(() => createToyMachine({ ...options, watch, exits })).toThrow(
      new RangeError('vm7: a machine whose vCPUs have threads cannot be watched'),
    );
  });

  it('is watched in parts: DMA alone, in a machine whose doorbells stay WebAssembly to WebAssembly', async () => {
    const plain = await run(undefined);
    let accesses = 0;
    const watched = await run({
      dma(_dma, carryOut) {
        accesses++;
        return carryOut();
      },
    });
    expect(watched).toEqual(plain);
    expect(accesses).toBeGreaterThan(0);
    const calls = { doorbell: () => undefined } as unknown as InsideCalls;
    expect(watchedCalls({ dma: (_dma, carryOut) => carryOut() }, calls)).toBe(calls);
    expect(watchedCalls({ call: (_n, _a, carryOut) => carryOut() }, calls)).not.toBe(calls);
  });
});
