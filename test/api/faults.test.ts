// SPDX-License-Identifier: MIT
// Faults through the API: how guests and hosts react to them.

import { afterEach, describe, expect, it } from 'vitest';
import { type DeviceFaults, Host, type Machine } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';
import { IMPORT_WRITE32, reactor } from '../support/wat.ts';

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.destroy();
});

async function create(...[options]: Parameters<typeof Host.create>): Promise<Host> {
  const host = await Host.create(options);
  hosts.push(host);
  return host;
}

/** Runs a machine to its end. Returns the names of its guest's failed checks. */
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

/**
 * Makes the DMA engine fill 4 bytes twelve times, and prints for each whether its
 * interrupt arrived.
 */
const COUNTS_INTERRUPTS = reactor(
  `(func $find (param $kind i32) (result i32) (local $entry i32)
    (local.set $entry (i32.const 0x100))
    (loop $next
      (if (i32.ne (i32.load (local.get $entry)) (local.get $kind))
        (then
          (local.set $entry (i32.add (local.get $entry) (i32.const 32)))
          (br $next))))
    (local.get $entry))
  (func $run (param i32) (result i32)
    (local $dma i32) (local $uart i32) (local $word i32) (local $bit i32) (local $left i32)
    ;; "dmae", "uart"
    (local.set $dma (call $find (i32.const 0x65616d64)))
    (local.set $uart (i32.load offset=4 (call $find (i32.const 0x74726175))))
    (local.set $bit (i32.load offset=12 (local.get $dma)))
    (local.set $word (i32.add (i32.const 0x300) (i32.shl (i32.shr_u (local.get $bit) (i32.const 5)) (i32.const 2))))
    (local.set $bit (i32.shl (i32.const 1) (i32.and (local.get $bit) (i32.const 31))))
    (local.set $dma (i32.load offset=4 (local.get $dma)))
    (call $write32 (i32.add (local.get $dma) (i32.const 0x0c)) (i32.const 4))
    (call $write32 (i32.add (local.get $dma) (i32.const 0x34)) (i32.const 1))
    (local.set $left (i32.const 12))
    (loop $next
      (call $write32 (i32.add (local.get $dma) (i32.const 0x04)) (i32.const 2))
      (call $write32 (local.get $uart)
        (select (i32.const 33) (i32.const 46)
          (i32.and (local.get $bit)
            (i32.atomic.rmw.and (local.get $word) (i32.xor (local.get $bit) (i32.const -1))))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left)))
    (i32.const 2))`,
  IMPORT_WRITE32,
);

describe('a guest', () => {
  it.each([
    [0, '!!!!!!!!!!!!'],
    [1, '............'],
    [3, '!!.!!.!!.!!.'],
    [5, '!!!!.!!!!.!!'],
  ])(
    'loses of %i interrupts of a device the last one, and its neighbour none',
    async (lostInterrupts, seen) => {
      const host = await create();
      const run = async (faults: DeviceFaults) => {
        const machine = await host.createMachine({ guest: COUNTS_INTERRUPTS, memory: 2, faults });
        let output = '';
        machine.on('output', (bytes) => {
          output += new TextDecoder().decode(bytes);
        });
        expect(await failedChecks(machine)).toEqual(['off 0']);
        return output;
      };
      expect([await run({ lostInterrupts }), await run({})]).toEqual([seen, '!'.repeat(12)]);
    },
  );

  it('waits for a late CONS, and handles late interrupts', async () => {
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
      // After more than one turn of the ring: only then can a torn PROD be less than
      // CONS.
      const args = ['path=trapped', 'rounds=2', 'warmup=1'];
      const bad = await host.createMachine({ ...TOY, args, faults });
      const good = await host.createMachine({ ...TOY, args });
      expect(await failedChecks(bad)).toEqual(['off 0']);
      const { prodOutOfRange, configInvalidations } = host.statistics.smmu;
      expect(await failedChecks(good)).toEqual(['off 0']);
      // Only one machine had a PROD out of range.
      expect(host.statistics.smmu.prodOutOfRange).toBe(prodOutOfRange);
      return { prodOutOfRange, configInvalidations, exits: bad.statistics.exits.total };
    };
    const whole = await run({ tornProd: false });
    const torn = await run({ tornProd: true });
    expect(whole.prodOutOfRange).toBe(0);
    expect(torn.prodOutOfRange).toBeGreaterThan(10);
    expect(torn.configInvalidations).toBeGreaterThan(whole.configInvalidations);
    // The guest has made no further access, and does not notice.
    expect(torn.exits).toBe(whole.exits);
  });

  it('meets aborted fetches, and its neighbour does not', async () => {
    const host = await create();
    const faults = { fetchAborts: 4 };
    const bad = await host.createMachine({ ...TOY, faults });
    const good = await host.createMachine(TOY);
    const [first, second] = await Promise.all([failedChecks(bad), failedChecks(good)]);
    // Its driver continues after each CERROR_ABT.
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
    // A poll loop that waits for another thread may leave the guest once: nothing else
    // fails.
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
