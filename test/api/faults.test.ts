// SPDX-License-Identifier: MIT
// Faults through the API: what a guest and a host make of a bad day.

import { afterEach, describe, expect, it } from 'vitest';
import { type DeviceFaults, Host, type Machine } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.destroy();
});

async function create(...[options]: Parameters<typeof Host.create>): Promise<Host> {
  const host = await Host.create(options);
  hosts.push(host);
  return host;
}

/** Runs a machine to its end; the names of the checks of its guest that have failed. */
async function failedChecks(machine: Machine): Promise<string[]> {
  const failed: string[] = [];
  machine.on('check', ({ name, ok }) => {
    if (!ok) failed.push(name);
  });
  await machine.boot();
  const { status, exitCode, reason } = await machine.wait();
  return [`${status} ${exitCode} ${reason}`.trim(), ...failed];
}

const TOY = { guest: toyGuest, args: ['path=trapped', 'rounds=1', 'warmup=1'], memory: 64 };

describe('a guest', () => {
  it('waits for a CONS that is late, and takes interrupts that are', async () => {
    const host = await create();
    const faults = { lateCons: 3, lateInterrupts: 2 };
    const machine = await host.createMachine({ ...TOY, faults });
    expect(await failedChecks(machine)).toEqual(['off 0']);
    // The direct path has become a trapped one.
    expect(machine.statistics.exits.total).toBeGreaterThan(1000);
  });

  it('has commands run again by a PROD that is torn, and ends as it would without, as does its neighbour', async () => {
    const run = async (faults: DeviceFaults) => {
      const host = await create();
      // Beyond a whole turn of the ring: only there is a torn PROD behind CONS.
      const args = ['path=trapped', 'rounds=2', 'warmup=1'];
      const bad = await host.createMachine({ ...TOY, args, faults });
      const good = await host.createMachine({ ...TOY, args });
      expect(await failedChecks(bad)).toEqual(['off 0']);
      const { prodOutOfRange, configInvalidations } = host.statistics.smmu;
      expect(await failedChecks(good)).toEqual(['off 0']);
      // What was out of range was so in one machine alone.
      expect(host.statistics.smmu.prodOutOfRange).toBe(prodOutOfRange);
      return { prodOutOfRange, configInvalidations, exits: bad.statistics.exits.total };
    };
    const whole = await run({ tornProd: false });
    const torn = await run({ tornProd: true });
    expect(whole.prodOutOfRange).toBe(0);
    expect(torn.prodOutOfRange).toBeGreaterThan(10);
    expect(torn.configInvalidations).toBeGreaterThan(whole.configInvalidations);
    // The guest has made no access more, and does not know.
    expect(torn.exits).toBe(whole.exits);
  });

  it('meets aborted fetches, and its neighbour does not', async () => {
    const host = await create();
    const faults = { fetchAborts: 4 };
    const bad = await host.createMachine({ ...TOY, faults });
    const good = await host.createMachine(TOY);
    const [first, second] = await Promise.all([failedChecks(bad), failedChecks(good)]);
    // Its driver goes on behind each CERROR_ABT.
    expect([first, second]).toEqual([['off 0'], ['off 0']]);
    expect(host.statistics.smmu.fetchAborts).toBeGreaterThan(0);
  });
});

describe('a host', () => {
  it('replaces a drain thread that is killed under a guest that invalidates', {
    timeout: 60_000,
  }, async () => {
    const host = await create({ faults: { drainLifetime: 200, drainDelay: 1 } });
    const machine = await host.createMachine({
      guest: toyGuest,
      args: ['path=direct', 'rounds=1'],
      transport: 'mailbox',
      drain: 'thread',
    });
    const failed = await failedChecks(machine);
    // A poll loop that a thread is missing for may leave the guest once: nothing else is lost.
    expect(failed.filter((name) => name !== 'no-exits-direct')).toEqual(['off 0']);
  });

  it('that is out of memory makes no machine, and makes one again when it has some', async () => {
    const refused: string[] = [];
    let left = true;
    const outOfMemory = (what: string) => !left && refused.push(what) > 0;
    const host = await create({ faults: { outOfMemory } });
    left = false;
    const before = host.statistics;
    await expect(host.createMachine(TOY)).rejects.toMatchObject({ code: 'ENOMEM' });
    expect(refused).toHaveLength(1);
    expect(host.statistics).toMatchObject({ vms: before.vms, ramInUse: before.ramInUse });
    left = true;
    expect(await failedChecks(await host.createMachine(TOY))).toEqual(['off 0']);
  });
});
