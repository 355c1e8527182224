// SPDX-License-Identifier: MIT
// Broadcast TLB maintenance through the API: the toy's step, and the bug of a host that
// gives two VMs the same VMID.

import { afterEach, describe, expect, it } from 'vitest';
import { Host, type Machine, virtBoard } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';
import { checkedHost } from '../support/findings.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
/** IDR0 of the guest's SMMU. */
const BTM = 1 << 5;

let host: Host;
afterEach(() => host?.destroy());

const hasBtm = (machine: Machine) => ((machine.readRegister('smmuv3', 0)?.lo ?? 0) & BTM) !== 0;

/** Runs toys of an experiment in turn. Returns their checks of the step, by machine. */
async function runToys(experiment: string, vms: number) {
  const checks: Record<string, boolean> = {};
  const machines: Machine[] = [];
  for (let machine = 0; machine < vms; machine++) {
    const args = ['path=direct', `experiment=${experiment}`, `vms=${vms}`, `machine=${machine}`];
    const made = await host.createMachine({ guest: toyGuest, args });
    made.on('check', ({ name, ok }) => {
      if (name.includes('btm')) checks[`${made.name} ${name}`] = ok;
      else expect([name, ok]).toEqual([name, true]);
    });
    await made.boot({ paused: true });
    machines.push(made);
  }
  return { checks, machines };
}

/** Steps a machine until it ends. */
async function finish(machine: Machine) {
  while (machine.status === 'paused') await machine.step();
}

const entries = (machine: Machine) => machine.footprint()['IOTLB entries'].count;

describe('a host with btm', { timeout: 60_000 }, () => {
  it('lets the TLBI of a vCPU remove entries of its own VM’s device', async () => {
    host = await checkedHost(Host, { btm: true });
    const { checks, machines } = await runToys('btm', 2);
    for (const machine of machines) await finish(machine);
    expect(machines.map(hasBtm)).toEqual([true, true]);
    const ok = { 'btm-tlbi': true, 'btm-aset': true, 'attack-btm': true };
    const of = (name: string) =>
      Object.fromEntries(Object.entries(ok).map(([check, value]) => [`${name} ${check}`, value]));
    expect(checks).toEqual({ ...of('vm0'), ...of('vm1') });
  });

  it('has the bug when VMIDs of processors and SMMU differ: the VM keeps its stale entry, its neighbour loses', async () => {
    host = await Host.create({ btm: true, faults: { separateVmids: true } });
    const { checks, machines } = await runToys('btm-vmids', 2);
    const [first, second] = machines;
    if (!first || !second) throw new Error('two machines');
    // Runs vm1 until its mapping is in the TLB: the bring-up, one step for the mapping,
    // one for its end.
    while (entries(second) < 8) await second.step();
    const before = entries(second);
    await finish(first);
    expect(checks).toEqual({ 'vm0 btm-other-vmid': true, 'vm0 attack-btm': true });
    expect([before, entries(second)]).toEqual([expect.any(Number), 0]);
  });

  it('is in IDR0 of a machine, only of its first SMMU, unless its options switch it off', async () => {
    host = await checkedHost(Host, { btm: true, smmus: 2 });
    const machines = [
      await host.createMachine({ guest: IDLE }),
      await host.createMachine({ guest: IDLE, btm: false }),
      await host.createMachine({ guest: IDLE, btm: true, behind: [1] }),
    ];
    expect(machines.map(hasBtm)).toEqual([true, false, true]);
    expect(machines.map((machine) => machine.inspect().map(({ btm }) => btm))).toEqual([
      [true, false],
      [false, false],
      [true],
    ]);
  });

  it('is refused without an SMMU', async () => {
    host = await checkedHost(Host);
    await expect(host.createMachine({ guest: IDLE, btm: true })).rejects.toMatchObject({
      name: 'OptionsError',
      option: 'btm',
      message: 'btm needs a host that has it: Host.create({ btm: true })',
    });
    expect(hasBtm(await host.createMachine({ guest: IDLE }))).toBe(false);
    await host.destroy();
    host = await checkedHost(Host, { btm: true });
    await expect(
      host.createMachine({ guest: IDLE, btm: true, board: virtBoard() }),
    ).rejects.toMatchObject({
      code: 'placement',
      message: 'TLBIs of vCPUs of the board virt reach no SMMU: btm is not for it',
    });
    await expect(
      Host.create({ faults: { separateVmids: 1 as unknown as boolean } }),
    ).rejects.toMatchObject({ option: 'faults.separateVmids' });
  });
});
