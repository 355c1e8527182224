// SPDX-License-Identifier: MIT
// ECMDQs of VMs: each affects only its own VMID, and the queue blocks of its own vIOMMU.

import { expect, it } from 'vitest';
import { guestMemoryOf } from '../../../devices/bus/index.ts';
import { GUEST_ID_REGISTERS, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { sync, tlbiNhAsid, tlbiNsnhAll, writeCommand } from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import {
  ASID,
  attachStage1,
  IOVA,
  type LentVm,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';

const RING = RAM_GPA_BASE + 0x170000;
const EN = 0x80000000;
/** Four queues, 16 KiB apart, after pages 0 and 1. */
const at = (q: number) => 0x20000 + 0x4000 * q;

function plug({ viommu, vm }: LentVm): DeviceBus {
  const idRegisters = {
    ...GUEST_ID_REGISTERS,
    idr1: GUEST_ID_REGISTERS.idr1 + 0x80000000,
    idr6: 0x20000,
  };
  const device = new VirtualSmmu({ backend: viommu, idRegisters });
  const fake = new FakeHost();
  device.attach({
    memory: guestMemoryOf(vm.memory, vm.regions),
    interruptLine: (line) => fake.interruptLine(line),
    dmaPort: () => fake.dmaPort(),
    mapDirect: () => undefined,
    background: (loop) => fake.background(loop),
    nowNs: () => 0,
    timer: (name, callback) => fake.timer(name, callback),
    msi: () => false,
    trace: () => undefined,
  });
  device.reset();
  return new DeviceBus(device);
}

const entries = ({ viommu, vintf }: LentVm) => footprintOf(viommu, vintf)['IOTLB entries'].count;

it('invalidate for their own machine, regardless of the VMID that they name, on every queue', async () => {
  const host = await checkedHost(VmHost);
  const [own, other] = [lendVm(host, 'own'), lendVm(host, 'other')];
  const bus = plug(own);
  // The same queue of the neighbour has a block of its own.
  const neighbour = plug(other);
  for (const lent of [own, other]) attachStage1(lent);
  for (let q = 0; q < 4; q++) {
    const ring = RING + 0x1000 * q;
    bus.write64(at(q), BigInt(ring + 2));
    bus.write32(at(q) + 8, EN);
    for (const [i, command] of [tlbiNhAsid(other.viommu.vmid, ASID), tlbiNsnhAll()].entries()) {
      for (const lent of [own, other])
        host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1));
      expect([entries(own), entries(other)]).toEqual([1, 1]);
      writeCommand(own.memory, ring, 2 * i, command);
      writeCommand(own.memory, ring, 2 * i + 1, sync());
      bus.write32(at(q) + 8, EN + 2 * i + 2);
      expect([bus.read32(at(q) + 0xc), entries(own), entries(other)]).toEqual([
        EN + 2 * i + 2,
        0,
        1,
      ]);
    }
    expect(neighbour.read32(at(q) + 0xc)).toBe(0);
  }
});

it('are off again for the next VM', async () => {
  const host = await checkedHost(VmHost);
  const first = lendVm(host, 'first');
  const bus = plug(first);
  bus.write64(at(1), BigInt(RING + 2));
  bus.write32(at(1) + 8, EN);
  expect(first.viommu.enhancedQueues[1]?.block.allocated).toBe(true);
  host.destroyVm(first.vm);
  const second = lendVm(host, 'second');
  expect(second.viommu.enhancedQueues.map(({ block }) => [block.allocated, block.hasRing])).toEqual(
    Array(4).fill([false, false]),
  );
});
