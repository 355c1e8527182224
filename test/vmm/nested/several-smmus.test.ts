// SPDX-License-Identifier: MIT
// Hosts with several physical SMMUs, and VMs that use more than one of them.

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { C_BAD_STE } from '../../../assembly/layout/events.ts';
import {
  SMMU_AT_CR0,
  SMMU_AT_NUM_LVCMDQ,
  SMMU_AT_STRTAB_BASE,
} from '../../../assembly/layout/smmu-memory.ts';
import type { HotModules } from '../../../assembly/load.ts';
import { guestMemoryOf } from '../../../devices/bus/index.ts';
import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { PHYSICAL_ID_REGISTERS, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  invalidSte,
  sync,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNsnhAll,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import {
  ASID,
  attachStage1,
  DATA_GPA,
  IOVA,
  type LentVm,
  lendVm,
  lendVmBehind,
  RAM_GPA_BASE,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});

const entries = ({ viommu, vintf }: LentVm) => footprintOf(viommu, vintf)['IOTLB entries'].count;

function read(host: VmHost, { viommu }: LentVm): number | undefined {
  const target = new Uint8Array(1);
  return host.dmaPort(viommu, STREAM).read(IOVA, target).ok ? target[0] : undefined;
}

describe('a host with several SMMUs', () => {
  it('boots each of them with its CMDQV, according to its own options', async () => {
    const host = await checkedHost(VmHost, {
      modules,
      vintfs: 4,
      smmus: [
        {},
        {
          vintfs: 2,
          vcmdqs: 8,
          idRegisters: { ...PHYSICAL_ID_REGISTERS, idr0: 0x0c4c309b, idr1: 0x014a0510 },
        },
        {},
      ],
    });
    const words = new Uint32Array(host.memory.buffer);
    const of = (field: number) => [0, 1, 2].map((smmu) => words[(smmuBase(smmu) + field) >> 2]);
    expect(host.smmus).toHaveLength(3);
    // ATSCHK and PRIQEN only where there are ATS and PRI.
    expect(of(SMMU_AT_CR0)).toEqual([0x1f, 0xd, 0x1f]);
    expect(of(SMMU_AT_NUM_LVCMDQ)).toEqual([2, 4, 2]);
    expect(new Set(of(SMMU_AT_STRTAB_BASE)).size).toBe(3);
    expect(host.statistics.smmus).toHaveLength(3);
  });

  it('refuses a vIOMMU of an SMMU that it does not have, in one line', async () => {
    const host = await checkedHost(VmHost, { modules, smmus: [{}, {}] });
    expect(() => lendVmBehind(host, [2])).toThrow('the host has no SMMU 2: it has 2');
  });

  it('has its own StreamIDs, VINTFs and vIOMMUs for each', async () => {
    const host = await checkedHost(VmHost, { modules, smmus: [{}, {}] });
    const [first, second] = [lendVmBehind(host, [0], 'a'), lendVmBehind(host, [1], 'b')].flat() as [
      LentVm,
      LentVm,
    ];
    expect([first.viommu.streams.get(STREAM), first.vintf.index]).toEqual([
      second.viommu.streams.get(STREAM),
      second.vintf.index,
    ]);
    expect(first.vintf.doorbellId ^ second.vintf.doorbellId).toBe(0x100);
    expect(first.viommu.vmid).not.toBe(second.viommu.vmid);
  });
});

