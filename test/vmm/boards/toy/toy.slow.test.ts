// SPDX-License-Identifier: MIT
// The toy guest on the standard board, from the sources: what `vsmmu boot toy` runs.

import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HotModules } from '../../../../assembly/load.ts';
import { createToyMachine, type Queues, type ToyMachine } from '../../../../vmm/boards/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { type GuestImage, loadGuestImage } from '../../../../vmm/vcpu/wasm/index.ts';
import { checkedHost, checkedModules } from '../../../support/findings.ts';

let modules: HotModules;
let image: GuestImage;
beforeAll(async () => {
  modules = await checkedModules();
  image = await loadGuestImage(
    Uint8Array.from(await readFile(new URL('../../../../guest-driver/toy.wasm', import.meta.url))),
  );
});

interface Result {
  readonly name: string;
  readonly ok: boolean;
}

interface Run {
  readonly toy: ToyMachine;
  readonly results: Result[];
  readonly output: () => string;
}

/** Calls of JavaScript imports, counted at the import object, in all and between two marks of the guest's driver. */
interface ImportCounter {
  calls: number;
}

function start(
  host: VmHost,
  index: number,
  args: readonly string[],
  counter?: ImportCounter,
  queues: Queues = 'vcmdq',
): Run {
  const results: Result[] = [];
  let output = '';
  const toy = createToyMachine({
    host,
    name: `vm${index}`,
    index,
    image,
    queues,
    // Of two arguments of one name the first counts.
    args: ['toy', `machine=${index}`, ...args, 'rounds=2', 'warmup=0', `queues=${queues}`],
    onOutput: (bytes) => {
      output += new TextDecoder().decode(bytes);
    },
    checkpoint: { onPhase: () => undefined, onResult: (name, ok) => results.push({ name, ok }) },
    ...(counter && {
      instantiate: (module, imports) =>
        WebAssembly.instantiate(module, counting(imports as WebAssembly.Imports, counter)),
    }),
  });
  return { toy, results, output: () => output };
}

/** Every import is counted, but for those that are Wasm themselves: of all functions only the drain's doorbell. */
function counting(imports: WebAssembly.Imports, counter: ImportCounter): WebAssembly.Imports {
  const wrapped: WebAssembly.Imports = {};
  for (const [module, values] of Object.entries(imports)) {
    wrapped[module] = {};
    for (const [name, value] of Object.entries(values)) {
      const isWasm = name === 'doorbell';
      wrapped[module][name] =
        typeof value !== 'function' || isWasm
          ? value
          : (...args: unknown[]) => {
              counter.calls++;
              return (value as (...args: unknown[]) => unknown)(...args);
            };
    }
  }
  return wrapped;
}

async function runToEnd(runs: readonly Run[]): Promise<void> {
  for (const { toy } of runs) await toy.machine.boot();
  for (
    let step = 0;
    step < 100 && runs.some(({ toy }) => toy.machine.status === 'running');
    step++
  ) {
    for (const { toy } of runs) toy.machine.step();
  }
  for (const { toy, results } of runs) {
    expect(toy.machine.error).toBeUndefined();
    expect(toy.machine.status).toBe('off');
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
  }
}

