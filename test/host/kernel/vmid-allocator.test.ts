// SPDX-License-Identifier: MIT

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VmidAllocator, type VmidHolder } from '../../../host/kernel/index.ts';

const CPUS = 4;
const LIMIT = 2 ** 8;

function allocator(bits: 8 | 16 = 8, cpus = CPUS) {
  const counts = { flushes: 0 };
  const vmids = new VmidAllocator({ bits, cpus, flush: () => counts.flushes++ });
  return { vmids, counts };
}

/** Cheaper than `expect` in a property that checks a million times. */
function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

const holders = (count: number) => Array.from({ length: count }, () => VmidAllocator.holder());

describe('VMIDs', () => {
  it.each([
    [8, 255],
    [16, 65535],
  ] as const)(
    'of %i bits are never 0, and all are given out before a generation ends',
    (bits, most) => {
      const { vmids, counts } = allocator(bits);
      const given = holders(most).map((vm) => vmids.load(0, vm));
      expect([given[0], given.at(-1), new Set(given).size, counts.flushes]).toEqual([
        1,
        most,
        most,
        0,
      ]);
      // The last of them runs, and so keeps its VMID; the next generation begins with the
      // lowest.
      expect([vmids.load(1, VmidAllocator.holder()), counts.flushes, vmids.generation]).toEqual([
        1, 1, 2,
      ]);
    },
  );

  it('of a VM change when a generation has ended, unless it was running or is pinned', () => {
    const { vmids } = allocator();
    const [idle, running, pinned] = holders(3) as [VmidHolder, VmidHolder, VmidHolder];
    expect([vmids.load(0, idle), vmids.load(1, running), vmids.pin(pinned)]).toEqual([1, 2, 3]);
    vmids.put(0);
    for (const vm of holders(253)) vmids.load(0, vm);
    expect(vmids.generation).toBe(2);
    // 1 was assigned to the VM that began the generation.
    expect(vmids.load(2, running)).toBe(2);
    expect(vmids.load(0, pinned)).toBe(3);
    expect(vmids.load(0, idle)).toBe(4);
  });

  it('of a VM that no longer runs is free when the next generation ends, too', () => {
    const { vmids } = allocator();
    const [first, running] = holders(2) as [VmidHolder, VmidHolder];
    expect([vmids.load(0, first), vmids.load(1, running)]).toEqual([1, 2]);
    const endGeneration = () => {
      const { generation } = vmids;
      while (vmids.generation === generation) vmids.load(0, VmidAllocator.holder());
    };
    endGeneration();
    // It has kept its VMID so far, as it was running.
    vmids.put(1);
    endGeneration();
    expect(vmids.load(2, VmidAllocator.holder())).toBe(2);
  });

  it('can be pinned repeatedly, but not so many that a processor could not run a VM', () => {
    const { vmids, counts } = allocator();
    expect(vmids.pinnable).toBe(LIMIT - CPUS - 2);
    const pins = holders(vmids.pinnable);
    const given = pins.map((vm) => vmids.pin(vm));
    expect(new Set(given).size).toBe(vmids.pinnable);
    const one = VmidAllocator.holder();
    expect(() => vmids.pin(one)).toThrow(
      expect.objectContaining({ name: 'HostError', errno: 'ENOSPC' }),
    );
    expect(one.index).toBe(0);
    const [first] = pins as [VmidHolder];
    expect(vmids.pin(first)).toBe(given[0]);
    vmids.unpin(first);
    expect(() => vmids.pin(one)).toThrow(expect.objectContaining({ errno: 'ENOSPC' }));
    // Every processor continues to run one VM after another.
    const others = holders(40);
    for (let turn = 0; turn < 400; turn++) {
      const vmid = vmids.load(turn % CPUS, others[turn % others.length] ?? one);
      expect(vmid > 0 && !given.includes(vmid)).toBe(true);
    }
    expect(counts.flushes).toBe(vmids.generation - 1);
    vmids.unpin(first);
    expect(vmids.pin(one)).toBeGreaterThan(0);
  });

  it('agree with a plain model of TLB contents for any order of running, stopping and pinning', () => {
    const VMS = 300;
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('load' as const),
          cpu: fc.nat(CPUS - 1),
          vm: fc.nat(VMS - 1),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('burst' as const),
          cpu: fc.nat(CPUS - 1),
          vm: fc.nat(VMS - 1),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('put' as const),
          cpu: fc.nat(CPUS - 1),
          vm: fc.constant(0),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('pin' as const),
          cpu: fc.constant(0),
          vm: fc.nat(VMS - 1),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('unpin' as const),
          cpu: fc.constant(0),
          vm: fc.nat(VMS - 1),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        // The owner of the entries of a VMID. Running and pinned VMs continue to fill
        // TLBs after a flush.
        let owners = new Map<number, number>();
        const running: ({ vm: number; vmid: number } | undefined)[] = Array.from(
          { length: CPUS },
          () => undefined,
        );
        const pinned = new Map<number, { vmid: number; count: number }>();
        let flushes = 0;
        const vmids = new VmidAllocator({
          bits: 8,
          cpus: CPUS,
          flush: () => {
            flushes++;
            owners = new Map();
            for (const run of running) if (run) owners.set(run.vmid, run.vm);
            for (const [vm, { vmid }] of pinned) owners.set(vmid, vm);
          },
        });
        const vms = holders(VMS);
        const holderOf = (vm: number) => vms[vm] as VmidHolder;
        const own = (vm: number, vmid: number) => {
          must(vmid > 0 && vmid < LIMIT, `VMID ${vmid}`);
          must(
            (owners.get(vmid) ?? vm) === vm,
            `VMs ${owners.get(vmid)} and ${vm} share VMID ${vmid}`,
          );
          must(
            !running.some((run) => run?.vm === vm && run.vmid !== vmid),
            `VM ${vm} runs under two VMIDs`,
          );
          must(
            (pinned.get(vm)?.vmid ?? vmid) === vmid,
            `the pinned VMID of VM ${vm} has changed to ${vmid}`,
          );
          owners.set(vmid, vm);
        };
        const load = (cpu: number, vm: number) => {
          const vmid = vmids.load(cpu, holderOf(vm));
          own(vm, vmid);
          running[cpu] = { vm, vmid };
        };
        for (const { kind, cpu, vm } of steps) {
          if (kind === 'load') load(cpu, vm);
          else if (kind === 'burst') for (let i = 0; i < 100; i++) load(cpu, (vm + i) % VMS);
          else if (kind === 'put') {
            vmids.put(cpu);
            running[cpu] = undefined;
          } else if (kind === 'pin') {
            const vmid = vmids.pin(holderOf(vm));
            own(vm, vmid);
            pinned.set(vm, { vmid, count: (pinned.get(vm)?.count ?? 0) + 1 });
          } else {
            const pin = pinned.get(vm);
            if (!pin) continue;
            vmids.unpin(holderOf(vm));
            if (pin.count > 1) pinned.set(vm, { ...pin, count: pin.count - 1 });
            else pinned.delete(vm);
          }
          must(
            flushes === vmids.generation - 1,
            `${flushes} flushes in generation ${vmids.generation}`,
          );
          must(vmids.pinned === pinned.size, `${vmids.pinned} pinned, not ${pinned.size}`);
        }
      }),
      { numRuns: 100 },
    );
  });
});
