// SPDX-License-Identifier: MIT
// Broadcast TLB maintenance (BTM): the effect of a vCPU's TLBI on the SMMU's entries,
// which VMs may use it, and its effect without that rule.

import { beforeAll, describe, expect, it } from 'vitest';
import { CD_SIZE } from '../../../assembly/layout/cd.ts';
import {
  ABI_TLBI_ALL,
  ABI_TLBI_ASID,
  ABI_TLBI_VA,
  ABI_TLBI_VAA,
} from '../../../assembly/layout/guest-abi.ts';
import { HOST_AT_VCPU_VMIDS } from '../../../assembly/layout/host-memory.ts';
import { SMMU_AT_CR2 } from '../../../assembly/layout/smmu-memory.ts';
import type { HotModules } from '../../../assembly/load.ts';
import { guestMemoryOf } from '../../../devices/bus/index.ts';
import { PHYSICAL_ID_REGISTERS, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { createToyMachine } from '../../../vmm/boards/index.ts';
import { VmHost, type VmHostOptions } from '../../../vmm/nested/index.ts';
import { loadGuestImage } from '../../../vmm/vcpu/wasm/index.ts';
import { compileGuest } from '../../support/compile-assembly.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import { ASID, DATA_GPA, IOVA, type LentVm, lendVm, STREAM } from '../../support/lent-vm.ts';
import { tableMemory } from '../../support/table-memory.ts';

/** IDR0.BTM. */
const BTM = 1 << 5;
/** CR2.PTM. */
const PTM = 1 << 2;
const WITH_BTM = { ...PHYSICAL_ID_REGISTERS, idr0: PHYSICAL_ID_REGISTERS.idr0 | BTM };

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});

const create = (options: VmHostOptions = {}) =>
  checkedHost(VmHost, { modules, idRegisters: WITH_BTM, ...options });
const entries = ({ viommu, vintf }: LentVm) => footprintOf(viommu, vintf)['IOTLB entries'].count;

/**
 * Attaches the VM's stream: pages of IOVA, with an ASID of its own or one that it shares
 * with its vCPUs (CD.ASET).
 */
function attach({ viommu, memory }: LentVm, shared: boolean, pages = 1): PageTable {
  const table = new PageTable(memory, { stage: 1 });
  for (let page = 0; page < pages; page++)
    table.map(IOVA + 0x1000 * page, DATA_GPA, 0x1000, S1_READ_WRITE);
  const cd = memory.allocate(CD_SIZE, CD_SIZE);
  const words = contextDescriptor({
    asid: ASID,
    outputBits: 48,
    lower: { ttb: table.root, inputBits: 48 },
  });
  // Word 1, bit 15: ASET.
  words[1] = shared ? (words[1] ?? 0) & ~(1 << 15) : (words[1] ?? 0) | (1 << 15);
  storeStructure(memory, cd, words);
  viommu.attachStream(STREAM, stage1Ste({ contextPtr: cd }));
  return table;
}

function touch(host: VmHost, { viommu }: LentVm, page = 0): boolean {
  return host.dmaPort(viommu, STREAM).read(IOVA + 0x1000 * page, new Uint8Array(1)).ok;
}

/** A TLBI of the VM's vCPU, which runs in the meantime. */
function tlbi(host: VmHost, { vm }: LentVm, operation: number, asid = 0, va = 0): void {
  host.vcpuRuns(vm, 0, true);
  vm.unit.drain.tlbi(operation, asid, BigInt(va));
  expect(vm.unit.drain.dsb(0n)).toBe(0n);
  host.vcpuRuns(vm, 0, false);
}

