// SPDX-License-Identifier: MIT
// A machine whose vCPUs are of another kind than the WebAssembly guest's: its memory
// contains nothing of the guest ABI's area, and nothing is written there.

import { afterEach, describe, expect, it } from 'vitest';
import { ABI_AREA_SIZE } from '../../../assembly/layout/guest-abi.ts';
import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { sync, tlbiNhAsid } from '../../../devices/tables/index.ts';
import type { QueueErrorDecision } from '../../../vmm/nested/index.ts';
import type { SideCore as SideCoreType } from '../../../vmm/threads/index.ts';
import { MachineCore, SideCore, VmHost } from '../../support/built.ts';
import { checkedHost } from '../../support/findings.ts';
import {
  type Program,
  RAM_GPA,
  RAM_SIZE,
  TLB_GUEST_EXIT_REQUEST,
  TLB_GUEST_REGIONS,
  TlbGuest,
  tlbGuestMemory,
} from '../../support/tlb-guest.ts';

const SMMU = 0x09050000;
const CMDQV = 0x0a000000;
const PAGE0 = CMDQV + 0x30000;
/** Rings where the guest ABI has its info page and its backing pages. */
const CMDQ_RING = RAM_GPA + 0x1000;
const VCMDQ_RING = RAM_GPA + 0x20000;
const LOG2SIZE = 5;
const STREAM = 8;
const ILLEGAL = new Uint32Array([0xff, 0, 0, 0]);

const sides: SideCoreType[] = [];
afterEach(async () => {
  for (const side of sides.splice(0)) await side.stop();
});

async function tlbMachine(program: (guest: () => TlbGuest) => Program) {
  const host = await checkedHost(VmHost, { onQueueError: (): QueueErrorDecision => 'report' });
  const memory = tlbGuestMemory();
  const vm = host.createVm('vm', memory, TLB_GUEST_REGIONS, {
    exitRequest: TLB_GUEST_EXIT_REQUEST,
  });
  const viommu = host.createViommu(vm, [STREAM], { cmdqv: true, overlay: true });
  const vintf = host.createVintf(viommu);
  const guest: TlbGuest = new TlbGuest(
    memory,
    program(() => guest),
    vm.unit.drain.doorbell,
  );
  const machine = new MachineCore({
    name: 'vm',
    guest,
    memory,
    regions: TLB_GUEST_REGIONS,
    devices: [
      { device: new VirtualSmmu({ backend: viommu }), addresses: [SMMU], firstIrq: 0 },
      { device: new VirtualCmdqv({ backend: vintf }), addresses: [CMDQV], firstIrq: 4 },
    ],
    onSafePoint: (full) => host.service(full),
  });
  await machine.boot();
  const { smmuBlock } = viommu;
  const direct = [
    { smmuBlock, context: vintf.context, queues: vintf.queues },
    { smmuBlock, context: viommu.context, queues: [] },
  ];
  return { host, guest, machine, target: { machine, guest: vm, threads: host, direct } };
}

/**
 * Enables the VCMDQ, sends batches through it, and then an illegal command through the
 * overlaid CMDQ.
 */
const PROGRAM = (guest: () => TlbGuest): Program =>
  function* (cpu) {
    cpu.write64(SMMU + 0x90, BigInt(CMDQ_RING + LOG2SIZE));
    cpu.write32(SMMU + 0x20, 8);
    cpu.write32(CMDQV + 0x1000, 1);
    yield;
    cpu.write32(CMDQV + 0x200, 1);
    cpu.write64(CMDQV + 0x40000, BigInt(VCMDQ_RING + LOG2SIZE));
    yield;
    cpu.write32(PAGE0 + 8, 1);
    yield;
    let prod = 0;
    for (let batch = 0; batch < 20; batch++) {
      guest().batch = true;
      for (const command of [tlbiNhAsid(0, 1), tlbiNhAsid(0, batch), sync()]) {
        cpu.store(VCMDQ_RING + 16 * (prod % 2 ** LOG2SIZE), command);
        prod = (prod + 1) % 2 ** (LOG2SIZE + 1);
      }
      cpu.write32(PAGE0 + 4, prod);
      while (cpu.read32(PAGE0) !== prod) yield;
      guest().batch = false;
    }
    cpu.store(CMDQ_RING, ILLEGAL);
    cpu.write32(SMMU + 0x98, 1);
    // Only CONS is polled, without an exit: the limit of this vCPU requests the exit for
    // the host.
    while (cpu.read32(SMMU + 0x9c) >>> 24 === 0) yield;
  };

/** Turns of the machine until it is off. */
async function runToEnd(machine: { run(): Promise<string> }): Promise<string> {
  let status = 'running';
  for (const limit = performance.now() + 5000; status === 'running'; ) {
    if (performance.now() > limit) throw new Error('it takes too long');
    status = await machine.run();
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
  return status;
}

describe('a vCPU kind whose memory has no ABI area', () => {
  it('uses VCMDQs through its TLB and gets exit requests in its own words; nothing else writes its RAM', async () => {
    const { guest, machine } = await tlbMachine(PROGRAM);
    expect(RAM_SIZE).toBeGreaterThan(ABI_AREA_SIZE);
    expect(await runToEnd(machine)).toBe('off');
    expect(machine.error).toBeUndefined();
    expect(guest.changedRam).toEqual([]);
    const { total, byKind, byVcpu, duringInvalidation } = machine.exitStatistics;
    expect([duringInvalidation, guest.kicks, byVcpu[1], guest.counts]).toEqual([
      0,
      byKind.wait,
      0,
      [total, 0],
    ]);
    expect([guest.kicks, byKind.mmio]).toEqual([1, 5]);
  });

  it('is drained by a thread that it does not wake', async () => {
    const { host, guest, machine, target } = await tlbMachine(PROGRAM);
    const side = await SideCore.start(host);
    sides.push(side);
    await side.attach(target);
    expect(await runToEnd(machine)).toBe('off');
    await side.detach(machine);
    expect(guest.changedRam).toEqual([]);
    expect(target.direct[0]?.queues[0]?.counts).toMatchObject({ commands: 60, syncs: 20 });
    expect(guest.maps.entries.map((entry) => entry?.rings)).toEqual([true, true]);
  });

  it('loses a direct map with the next instruction after its removal', async () => {
    const { guest, machine } = await tlbMachine(
      () =>
        function* (cpu) {
          cpu.write32(CMDQV + 0x1000, 1);
          cpu.write32(CMDQV + 0x200, 1);
          cpu.write64(CMDQV + 0x40000, BigInt(VCMDQ_RING + LOG2SIZE));
          yield;
          cpu.read32(PAGE0);
          cpu.write32(CMDQV + 0x1000, 0);
          yield;
          cpu.read32(PAGE0);
        },
    );
    expect(await runToEnd(machine)).toBe('off');
    expect(machine.exitStatistics.byRegister).toEqual({
      'cmdqv.CMDQV_CMDQ_ALLOC(0)': 1,
      'cmdqv.VINTF0_CONFIG': 2,
      'cmdqv.VINTF0_LVCMDQ0_BASE': 1,
      'cmdqv.VINTF0_LVCMDQ0_CONS': 1,
    });
    expect(guest.maps.entries).toEqual([undefined]);
    expect(guest.changedRam).toEqual([]);
  });
});
