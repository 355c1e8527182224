// SPDX-License-Identifier: MIT
// VMIDs charged to the group of their VM: pinning and allocation fail at its limit
// without effect, and freed VMIDs are credited.

import { beforeAll, describe, expect, it } from 'vitest';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { VmidAccount, type VmOptions } from '../../../host/kernel/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { ramRegions } from '../../../vmm/vcpu/wasm/index.ts';
import { RAM_GPA_BASE, STREAM } from '../../support/lent-vm.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

async function setup(limit: number) {
  const host = await VmHost.create({ modules });
  const account = new VmidAccount('tenant', limit);
  const memory = new WebAssembly.Memory({ initial: 17, maximum: 17, shared: true });
  const create = (options: VmOptions = { account }) =>
    host.createVm('vm', memory, ramRegions(memory, RAM_GPA_BASE), options);
  return { host, account, create };
}

const OVER_LIMIT: unknown = expect.objectContaining({ code: 'over-limit', errno: 'EBUSY' });

describe('an account of VMIDs', () => {
  it('charges once for what a VM’s vCPUs and its first stage 2 share, until the VM is destroyed', async () => {
    const { host, account, create } = await setup(1);
    const vm = create();
    expect(account.charged).toBe(0);
    host.vcpuRuns(vm, 0, true);
    host.vcpuRuns(vm, 1, true);
    host.createViommu(vm, [STREAM]);
    expect(account.charged).toBe(1);
    host.vcpuRuns(vm, 0, false);
    host.vcpuRuns(vm, 1, false);
    expect(account.charged).toBe(1);
    host.destroyVm(vm);
    expect([account.charged, account.refused]).toEqual([0, 0]);
  });

  it('refuses more than its limit, only to its own VMs, without an effect', async () => {
    const { host, account, create } = await setup(2);
    const [a, b, c, other] = [create(), create(), create(), create({})];
    host.vcpuRuns(a, 0, true);
    host.createViommu(b, [STREAM]);
    const free = host.statistics.ramInUse;
    expect(() => host.vcpuRuns(c, 0, true)).toThrow(OVER_LIMIT);
    expect([...c.running]).toEqual([]);
    expect(() => host.createViommu(c, [STREAM])).toThrow(OVER_LIMIT);
    expect([host.statistics.ramInUse, c.references, account.charged, account.refused]).toEqual([
      free,
      0,
      2,
      2,
    ]);
    host.createViommu(other, [STREAM]);
    host.destroyVm(a);
    host.vcpuRuns(c, 0, true);
    expect(account.charged).toBe(2);
  });

  it('has a limit that can be counted', () => {
    for (const limit of [-1, 0.5, Number.NaN])
      expect(() => new VmidAccount('x', limit)).toThrow(RangeError);
    const none = new VmidAccount('nobody', 0);
    expect(() => none.charge()).toThrow('nobody has all 0 VMIDs of its limit');
  });
});
