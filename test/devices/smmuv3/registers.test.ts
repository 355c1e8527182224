// SPDX-License-Identifier: MIT
// Register behaviour that both roles share, with literal offsets and values of IHI 0070
// section 6.3, as Linux's driver relies on it.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  checkIdRegisters,
  GRACE_ID_REGISTERS,
  GUEST_ID_REGISTERS,
  guestIdRegisters,
  PHYSICAL_ID_REGISTERS,
  PhysicalSmmu,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { createHostMemory, Unit } from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { TestViommuBackend } from '../../support/viommu-backend.ts';

const modules = await checkedModules();

function physical(host: FakeHost): DeviceBus {
  const unit = new Unit({
    modules,
    hostMemory: createHostMemory({ ramSize: 0x100000 }),
    thread: 0,
  });
  const device = new PhysicalSmmu({ unit, smmuIndex: 0 });
  device.attach(host);
  device.reset();
  return new DeviceBus(device);
}

function virtual(host: FakeHost): DeviceBus {
  const device = new VirtualSmmu({ backend: new TestViommuBackend(modules, host) });
  device.attach(host);
  device.reset();
  return new DeviceBus(device);
}

describe('ID registers', () => {
  it('of a guest: stage 1 only, small queues, linear stream table', () => {
    const bus = virtual(new FakeHost());
    const ids = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c].map((offset) => bus.read32(offset));
    expect(ids).toEqual([0x0c483c9a, 0x01080510, 0, 0x404, 0, 0x04000075, 0, 2]);
  });

  it('of a host: stage 2, 16-bit VMIDs, S2FWB', () => {
    const bus = physical(new FakeHost());
    const ids = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c].map((offset) => bus.read32(offset));
    expect(ids).toEqual([0x0c4d3c9b, 0x014a5510, 0, 0x504, 0, 0x04000075, 0, 2]);
  });

  it.each([
    ['stage 2 in a guest', { ...GUEST_ID_REGISTERS, idr0: 0x0d481c9b }],
    ['hardware update of table descriptors', { ...GUEST_ID_REGISTERS, idr0: 0x0d481cda }],
    ['stream tables of more levels', { ...GUEST_ID_REGISTERS, idr0: 0x15481c9a }],
    ['small translation tables (STT)', { ...GUEST_ID_REGISTERS, idr3: 0x604 }],
    ['BBML', { ...GUEST_ID_REGISTERS, idr3: 0xc04 }],
    ['wake-up events (SEV)', { ...GUEST_ID_REGISTERS, idr0: 0x0d487c9a }],
    ['a dormant hint', { ...GUEST_ID_REGISTERS, idr0: 0x0c483d9a }],
    ['address translation operations (ATOS)', { ...GUEST_ID_REGISTERS, idr0: 0x0c48bc9a }],
    ['those of a VM (VATOS)', { ...GUEST_ID_REGISTERS, idr0: 0x0c583c9a }],
    ['VMID wildcards (VMW)', { ...GUEST_ID_REGISTERS, idr0: 0x0c4a3c9a }],
    ['RME', { ...GUEST_ID_REGISTERS, idr0: 0x4c483c9a }],
    ['what is recorded of ATS in a guest (ATSRECERR)', { ...GUEST_ID_REGISTERS, idr0: 0x0cc83c9a }],
    ['PRI without ATS', { ...GUEST_ID_REGISTERS, idr0: 0x0c49389a }],
    ['2^20 page requests', { ...GUEST_ID_REGISTERS, idr0: 0x0c493c9a, idr1: 0x0108a510 }],
    ['a PRI queue without PRI', { ...GUEST_ID_REGISTERS, idr1: 0x01080d10 }],
    ['52 bits without 64 KiB granules or LPA2', { ...GUEST_ID_REGISTERS, idr5: 0x16 }],
    ['52-bit VAs without 64 KiB granules', { ...GUEST_ID_REGISTERS, idr5: 0x435 }],
    ['56 bits', { ...GUEST_ID_REGISTERS, idr5: 0x77 }],
    ['LPA2 without 52-bit VAs', { ...GUEST_ID_REGISTERS, idr5: 0xf6 }],
    ['LPA2 with 64 KiB granules alone', { ...GUEST_ID_REGISTERS, idr5: 0x4c6 }],
    ['128-bit descriptors', { ...GUEST_ID_REGISTERS, idr5: 0x175 }],
    ['no granule', { ...GUEST_ID_REGISTERS, idr5: 0x05 }],
    ['2^20 commands', { ...GUEST_ID_REGISTERS, idr1: 0x02880010 }],
    ['a value that is no word', { ...GUEST_ID_REGISTERS, iidr: -1 }],
  ])('%s cannot be advertised', (_name, idRegisters) => {
    const backend = new TestViommuBackend(modules, new FakeHost());
    expect(() => new VirtualSmmu({ backend, idRegisters })).toThrow(RangeError);
  });

  it('of Grace are a host’s, and a guest’s without the unsupported features', () => {
    checkIdRegisters(GRACE_ID_REGISTERS, 'physical');
    expect(() => checkIdRegisters(GRACE_ID_REGISTERS, 'guest')).toThrow(RangeError);
    const guest = guestIdRegisters(GRACE_ID_REGISTERS);
    checkIdRegisters(guest, 'guest');
    const { idr0, idr1, idr3, idr5, iidr } = guest;
    expect([idr0, idr1, idr3, idr5, iidr]).toEqual([0x0808341a, 0x09080510, 0, 0x00800075, 0]);
  });

  it('of a host show ATSRECERR where CR2.REC_CFG_ATS exists, and only with ATS', () => {
    const cr2 = (idr0: number) => {
      const unit = new Unit({
        modules,
        hostMemory: createHostMemory({ ramSize: 0x10000 }),
        thread: 0,
      });
      const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr0 };
      const device = new PhysicalSmmu({ unit, smmuIndex: 0, idRegisters });
      device.attach(new FakeHost());
      device.reset();
      const bus = new DeviceBus(device);
      bus.write32(0x2c, 0xffffffff);
      return bus.read32(0x2c);
    };
    // RECINVSID and PTM; with EL2 also E2H.
    expect([0x0c4d3c9b, 0x0ccd3c9b, 0x0ccd3e9b].map(cr2)).toEqual([6, 0xe, 0xf]);
    expect(() => cr2(0x0ccc389b)).toThrow(new RangeError('IDR0.ATSRECERR takes ATS'));
    expect(guestIdRegisters({ ...PHYSICAL_ID_REGISTERS, idr0: 0x0ccd3c9b }).idr0).toBe(0x0c483c9a);
  });

  it('of a host can have no stage 1', () => {
    const unit = new Unit({
      modules,
      hostMemory: createHostMemory({ ramSize: 0x10000 }),
      thread: 0,
    });
    const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr0: 0x05441019, idr1: 0x014a0510 };
    expect(() => new PhysicalSmmu({ unit, smmuIndex: 0, idRegisters })).not.toThrow();
    expect(
      () =>
        new PhysicalSmmu({ unit, smmuIndex: 0, idRegisters: { ...idRegisters, idr0: 0x05441018 } }),
    ).toThrow(RangeError);
  });
});

