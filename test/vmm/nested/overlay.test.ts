// SPDX-License-Identifier: MIT
// The overlay path: a guest's only CMDQ runs when the guest rings, without an access to
// the device; commands that the drain does not support wait for the host.

import { beforeAll, describe, expect, it, vi } from 'vitest';
import { CERROR_ILL } from '../../../assembly/layout/commands.ts';
import {
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_GERROR,
  SMMU_GERRORN,
  SMMU_IRQ_CTRL,
} from '../../../assembly/layout/smmu-registers.ts';
import type { HotModules } from '../../../assembly/load.ts';
import {
  attachDevices,
  BackgroundLoops,
  guestMemoryOf,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import type { MmioAccess } from '../../../devices/plugin/index.ts';
import { VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  cfgiAll,
  cfgiCd,
  cfgiSte,
  prefetchConfig,
  sync,
  tlbiNhAll,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNhVaa,
  tlbiNsnhAll,
  tlbiS12Vmall,
  writeCommand,
} from '../../../devices/tables/index.ts';
import {
  type QueueErrorDecision,
  type QueueErrorPolicy,
  VmHost,
} from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import { idleDirectMaps } from '../../support/idle-direct-maps.ts';
import { ASID, attachStage1, IOVA, lendVm, RING_GPA, STREAM } from '../../support/lent-vm.ts';

const SMMU_GPA = 0x09050000;
const GERROR_LINE = 1;
const LOG2SIZE = 5;
const SIZE = 2 ** LOG2SIZE;

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});

/** A VM whose SMMU is on the overlay path, and its guest's view of the queue. */
async function overlaid(onQueueError: QueueErrorPolicy = () => 'report') {
  const host = await checkedHost(VmHost, { modules });
  const lent = lendVm(host, 'vm', { overlay: true, onQueueError });
  const { vm, viommu, memory } = lent;
  const smmu = new VirtualSmmu({ backend: viommu });
  const background = new BackgroundLoops();
  const maps = idleDirectMaps(vm.memory);
  const interrupts: number[] = [];
  attachDevices([{ device: smmu, addresses: [SMMU_GPA], firstIrq: 0 }], {
    memory: guestMemoryOf(vm.memory, vm.regions),
    interrupts: {
      line: (index) => ({ pulse: () => interrupts.push(index), setLevel: () => undefined }),
    },
    directMaps: maps,
    background,
    clock: SYSTEM_CLOCK,
  });
  const counts = { accesses: 0 };
  const access = (offset: number, lo: number, hi = 0): MmioAccess => {
    counts.accesses++;
    return { region: 0, offset, size: hi === 0 ? 4 : 8, lo, hi, vcpu: 0 };
  };
  const write = (offset: number, value: number) => smmu.write(access(offset, value));
  const read = (offset: number) => {
    const made = access(offset, 0);
    smmu.read(made);
    return made.lo;
  };
  write(SMMU_CMDQ_BASE, RING_GPA | LOG2SIZE);
  write(SMMU_CR0, 8);
  counts.accesses = 0;
  const words = new Int32Array(vm.memory.buffer);
  const at = viommu.commandQueue.overlay >> 2;
  let prod = 0;
  const guest = {
    get cons() {
      return Atomics.load(words, at + 1) >>> 0;
    },
    set cons(value: number) {
      Atomics.store(words, at + 1, value | 0);
    },
    /**
     * Puts commands on the ring and stores PROD, like a guest's runtime on a direct map
     * with a doorbell.
     */
    send(...commands: readonly Uint32Array[]): number {
      for (const command of commands) {
        writeCommand(memory, RING_GPA, prod % SIZE, command);
        prod = (prod + 1) % (2 * SIZE);
      }
      guest.ring(prod);
      return prod;
    },
    ring(value: number) {
      Atomics.store(words, at, value | 0);
      vm.unit.drain.doorbell(viommu.overlay?.doorbellId ?? 0, 0);
    },
  };
  const entries = () => footprintOf(viommu, lent.vintf)['IOTLB entries'].count;
  const touch = () =>
    expect(host.dmaPort(viommu, STREAM).read(IOVA, new Uint8Array(1)).ok).toBe(true);
  return {
    host,
    lent,
    ...lent,
    smmu,
    background,
    interrupts,
    counts,
    read,
    write,
    guest,
    entries,
    touch,
  };
}

