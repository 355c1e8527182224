// SPDX-License-Identifier: MIT
// The drains of machines that share their hardware: one thread for all of them, and none
// is left running.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { Drains } from '../../vmm/api/drains.ts';
import type { BoardMachine } from '../../vmm/boards/index.ts';
import { VmHost } from '../../vmm/nested/index.ts';
import { SideCore } from '../../vmm/threads/index.ts';
import { checkedHost } from '../support/findings.ts';
import { lendVm } from '../support/lent-vm.ts';
import { PROJECT } from '../support/project.ts';

const URL_OF_DRAIN = new URL(`file://${PROJECT}/dist/vmm/threads/drain-worker.js`);
/** Batches so large that a thread is worthwhile whenever a core is idle. */
const LARGE_BATCHES = { commands: 1e6, syncs: 1000 };

/** The part of a machine on a board that the drains use. */
function machineOf(host: VmHost, name: string): BoardMachine {
  const { vm, viommu, vintf } = lendVm(host, name);
  const drainable = {
    machine: { threads: 0, inline: true, setDoorbells: () => undefined, fail: () => undefined },
    guest: vm,
    threads: host,
    direct: [
      {
        smmuBlock: viommu.smmuBlock,
        context: vintf.context,
        queues: [{ counts: LARGE_BATCHES }],
      },
    ],
  };
  return { ...drainable, drainable } as unknown as BoardMachine;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the drains of a host', () => {
  it('start one side core, for any number of concurrent requests of any kind', async () => {
    const start = vi.spyOn(SideCore, 'start');
    const host = await checkedHost(VmHost);
    const drains = new Drains({ url: URL_OF_DRAIN });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => machineOf(host, name)) as [
      BoardMachine,
      BoardMachine,
      BoardMachine,
    ];
    await Promise.all([drains.add(a, 'auto'), drains.add(b, 'auto')]);
    await Promise.all([drains.atYield(a), drains.atYield(b), drains.add(c, 'thread')]);
    const places = [a, b, c].map((machine) => drains.report(machine).place);
    const side = await start.mock.results[0]?.value;
    const drained = side?.machines.length;
    for (const machine of [a, b, c]) await drains.remove(machine);
    const left = side?.machines.length;
    await drains.stop();
    expect(start).toHaveBeenCalledTimes(1);
    expect([places, drained, left]).toEqual([['thread', 'thread', 'thread'], 3, 0]);
  });

  it('outlive a side core that does not start, and start another for the next machine', async () => {
    const host = await checkedHost(VmHost);
    const drains = new Drains({ url: URL_OF_DRAIN });
    const [first, next] = [machineOf(host, 'first'), machineOf(host, 'next')];
    vi.spyOn(SideCore, 'start').mockRejectedValueOnce(new Error('no thread'));
    await expect(drains.add(first, 'thread')).rejects.toThrow('no thread');
    await drains.remove(first);
    await drains.add(next, 'thread');
    expect(drains.report(next).place).toBe('thread');
    await drains.remove(next);
    await drains.stop();
  });
});