describe.each([
  ['physical', physical, 10, true],
  ['virtual', virtual, 8, false],
])('%s role', (_role, make, log2entries, hasPri) => {
  let host: FakeHost;
  let bus: DeviceBus;
  beforeEach(() => {
    host = new FakeHost();
    bus = make(host);
  });
  /** Index bits and wrap bit of the largest queue. */
  const mask = (2 << log2entries) - 1;

  it('is disabled after reset and lets transactions pass', () => {
    for (const offset of [
      0x20, 0x24, 0x28, 0x2c, 0x50, 0x54, 0x60, 0x64, 0x80, 0x84, 0x88, 0x90, 0x98, 0x9c, 0xa0,
      0x100a8, 0x100ac,
    ]) {
      expect(bus.read32(offset)).toBe(0);
    }
    expect(bus.read32(0x44)).toBe(0x1000);
  });

  it('CR0ACK equals CR0, in which bits without a feature stay 0', () => {
    bus.write32(0x20, 0x4);
    expect(bus.read32(0x24)).toBe(0x4);
    bus.write32(0x20, 0x10);
    expect([bus.read32(0x20), bus.read32(0x24)]).toEqual([0x10, 0x10]);
    // PRIQEN and the reserved bits; VMW is stored.
    const stored = hasPri ? 0x142 : 0x140;
    bus.write32(0x20, 0xffffff62);
    expect([bus.read32(0x20), bus.read32(0x24)]).toEqual([stored, stored]);
    bus.write32(0x24, 0xffffffff);
    expect(bus.read32(0x24)).toBe(stored);
  });

  it('IRQ_CTRLACK equals IRQ_CTRL, in which PRIQ_IRQEN stays 0 without PRI', () => {
    bus.write32(0x50, 0xffffffff);
    expect([bus.read32(0x50), bus.read32(0x54)]).toEqual(hasPri ? [7, 7] : [5, 5]);
    bus.write32(0x50, 0);
    expect([bus.read32(0x50), bus.read32(0x54)]).toEqual([0, 0]);
  });

  it('GBPA changes only with UPDATE, which reads 0 at once', () => {
    bus.write32(0x44, 0x00101000);
    expect(bus.read32(0x44)).toBe(0x1000);
    bus.write32(0x44, 0x80101000);
    expect(bus.read32(0x44)).toBe(0x00101000);
    bus.write32(0x44, 0xffffffff);
    expect(bus.read32(0x44)).toBe(0x001f3f1f);
  });

  it('read-only registers and reserved offsets ignore writes', () => {
    for (const offset of [
      0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c, 0x40, 0x48, 0x60, 0x30, 0xe00, 0x10000, 0x10020,
      0x1fffc,
    ]) {
      const before = bus.read32(offset);
      bus.write32(offset, ~before >>> 0);
      expect(bus.read32(offset)).toBe(before);
    }
  });

  it('accepts accesses to 64-bit registers, whole or in halves', () => {
    bus.write64(0x80, 0x4000_0012_3456_7fffn);
    expect(bus.read64(0x80)).toBe(0x4000_0012_3456_7fc0n);
    expect([bus.read32(0x80), bus.read32(0x84)]).toEqual([0x34567fc0, 0x40000012]);
    bus.write32(0xa0, 0x89abcde5);
    bus.write32(0xa4, 0xffffffff);
    expect(bus.read64(0xa0)).toBe(0x400f_ffff_89ab_cde5n);
  });

  it('a 64-bit access reaches both registers of a pair', () => {
    bus.write64(0x98, 0x0000_0005_0000_0003n);
    bus.write64(0x90, 4n);
    expect(bus.read64(0x98)).toBe(0x0000_0005_0000_0003n);
  });

  it('LOG2SIZE beyond IDR1 becomes what IDR1 allows', () => {
    bus.write64(0x90, 0x8000_001fn);
    expect(bus.read64(0x90)).toBe(0x8000_0000n + BigInt(log2entries));
    bus.write32(0xa0, 0x1000001e);
    expect(bus.read32(0xa0)).toBe(0x10000000 + log2entries);
  });

  it('index registers show only the bits of their queue', () => {
    bus.write64(0x90, 0x8000_001fn);
    bus.write32(0x98, 0xffffffff);
    expect(bus.read32(0x98)).toBe(mask);
    bus.write32(0x90, 3);
    expect(bus.read32(0x98)).toBe(0xf);
    bus.write32(0x9c, 0xffffffff);
    expect(bus.read32(0x9c)).toBe(0x7f00000f);
    bus.write32(0xa0, 2);
    bus.write32(0x100a8, 0xffffffff);
    bus.write32(0x100ac, 0xffffffff);
    expect([bus.read32(0x100a8), bus.read32(0x100ac)]).toEqual([0x80000007, 0x80000007]);
  });

  it('page 0 shows the event queue indexes of page 1, and accepts writes to them', () => {
    bus.write32(0xa0, 4);
    bus.write32(0xa8, 3);
    bus.write32(0x100ac, 2);
    expect([bus.read32(0x100a8), bus.read32(0xac)]).toEqual([3, 2]);
    expect(bus.read64(0xa8)).toBe(0x0000_0002_0000_0003n);
    expect(bus.device.registerName(0, 0xa8)).toBe('EVENTQ_PROD');
    expect(bus.device.registerName(0, 0x100ac)).toBe('EVENTQ_CONS');
    expect(bus.device.registerName(0, 0xe00)).toBe('smmuv3+0xe00');
  });

  it('guarded registers ignore writes while they are in use', () => {
    bus.write64(0x80, 0x8000_0000n);
    bus.write32(0x88, 4);
    bus.write32(0x28, 0xd75);
    bus.write32(0x2c, 6);
    bus.write64(0x90, 0x8000_0002n);
    bus.write64(0xa0, 0x8001_0003n);
    bus.write32(0x20, 0xd);
    for (const offset of [0x80, 0x88, 0x90, 0xa0]) bus.write64(offset, 0n);
    for (const offset of [0x28, 0x2c]) bus.write32(offset, 0);
    bus.write32(0x9c, 3);
    bus.write32(0x100a8, 3);
    expect([0x80, 0x90, 0xa0].map((offset) => bus.read64(offset))).toEqual([
      0x8000_0000n,
      0x8000_0002n,
      0x8001_0003n,
    ]);
    expect([0x88, 0x28, 0x2c, 0x9c, 0x100a8].map((offset) => bus.read32(offset))).toEqual([
      4, 0xd75, 6, 0, 0,
    ]);
    // EVENTQ_CONS is writable by software at any time.
    bus.write32(0x100ac, 0x80000005);
    expect(bus.read32(0x100ac)).toBe(0x80000005);
  });

  it('stores the MSI registers, which their interrupt enable guards', () => {
    bus.write64(0x68, 0xfff0_0000_0000_0007n);
    bus.write32(0x70, 0x1234);
    bus.write32(0x74, 0xff);
    expect([bus.read64(0x68), bus.read64(0x70)]).toEqual([4n, 0x3f_0000_1234n]);
    bus.write32(0x50, 1);
    bus.write64(0x68, 0n);
    expect(bus.read64(0x68)).toBe(4n);
    bus.write64(0xb0, 0x8000n);
    expect(bus.read64(0xb0)).toBe(0x8000n);
  });

  it('GERRORN cannot make an error active', () => {
    bus.write32(0x64, 0xffffffff);
    expect([bus.read32(0x60), bus.read32(0x64)]).toEqual([0, 0]);
    expect(host.pulses(1)).toBe(0);
  });

  it('a command ring that is not RAM is a fetch abort, reported once and again after each acknowledgement', () => {
    bus.write64(0x90, 0xf_0000_0000_0004n);
    bus.write32(0x50, 1);
    bus.write32(0x20, 8);
    bus.write32(0x98, 1);
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([0x02000000, 1]);
    expect(host.pulses(1)).toBe(1);
    bus.write32(0x98, 2);
    expect([bus.read32(0x60), host.pulses(1)]).toEqual([1, 1]);
    bus.write32(0x64, 1);
    expect([bus.read32(0x9c), bus.read32(0x60), bus.read32(0x64)]).toEqual([0x02000000, 0, 1]);
    expect(host.pulses(1)).toBe(2);
  });

  it('an error without its interrupt enable raises no interrupt', () => {
    bus.write64(0x90, 0xf_0000_0000_0004n);
    bus.write32(0x20, 8);
    bus.write32(0x98, 1);
    expect([bus.read32(0x60), host.pulses(1)]).toEqual([1, 0]);
    bus.write32(0x50, 1);
    expect(host.pulses(1)).toBe(0);
  });

  it('PROD written before CMDQEN counts when the queue is enabled', () => {
    bus.write64(0x90, 0xf_0000_0000_0004n);
    bus.write32(0x98, 1);
    expect(bus.read32(0x60)).toBe(0);
    bus.write32(0x20, 8);
    expect(bus.read32(0x60)).toBe(1);
  });

  it('CMDQEN does not restart a queue whose error is active', () => {
    bus.write64(0x90, 0xf_0000_0000_0004n);
    bus.write32(0x20, 8);
    bus.write32(0x98, 1);
    bus.write32(0x20, 0);
    bus.write32(0x20, 8);
    expect([bus.read32(0x60), bus.read32(0x9c)]).toEqual([1, 0x02000000]);
    bus.write32(0x20, 0);
    bus.write32(0x64, 1);
    bus.write32(0x98, 0);
    bus.write32(0x9c, 0);
    bus.write32(0x20, 8);
    expect([bus.read32(0x60), bus.read32(0x9c)]).toEqual([1, 0]);
  });

  it('reset brings everything back', () => {
    bus.write64(0x90, 0xf_0000_0000_0004n);
    bus.write32(0x44, 0x80101000);
    bus.write32(0x20, 0xd);
    bus.write32(0x98, 1);
    bus.device.reset();
    expect(
      [0x20, 0x24, 0x44, 0x60, 0x64, 0x90, 0x94, 0x98, 0x9c].map((offset) => bus.read32(offset)),
    ).toEqual([0, 0, 0x1000, 0, 0, 0, 0, 0, 0]);
  });
});