describe('an overlaid CMDQ', () => {
  it('runs invalidations and CMD_SYNC of any kind without an access to the device', async () => {
    const { lent, viommu, guest, counts, entries, touch } = await overlaid();
    attachStage1(lent);
    touch();
    expect([viommu.commandQueue.overlay > 0, entries()]).toEqual([true, 1]);
    const noise = [0, 1, 2].map((signal) => sync(signal));
    const prod = guest.send(
      tlbiNhVa(77, ASID, { address: IOVA }),
      ...noise,
      tlbiNhAsid(0, 9),
      atcInv({ streamId: STREAM, address: 0, size: 52 }),
    );
    expect([guest.cons, entries(), counts.accesses, viommu.statistics.interventions]).toEqual([
      prod,
      0,
      0,
      0,
    ]);
    expect(viommu.commandQueue.counts).toMatchObject({ commands: 6, syncs: 3, errors: 0 });
  });

  it('waits for its host at each command that the drain does not execute, and only there', async () => {
    const { lent, viommu, vm, guest, background, entries, touch, host } = await overlaid();
    attachStage1(lent);
    const unsupported = [
      tlbiNsnhAll(),
      tlbiNhAll(3),
      tlbiNhVaa(3, { address: 0 }),
      cfgiSte(STREAM),
      cfgiCd(STREAM, 0),
      cfgiAll(),
      prefetchConfig(STREAM),
    ];
    const exitRequest = new Int32Array(vm.memory.buffer, 0x618, 1);
    for (const [i, command] of unsupported.entries()) {
      touch();
      const before = guest.cons;
      // The later CMD_SYNC is not complete before the host has executed its command.
      const prod = guest.send(tlbiNhAsid(0, 1), command, sync());
      expect(guest.cons).toBe((before + 1) % (2 * SIZE));
      expect(exitRequest[0]).toBe(1);
      expect(host.attentionWanted).toBe(true);
      exitRequest[0] = 0;
      background.poll();
      host.service(false);
      expect([guest.cons, viommu.statistics.interventions]).toEqual([prod, i + 1]);
      if (i < 2) expect(entries()).toBe(0);
    }
  });

  it('shows an illegal command as a CMDQ does, in CONS.ERR and GERROR, and continues when both are acknowledged', async () => {
    const { guest, background, read, write, viommu, memory } = await overlaid();
    const prod = guest.send(sync(), tlbiS12Vmall(1), sync());
    expect(guest.cons).toBe(1);
    background.poll();
    expect([guest.cons, read(SMMU_GERROR), read(SMMU_CMDQ_CONS)]).toEqual([
      (CERROR_ILL << 24) | 1,
      1,
      (CERROR_ILL << 24) | 1,
    ]);
    // A doorbell does not hide the error.
    guest.ring(prod);
    expect(guest.cons >>> 24).toBe(CERROR_ILL);
    writeCommand(memory, RING_GPA, 1, sync());
    write(SMMU_GERRORN, 1);
    expect([guest.cons & 0xfffff, read(SMMU_CMDQ_PROD), viommu.statistics.interventions]).toEqual([
      prod,
      prod,
      0,
    ]);
  });

  it.each<
    [
      QueueErrorDecision,
      Uint32Array,
      { cons: number; gerror: number; stops: number; interventions: number },
    ]
  >([
    [
      'report',
      tlbiS12Vmall(1),
      { cons: (CERROR_ILL << 24) | 1, gerror: 1, stops: 0, interventions: 0 },
    ],
    ['skip', tlbiS12Vmall(1), { cons: 3, gerror: 0, stops: 0, interventions: 0 }],
    ['stop', tlbiS12Vmall(1), { cons: 1, gerror: 0, stops: 1, interventions: 0 }],
    // The host emulates only commands that a guest may send.
    [
      'emulate',
      tlbiS12Vmall(1),
      { cons: (CERROR_ILL << 24) | 1, gerror: 1, stops: 0, interventions: 0 },
    ],
    [
      'emulate',
      atcInv({ streamId: 0x100, address: 0, size: 52 }),
      { cons: (CERROR_ILL << 24) | 1, gerror: 1, stops: 0, interventions: 0 },
    ],
  ])(
    'asks the policy of its vIOMMU before it shows a bad command: "%s"',
    async (decision, bad, expected) => {
      const seen: unknown[] = [];
      const { guest, read, write, background, host, vm, viommu } = await overlaid((event) => {
        seen.push({ ...event, cons: guest.cons, gerror: read(SMMU_GERROR) });
        return decision;
      });
      // SMMUEN: without it, no StreamID of an ATC_INV is wrong.
      write(SMMU_CR0, 9);
      let stops = 0;
      vm.onStop(() => stops++);
      guest.send(sync(), bad, sync());
      // A read of the registers does not reveal an error before the policy has decided.
      expect(read(SMMU_GERROR)).toBe(0);
      background.poll();
      host.service(false);
      const reason = bad[0] === 0x28 ? 'opcode' : 'stream';
      expect(seen[0]).toEqual({
        vm: 'vm',
        queue: 'cmdq',
        code: CERROR_ILL,
        reason,
        cons: 1,
        gerror: 0,
      });
      const { interventions } = viommu.statistics;
      expect({ cons: guest.cons, gerror: read(SMMU_GERROR), stops, interventions }).toEqual(
        expected,
      );
    },
  );

  it('ends a command that its host can neither execute nor refuse as CERROR_ILL, and tries twice at most', async () => {
    const { guest, background, read, write, viommu, memory, interrupts } = await overlaid();
    write(SMMU_IRQ_CTRL, 1);
    let asked = 0;
    if (!viommu.overlay) throw new Error('no overlay');
    const fails = vi.spyOn(viommu.overlay, 'emulate').mockImplementation(() => {
      asked++;
      return false;
    });
    guest.send(sync(), tlbiNhAll(0), sync());
    for (let poll = 0; poll < 3; poll++) background.poll();
    expect([guest.cons, read(SMMU_GERROR), interrupts, asked]).toEqual([
      (CERROR_ILL << 24) | 1,
      1,
      [GERROR_LINE],
      2,
    ]);
    // A command that the guest replaces in the queue is another command.
    fails.mockImplementation(() => {
      writeCommand(memory, RING_GPA, 1, sync());
      return false;
    });
    write(SMMU_GERRORN, 1);
    background.poll();
    expect([guest.cons & 0xfffff, read(SMMU_GERROR) ^ read(SMMU_GERRORN)]).toEqual([3, 0]);
  });

  it('survives what a guest can store to the two registers', async () => {
    const { guest, viommu, vintf, background, host } = await overlaid();
    guest.send(sync(), sync());
    guest.cons = 0xdeadbeef;
    expect(guest.send(sync())).toBe(guest.cons);
    for (const garbage of [0xffffffff, 0x7fffffff, 0x12345678, SIZE + 7, 0]) {
      guest.ring(garbage);
      background.poll();
      host.service(true);
      expect(viommu.commandQueue.cons).toBeLessThan(2 * SIZE);
    }
    expect(vintf.queue(0).counts.commands).toBe(0);
  });

  it('keeps its indexes when the queue is switched off and on, and traps where nothing can be mapped', async () => {
    const { guest, read, write, viommu, vm } = await overlaid();
    const prod = guest.send(sync(), sync(), sync());
    write(SMMU_CR0, 0);
    expect([read(SMMU_CMDQ_PROD), read(SMMU_CMDQ_CONS), viommu.commandQueue.overlay]).toEqual([
      prod,
      prod,
      0,
    ]);
    vm.unit.drain.doorbell(viommu.overlay?.doorbellId ?? 0, 0);
    write(SMMU_CR0, 8);
    expect([guest.cons, guest.send(sync())]).toEqual([prod, prod + 1]);
    expect(guest.cons).toBe(prod + 1);
    write(SMMU_CR0, 0);
    // A ring outside RAM has no HW queue: the queue traps and reports CERROR_ABT.
    write(SMMU_CMDQ_BASE, 0x1000 | LOG2SIZE);
    write(SMMU_CR0, 8);
    expect(viommu.commandQueue.overlay).toBe(0);
    write(SMMU_CMDQ_PROD, prod + 2);
    expect(read(SMMU_CMDQ_CONS) >>> 24).toBe(2);
  });
});
