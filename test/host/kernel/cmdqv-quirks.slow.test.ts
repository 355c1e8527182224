// SPDX-License-Identifier: MIT
// The host's driver on a CMDQV that misbehaves: it takes back what it has lent, and
// nobody else is affected.

import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HotModules } from '../../../assembly/load.ts';
import type { Device } from '../../../devices/plugin/index.ts';
import { cfgiAll, sync } from '../../../devices/tables/index.ts';
import { type CmdqvQuirks, QuirkyCmdqv } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { hasten } from '../../support/hasten.ts';
import { lendVm, RING_GPA, RING_LOG2SIZE, sendOnVcmdq, startVcmdq } from '../../support/lent-vm.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function quirkyHost(quirks: CmdqvQuirks = {}) {
  const devices: QuirkyCmdqv[] = [];
  const host = await checkedHost(VmHost, {
    modules,
    wrapCmdqv: (cmdqv: Device) => {
      const quirky = new QuirkyCmdqv(cmdqv, quirks);
      devices.push(quirky);
      return quirky;
    },
  });
  const [quirky] = devices;
  if (!quirky) throw new Error('a host has a CMDQV');
  return { host, quirky };
}

const state = ({ statistics }: VmHost) => {
  const { vms, vmidsInUse, vintfsInUse, ramInUse } = statistics;
  return { vms, vmidsInUse, vintfsInUse, ramInUse };
};

describe('a host', () => {
  it('boots with interrupts before anything is set up, and with enables that come late', async () => {
    const { host } = await quirkyHost({
      earlyInterrupts: 3,
      enableDelay: 50,
      disableDelay: 50,
      interruptOnDisable: true,
    });
    const lent = lendVm(host);
    startVcmdq(lent);
    sendOnVcmdq(lent, sync());
    host.service(true);
    expect([lent.vintf.queue(0).counts.syncs, lent.errors, host.statistics.cmdqvTimeouts]).toEqual([
      1,
      [],
      0,
    ]);
  });

  it('does not boot with a CMDQV that is never enabled, and names it', async () => {
    hasten(100);
    await expect(quirkyHost({ enableDelay: Infinity })).rejects.toThrow(
      expect.objectContaining({
        name: 'HostError',
        code: 'timeout',
        message: expect.stringContaining('enabling the CMDQV') as string,
      }),
    );
  });

  it('allocates nothing for a vIOMMU whose VINTF is never enabled', async () => {
    const { host, quirky } = await quirkyHost();
    const { vm } = lendVm(host);
    const before = state(host);
    quirky.quirks.enableDelay = Infinity;
    hasten(100);
    expect(() => host.createViommu(vm, [9], { cmdqv: true })).toThrow(
      expect.objectContaining({ code: 'timeout', errno: 'ETIMEDOUT' }),
    );
    expect([state(host), vm.references]).toEqual([before, 1]);
    quirky.quirks.enableDelay = 0;
    host.createVintf(host.createViommu(vm, [9], { cmdqv: true }));
    expect(host.statistics.vintfsInUse).toBe(2);
  });

  it('takes back a queue that does not report that it has stopped, and lends it again as new', async () => {
    const { host, quirky } = await quirkyHost();
    const before = state(host);
    const lent = lendVm(host, 'first');
    startVcmdq(lent);
    sendOnVcmdq(lent, sync(), sync());
    quirky.quirks.disableDelay = Infinity;
    hasten(100);
    host.destroyVm(lent.vm);
    expect(state(host)).toEqual(before);
    expect(host.statistics.cmdqvTimeouts).toBeGreaterThan(0);
    quirky.quirks.disableDelay = 0;
    const next = lendVm(host, 'next');
    expect(next.vintf.index).toBe(lent.vintf.index);
    startVcmdq(next);
    // Its registers are not those of the previous owner.
    expect([next.vintf.readPage0(0, 0), next.vintf.readPage0(0, 4)]).toEqual([0, 0]);
    sendOnVcmdq(next, sync());
    expect(next.vintf.readPage0(0, 0)).toBe(1);
  });

  it('reports one queue’s error to one guest, regardless of other interrupts', async () => {
    const { host, quirky } = await quirkyHost();
    const [lent, other] = [lendVm(host, 'bad'), lendVm(host, 'other')];
    for (const each of [lent, other]) startVcmdq(each);
    expect(lent.vintf.allocateQueue(1, RING_GPA + 0x1000, RING_LOG2SIZE)).toBe(true);
    quirky.interrupt();
    host.service(true);
    expect([lent.errors, other.errors]).toEqual([[], []]);
    sendOnVcmdq(lent, cfgiAll());
    quirky.interrupt();
    host.service(true);
    expect([lent.errors, other.errors]).toEqual([[0], []]);
  });
});
