// SPDX-License-Identifier: MIT
// The toy in the combinations of transport, drain, vCPUs and machines.

import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE_MEASURE,
} from '../../../assembly/layout/checkpoint-registers.ts';
import { toyGuest, toySecondary } from '../../../guest-driver/index.ts';
import type { ToyMachine } from '../../../vmm/boards/index.ts';
import {
  createToyMachine,
  ExitServer,
  loadGuestImage,
  SideCore,
  VmHost,
} from '../../support/built.ts';
import { checkedHost } from '../../support/findings.ts';
import { combinations, pairwise } from '../../support/pairwise.ts';
import { THOROUGH } from '../../support/thorough.ts';
import { TOY_FACTORS } from '../../support/toy-factors.ts';

const image = await loadGuestImage(new Uint8Array(await readFile(toyGuest)));
const secondary = await WebAssembly.compile(await readFile(toySecondary));

/** Each pair of values; in thorough runs all of them. */
const COMBINATIONS = THOROUGH ? combinations(TOY_FACTORS) : pairwise(TOY_FACTORS);

const activeThreads = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'Worker' || name === 'MessagePort')
    .length;
const before = activeThreads();
afterAll(async () => {
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(activeThreads()).toBeLessThanOrEqual(before);
});

describe('the toy', () => {
  it.each(COMBINATIONS)('passes: %o', async ({ mailbox, thread, vcpus, vms }) => {
    const host = await checkedHost(VmHost, { vintfs: 8, vcmdqs: 32 });
    const exits = mailbox ? new ExitServer() : undefined;
    const side = thread ? await SideCore.start(host, exits && { vmm: exits.buffer }) : undefined;
    const failed: string[] = [];
    const checks = new Set<string>();
    const machines: ToyMachine[] = [];
    for (let index = 0; index < vms; index++) {
      const machine = createToyMachine({
        host,
        name: `vm${index}`,
        index,
        image,
        exits,
        vcpus,
        secondary: vcpus > 1 ? secondary : undefined,
        args: ['toy', `vms=${vms}`, `machine=${index}`, 'rounds=1', 'warmup=0'],
        onOutput: () => undefined,
        checkpoint: {
          onPhase: () => undefined,
          onResult: (name, ok, detail) => {
            checks.add(name);
            if (!ok) failed.push(`vm${index}: ${name}: ${detail}`);
          },
        },
      });
      await side?.attach(machine);
      machines.push(machine);
    }
    for (const { machine } of machines) await machine.boot();
    while (machines.some(({ machine }) => machine.status === 'running'))
      for (const { machine } of machines) await machine.run();
    await side?.stop();
    expect(machines.map(({ machine }) => machine.error?.message ?? machine.status)).toEqual(
      machines.map(() => 'off'),
    );
    expect(failed).toEqual([]);
    expect(checks.has('no-exits-direct')).toBe(true);
    expect(checks.has('parallel')).toBe(vcpus > 1);
    for (const { machine, vintf, destroy } of machines) {
      expect(machine.exitStatistics.duringDirect).toBe(0);
      expect(vintf.context.doorbellCalls === 0).toBe(thread);
      destroy();
    }
  });

  it('on a coarse clock repeats the batches of all vCPUs at once as often as those of one', async () => {
    const host = await checkedHost(VmHost, { vintfs: 2, vcmdqs: 4 });
    const rows: (readonly number[])[] = [];
    const { machine, destroy } = createToyMachine({
      host,
      name: 'vm',
      index: 0,
      image,
      vcpus: 2,
      secondary,
      args: ['toy', 'path=all', 'rounds=1', 'warmup=0', 'clock=100000'],
      onOutput: () => undefined,
      checkpoint: {
        onPhase: (phase, ended, data) => {
          if (phase === CHECKPOINT_PHASE_MEASURE && ended) rows.push(data);
        },
        onResult: () => undefined,
      },
    });
    await machine.boot();
    while (machine.status === 'running') await machine.run();
    destroy();
    // Path, commands, p50, p99, batches, exits, doorbells, vCPUs. A round has 8 samples of 16
    // batches of one vCPU, and 4 of each of the two: the same number, repeated equally often.
    const direct = rows.filter(([path]) => path === CHECKPOINT_PATH_DIRECT);
    const batches = (vcpus: number) =>
      direct.filter((row) => row[7] === vcpus).map((row) => [row[1], row[4]]);
    expect(batches(2)).toEqual(batches(0));
    expect(batches(2).map(([commands]) => commands)).toEqual([1, 16, 64]);
  });
});