describe('a vCPU’s broadcast TLBI', () => {
  it.each([
    ['VMALLE1IS', ABI_TLBI_ALL, 0, 0, [0, 0]],
    ['ASIDE1IS', ABI_TLBI_ASID, ASID, 0, [0, 2]],
    ['ASIDE1IS of another ASID', ABI_TLBI_ASID, ASID + 1, 0, [2, 2]],
    ['VAE1IS', ABI_TLBI_VA, ASID, IOVA + 0x123, [1, 2]],
    ['VAE1IS of another ASID', ABI_TLBI_VA, ASID + 16, IOVA, [2, 2]],
    ['VAAE1IS', ABI_TLBI_VAA, 0, IOVA + 0x1000, [1, 1]],
    ['VAAE1IS of another page', ABI_TLBI_VAA, 0, IOVA + 0x2000, [2, 2]],
  ])(
    '%s takes what it means, of CDs that share their ASIDs, and of its own VM alone',
    async (_, operation, asid, va, left) => {
      const host = await create();
      const [shared, own] = left.map((count, i) => {
        const lent = lendVm(host, `vm${i}`, { btm: true });
        const neighbour = lendVm(host, 'neighbour', { btm: true });
        for (const each of [lent, neighbour]) {
          attach(each, i === 0, 2);
          expect([touch(host, each, 0), touch(host, each, 1)]).toEqual([true, true]);
        }
        tlbi(host, lent, operation, asid, va);
        expect(entries(neighbour)).toBe(2);
        return [entries(lent), count];
      });
      expect([shared?.[0], own?.[0]]).toEqual([shared?.[1], own?.[1]]);
    },
  );

  it('reaches no SMMU that keeps its maintenance to itself: CR2.PTM', async () => {
    const host = await create();
    const lent = lendVm(host, 'vm', { btm: true });
    attach(lent, true);
    touch(host, lent);
    const words = new Int32Array(host.memory.buffer);
    const cr2 = (smmuBase(0) + SMMU_AT_CR2) >> 2;
    const shared = words[cr2] ?? 0;
    words[cr2] = shared | PTM;
    tlbi(host, lent, ABI_TLBI_ALL);
    expect(entries(lent)).toBe(1);
    words[cr2] = shared;
    tlbi(host, lent, ABI_TLBI_ALL);
    expect(entries(lent)).toBe(0);
  });

  it('reaches no SMMU without IDR0.BTM, and means nothing while no vCPU of the VM runs', async () => {
    const host = await create();
    const lent = lendVm(host, 'vm', { btm: true });
    attach(lent, true);
    touch(host, lent);
    lent.vm.unit.drain.tlbi(ABI_TLBI_ALL, 0, 0n);
    expect(entries(lent)).toBe(1);
    tlbi(host, lent, ABI_TLBI_ALL);
    expect(entries(lent)).toBe(0);

    const without = await create({ idRegisters: PHYSICAL_ID_REGISTERS });
    const other = lendVm(without);
    attach(other, true);
    touch(without, other);
    tlbi(without, other, ABI_TLBI_ALL);
    expect(entries(other)).toBe(1);
  });

  it('is complete at its DSB, which waits for the accesses that began before it', async () => {
    const host = await create();
    const lent = lendVm(host, 'vm', { btm: true });
    const { core, drain } = lent.vm.unit;
    expect(drain.dsb(0n)).toBe(0n);
    core.accessBegin();
    const ticket = drain.dsb(0n);
    expect([ticket > 0n, drain.dsb(ticket)]).toEqual([true, ticket]);
    core.accessEnd();
    core.accessBegin();
    // An access that has begun since does not count.
    expect(drain.dsb(ticket)).toBe(0n);
    core.accessEnd();
  });

  it('is executed by a guest through an import of the guest ABI, without an exit', {
    timeout: 60_000,
  }, async () => {
    const host = await create();
    const image = await loadGuestImage(await compileGuest('test/support/guests/btm-guest.ts', 64));
    const toy = createToyMachine({
      host,
      name: 'vm',
      index: 0,
      image,
      btm: true,
      onOutput: () => undefined,
    });
    const { machine, vm, viommu, vintf } = toy;
    await machine.boot();
    const view = new DataView(vm.memory.buffer);
    const memory = tableMemory(guestMemoryOf(vm.memory, machine.regions), 0x80200000);
    const lent = { vm, viommu, vintf, memory } as unknown as LentVm;
    attach(lent, true);
    touch(host, lent);
    expect(entries(lent)).toBe(1);
    view.setInt32(0x180000, ABI_TLBI_ASID, true);
    view.setInt32(0x180004, ASID, true);
    const exits = machine.exitStatistics.total;
    expect(machine.step()).toBe('running');
    expect([view.getInt32(0x180010, true), entries(lent), machine.exitStatistics.total]).toEqual([
      1,
      0,
      exits,
    ]);
    // The machine's vCPU does not run again until the next step.
    expect(new Int32Array(host.memory.buffer)[(HOST_AT_VCPU_VMIDS >> 2) + vm.window]).toBe(0);
    view.setInt32(0x180000, -1, true);
    expect(machine.step()).toBe('off');
  });
});