describe('a VM with two SMMUs', () => {
  let host: VmHost;
  let zero: LentVm;
  let one: LentVm;
  beforeEach(async () => {
    host = await checkedHost(VmHost, { modules, smmus: [{}, {}] });
    [zero, one] = lendVmBehind(host, [0, 1]) as [LentVm, LentVm];
    zero.bytes[DATA_GPA - RAM_GPA_BASE] = 0x5a;
    for (const lent of [zero, one]) attachStage1(lent);
  });

  it('translates each device through the tables of its SMMU', () => {
    expect([read(host, zero), read(host, one)]).toEqual([0x5a, 0x5a]);
    // The same StreamID of the guest, on the other vSMMU.
    zero.viommu.attachStream(STREAM, invalidSte());
    expect([read(host, zero), read(host, one)]).toEqual([undefined, 0x5a]);
  });

  it('an invalidation on one VCMDQ does not affect entries of the other SMMU', () => {
    startVcmdq(one);
    for (const command of [
      tlbiNhAsid(0, ASID),
      tlbiNhVa(0, ASID, { address: IOVA }),
      tlbiNhVa(0, ASID, { address: 0, range: { granule: 0x1000, num: 31, scale: 20 } }),
    ]) {
      expect([read(host, zero), read(host, one)]).toEqual([0x5a, 0x5a]);
      expect([entries(zero), entries(one)]).toEqual([1, 1]);
      sendOnVcmdq(one, command, sync());
      expect([entries(zero), entries(one)]).toEqual([1, 0]);
    }
    expect(host.statistics.smmus.map(({ illegalOpcode }) => illegalOpcode)).toEqual([0, 0]);
  });

  it('events go to the vSMMU of the SMMU that recorded them', () => {
    one.viommu.attachStream(STREAM, invalidSte());
    expect(read(host, one)).toBeUndefined();
    host.service(true);
    expect([zero.events.length, one.events.length]).toEqual([0, 1]);
    // C_BAD_STE with the guest's StreamID.
    expect([(one.events[0]?.[0] ?? 0) & 0xff, one.events[0]?.[1]]).toEqual([C_BAD_STE, STREAM]);
    expect(host.statistics.smmus.map(({ events }) => events.C_BAD_STE)).toEqual([undefined, 1]);
  });

  it('errors of a VCMDQ are published on its own CMDQV', () => {
    startVcmdq(zero);
    startVcmdq(one);
    sendOnVcmdq(one, new Uint32Array([0xff, 0, 0, 0]));
    host.service(true);
    expect([zero.errors, one.errors]).toEqual([[], [0]]);
  });

  it('releases everything, on every SMMU', () => {
    const { vmidsInUse } = host.statistics;
    host.destroyVm(zero.vm);
    expect([vmidsInUse, host.statistics.vmidsInUse]).toEqual([2, 0]);
    const again = lendVmBehind(host, [0, 1], 'again');
    expect(again.map(({ viommu, vintf }) => [viommu.index, vintf.index])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it('a machine of another VM with the same SMMU is not affected either', () => {
    const other = lendVm(host, 'other');
    attachStage1(other);
    expect([read(host, other), read(host, zero)]).toEqual([0, 0x5a]);
    startVcmdq(zero);
    sendOnVcmdq(zero, tlbiNhAsid(0, ASID), sync());
    expect([entries(other), entries(zero)]).toEqual([1, 0]);
  });

  it('its guest drives two vSMMUs, two CMDQVs and a device of each', () => {
    const plugs = [zero, one].map((lent, i) => {
      const smmu = new VirtualSmmu({ backend: lent.viommu, name: `smmuv3-${i}` });
      const cmdqv = new VirtualCmdqv({ backend: lent.vintf, name: `cmdqv-${i}` });
      const dma = new DmaEngine(`dma-engine-${i}`);
      const fake = new FakeHost();
      const memory = guestMemoryOf(lent.vm.memory, lent.vm.regions);
      for (const device of [smmu, cmdqv, dma]) {
        device.attach({
          memory,
          interruptLine: (line) => fake.interruptLine(line),
          dmaPort: () => host.dmaPort(lent.viommu, STREAM),
          mapDirect: () => undefined,
          background: (loop) => fake.background(loop),
          nowNs: () => 0,
          timer: (name, callback) => fake.timer(name, callback),
          msi: () => false,
          trace: () => undefined,
        });
        device.reset();
      }
      return {
        smmu: new DeviceBus(smmu),
        cmdqv: new DeviceBus(cmdqv),
        dma: new DeviceBus(dma),
        device: smmu,
      };
    });
    const [a, b] = plugs;
    if (!a || !b) throw new Error('two of each');
    expect(a.device.name).not.toBe(b.device.name);
    // After reset neither SMMU translates: stage 1 is bypassed according to GBPA, and
    // each engine accesses the guest's memory by gpa.
    expect([a, b].map(({ smmu }) => smmu.read32(0x20))).toEqual([0, 0]);
    /** DMA_STATUS of a fill of 4 bytes: 1 done, 3 write fault. */
    const fill = ({ dma }: typeof a) => {
      dma.write64(0x18, BigInt(DATA_GPA));
      dma.write32(0x0c, 4);
      dma.write32(0x20, 0x5a);
      dma.write32(0x04, 2);
      return dma.read32(0x08);
    };
    expect([fill(a), fill(b)]).toEqual([1, 1]);
    // GBPA.ABORT of the second stops its device, and no other.
    b.smmu.write32(0x44, 0x80100000);
    expect([fill(a), fill(b)]).toEqual([1, 3]);
    // Its own command queue invalidates its own translations: TLBI_NSNH_ALL of a guest
    // covers everything of its VMID on this SMMU.
    expect(entries(zero)).toBe(1);
    const ring = RAM_GPA_BASE + 0x170000;
    [tlbiNsnhAll(), sync()].forEach((command, slot) => {
      command.forEach((word, i) => {
        new DataView(zero.vm.memory.buffer).setUint32(
          ring - RAM_GPA_BASE + 16 * slot + 4 * i,
          word,
          true,
        );
      });
    });
    for (const [{ smmu }, left] of [
      [b, 1],
      [a, 0],
    ] as const) {
      smmu.write64(0x90, BigInt(ring + 1));
      smmu.write32(0x20, 8);
      smmu.write32(0x98, 2);
      expect([smmu.read32(0x9c), entries(zero)]).toEqual([2, left]);
    }
  });
});