describe('the toy guest', () => {
  it.each(['all', 'direct', 'trapped'])(
    'passes every check of its own on path %s',
    async (path) => {
      const run = start(await checkedHost(VmHost, { modules }), 0, ['vms=1', `path=${path}`]);
      await runToEnd([run]);
      expect(run.results.length).toBeGreaterThan(path === 'trapped' ? 12 : 20);
      expect(run.output()).toContain('UART up, machine 0');
      expect(run.toy.vintf.queue(0).counts.commands > 0).toBe(path !== 'trapped');
    },
  );

  it('causes no exit of any kind in direct-path batches, by a separate count at the import object', async () => {
    const counter = { calls: 0 };
    const run = start(await checkedHost(VmHost, { modules }), 0, ['vms=1', 'path=all'], counter);
    await runToEnd([run]);
    const exits = run.toy.machine.exitStatistics;
    expect(counter.calls).toBe(exits.total);
    const { total, duringDirect, duringCmdq } = run.toy.machine.exits.importCalls ?? {};
    expect([total, duringDirect]).toEqual([counter.calls, 0]);
    // Two rounds of 3 sizes, 8 samples of 16 batches each.
    expect(duringCmdq).toBe(2 * 2 * 3 * 8 * 16);
    expect(Object.values(exits.byKind).reduce((a, b) => a + b)).toBe(exits.total);
    expect(Object.values(exits.byRegister).reduce((a, b) => a + b)).toBe(exits.byKind.mmio);
    expect(exits.duringDirect).toBe(0);
    // The toy also invalidates through the CMDQ without marking it.
    expect(exits.duringInvalidation).toBeGreaterThanOrEqual(duringCmdq ?? Infinity);
    expect(run.toy.vintf.context.doorbellCalls).toBeGreaterThan(700);
  });

  it('has ECMDQs instead of a CMDQV, and causes no exit in their batches either', async () => {
    const counter = { calls: 0 };
    const run = start(
      await checkedHost(VmHost, { modules }),
      0,
      ['vms=1', 'path=all'],
      counter,
      'ecmdq',
    );
    await runToEnd([run]);
    const exits = run.toy.machine.exitStatistics;
    expect([counter.calls, exits.duringDirect]).toEqual([exits.total, 0]);
    expect(Object.keys(exits.byRegister).filter((name) => name.startsWith('cmdqv'))).toEqual([]);
    const names = run.results.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'ecmdq-direct',
        'ecmdq-batches',
        'illegal-command-recovery',
        'no-exits-direct',
      ]),
    );
    const { viommu, vintf } = run.toy;
    expect(viommu.enhancedQueues.map(({ block }) => block.counts.commands > 0)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([viommu.context.doorbellCalls > 700, vintf.queue(0).counts.commands]).toEqual([true, 0]);
  });

  it('attacks through ECMDQs too, and neither machine notices', async () => {
    const host = await checkedHost(VmHost, { modules });
    const runs = (['ecmdq', 'vcmdq', 'ecmdq'] as const).map((queues, index) =>
      start(host, index, ['vms=3', 'path=direct'], undefined, queues),
    );
    await runToEnd(runs);
    expect(
      runs.map(({ results }) => results.filter(({ name }) => name.startsWith('attack-')).length),
    ).toEqual([3, 6, 3]);
    expect(host.statistics.smmu.illegalStream).toBeGreaterThan(0);
  });

  it('runs again on ECMDQs after a reset in the middle', async () => {
    const run = start(
      await checkedHost(VmHost, { modules }),
      0,
      ['vms=1', 'path=direct'],
      undefined,
      'ecmdq',
    );
    await run.toy.machine.boot();
    for (let step = 0; step < 8; step++) expect(run.toy.machine.step()).toBe('running');
    const places = () => run.toy.viommu.enhancedQueues.map(({ block }) => block.overlay > 0);
    expect(places()).toEqual([true, true, true, true]);
    await run.toy.machine.reset();
    expect(places()).toEqual([false, false, false, false]);
    run.results.length = 0;
    await runToEnd([run]);
  });

  it.each([
    [3, 16],
    [16, 32],
  ])(
    'runs on one host in %i machines, each of which attacks the others',
    { timeout: 120_000 },
    async (vms, vintfs) => {
      const host = await checkedHost(VmHost, { modules, vintfs });
      const runs = Array.from({ length: vms }, (_, index) =>
        start(host, index, [`vms=${vms}`, 'path=all', 'rounds=1']),
      );
      await runToEnd(runs);
      for (const { results } of runs)
        expect(
          results.filter(({ name }) => name.startsWith('attack-')).length,
        ).toBeGreaterThanOrEqual(6);
      expect(new Set(runs.map(({ toy }) => toy.viommu.vmid)).size).toBe(vms);
      for (const { toy } of runs) toy.destroy();
      expect(host.statistics).toMatchObject({ vms: 0, vmidsInUse: 0 });
    },
  );

  it('runs again after a reset in the middle', async () => {
    const host = await checkedHost(VmHost, { modules });
    const run = start(host, 0, ['vms=1', 'path=direct']);
    await run.toy.machine.boot();
    for (let step = 0; step < 8; step++) expect(run.toy.machine.step()).toBe('running');
    expect(run.toy.vintf.context.page0).not.toBe(0);
    await run.toy.machine.reset();
    expect(run.toy.vintf.context.page0).toBe(0);
    run.results.length = 0;
    await runToEnd([run]);
    expect(run.results.length).toBeGreaterThan(15);
  });

  it('finds the trapped path when its board maps nothing directly', async () => {
    const host = await checkedHost(VmHost, { modules });
    const results: Result[] = [];
    const { machine } = createToyMachine({
      host,
      name: 'vm0',
      index: 0,
      image,
      args: ['toy', 'vms=1', 'path=direct', 'rounds=1', 'warmup=0'],
      directMaps: false,
      onOutput: () => undefined,
      checkpoint: { onPhase: () => undefined, onResult: (name, ok) => results.push({ name, ok }) },
    });
    await machine.boot();
    for (let step = 0; step < 30 && machine.step() === 'running'; step++);
    // The guest notices, and everything else of its VCMDQs works through exits.
    expect(results.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['page0-direct']);
  });
});