describe('BTM', () => {
  it('is in IDR0 of a guest’s SMMU if its vIOMMU participates, and in no other', async () => {
    const host = await create();
    for (const btm of [true, false]) {
      const smmu = new VirtualSmmu({ backend: lendVm(host, 'vm', { btm }).viommu });
      smmu.attach(new FakeHost());
      smmu.reset();
      expect(new DeviceBus(smmu).read32(0) & BTM).toBe(btm ? BTM : 0);
    }
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr0: 0x0c483c9a | BTM, idr1: 0x01080510 };
    expect(() => new VirtualSmmu({ backend: lendVm(host).viommu, idRegisters })).toThrow(
      'IDR0.BTM',
    );
  });

  it('is refused if the SMMU does not participate, or the stage 2 does not have the vCPUs’ VMID', async () => {
    const without = await create({ idRegisters: PHYSICAL_ID_REGISTERS });
    expect(() => lendVm(without, 'vm', { btm: true })).toThrow(
      expect.objectContaining({ name: 'IommufdError', errno: 'EOPNOTSUPP' }),
    );
    const host = await create();
    const { vm } = lendVm(host);
    expect(() => host.createViommu(vm, [STREAM], { btm: true })).toThrow(
      expect.objectContaining({
        errno: 'EINVAL',
        message: expect.stringContaining('VMID of the vCPUs') as string,
      }),
    );
    expect(host.statistics.vmidsInUse).toBe(1);
    // Without BTM the second stage 2 may be used like the first.
    host.createViommu(vm, [STREAM]);
  });

  it('on another VMID than the vCPUs’ would keep the VM’s stale entries, and remove those of another VM', async () => {
    const host = await create();
    const [lent, neighbour] = [
      lendVm(host, 'vm', { btm: true }),
      lendVm(host, 'neighbour', { btm: true }),
    ];
    const table = attach(lent, true);
    attach(neighbour, true);
    for (const each of [lent, neighbour]) expect(touch(host, each)).toBe(true);
    // As if processors and SMMU numbered VMs independently: the VM's vCPUs happen to run
    // with the neighbour's number.
    const words = new Int32Array(host.memory.buffer);
    host.vcpuRuns(lent.vm, 0, true);
    words[(HOST_AT_VCPU_VMIDS >> 2) + lent.vm.window] = neighbour.viommu.vmid;
    table.unmap(IOVA, 0x1000);
    lent.vm.unit.drain.tlbi(ABI_TLBI_VA, ASID, BigInt(IOVA));
    expect([entries(lent), entries(neighbour)]).toEqual([1, 0]);
    // With the shared number it is the other way round.
    words[(HOST_AT_VCPU_VMIDS >> 2) + lent.vm.window] = lent.viommu.vmid;
    expect(touch(host, neighbour)).toBe(true);
    lent.vm.unit.drain.tlbi(ABI_TLBI_VA, ASID, BigInt(IOVA));
    expect([entries(lent), entries(neighbour), touch(host, lent)]).toEqual([0, 1, false]);
    host.vcpuRuns(lent.vm, 0, false);
  });
});
