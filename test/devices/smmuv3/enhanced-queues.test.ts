// SPDX-License-Identifier: MIT
// Enhanced command queues in both roles. Offsets and bits are literals from IHI 0070
// sections 3.5.6 and 6.3.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
  PhysicalSmmu,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import {
  cfgiAll,
  sync,
  type TableMemory,
  tlbiNhAll,
  tlbiNsnhAll,
  writeCommand,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { createHostMemory, smmuBase, Unit } from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { HostRam } from '../../support/host-ram.ts';
import { tableMemory } from '../../support/table-memory.ts';
import { TestViommuBackend, VMID } from '../../support/viommu-backend.ts';

const modules = await checkedModules();
const ECMDQ = 0x80000000;
/** IDR6: one page of 4 queues. */
const FOUR = 0x00020000;
const EN = 0x80000000;
const ERRACK = 0x00800000;
const GERROR_LINE = 1;
const RING = 0x80010000;
const ILLEGAL = new Uint32Array([0xff, 0, 0, 0]);

let host: FakeHost;
let ram: TableMemory;
let backend: TestViommuBackend;
let device: VirtualSmmu;
let bus: DeviceBus;

function plug(idr6 = FOUR): void {
  device = new VirtualSmmu({
    backend,
    idRegisters: { ...GUEST_ID_REGISTERS, idr1: GUEST_ID_REGISTERS.idr1 + ECMDQ, idr6 },
  });
  device.attach(host);
  device.reset();
  bus = new DeviceBus(device);
}

beforeEach(() => {
  host = new FakeHost();
  ram = tableMemory(host.memory);
  backend = new TestViommuBackend(modules, host);
  plug();
});

/** Registers of queue `q` of four: 16 KiB apart. */
const at = (q: number) => 0x20000 + 0x4000 * q;
const prod = (q: number) => bus.read32(at(q) + 0x8);
const cons = (q: number) => bus.read32(at(q) + 0xc);
const ringOf = (q: number) => RING + 0x1000 * q;

/** Rings of 8 commands. */
function enable(q: number): void {
  bus.write64(at(q), BigInt(ringOf(q) + 3));
  bus.write32(at(q) + 0x8, EN);
}

/** Puts commands at PROD and advances it, without a change of ERRACK. */
function issue(q: number, ...commands: readonly Uint32Array[]): void {
  const word = prod(q);
  let index = word & 0xf;
  for (const command of commands) {
    writeCommand(ram, ringOf(q), index % 8, command);
    index = (index + 1) % 16;
  }
  bus.write32(at(q) + 0x8, (word & ~0xf) | index);
}

describe('discovery', () => {
  it('IDR1.ECMDQ, IDR6 and the control page give the number and place of the queues', () => {
    expect([
      bus.read32(0x4) >>> 31,
      bus.read32(0x190),
      bus.read64(0x4000),
      bus.read32(0x4008),
      bus.read32(0x400c),
    ]).toEqual([1, FOUR, 0x20003n, 1, 1]);
    expect(device.regions[0]?.size).toBe(0x30000);
    bus.write32(0x4008, 0);
    expect(bus.read32(0x400c)).toBe(1);
    expect([device.registerName(0, 0x24008), device.registerName(0, 0x190)]).toEqual([
      'ECMDQ_PROD(1)',
      'IDR6',
    ]);
  });

  it('does not exist without IDR1.ECMDQ', () => {
    const plain = new VirtualSmmu({ backend });
    plain.attach(host);
    plain.reset();
    const registers = new DeviceBus(plain);
    expect([registers.read32(0x190), registers.read32(0x4000), plain.regions[0]?.size]).toEqual([
      0, 0, 0x20000,
    ]);
  });

  it.each([
    ['more queues than the model has', 0x00030000],
    ['two control pages', 0x01000000],
  ])('refuses %s', (_name, idr6) => {
    expect(() => plug(idr6)).toThrow(RangeError);
  });

  it('refuses more queues than its host has', () => {
    const poor = Object.create(backend, { enhancedQueues: { value: [] } });
    const idRegisters = { ...GUEST_ID_REGISTERS, idr1: GUEST_ID_REGISTERS.idr1 + ECMDQ, idr6: 0 };
    expect(() => new VirtualSmmu({ backend: poor, idRegisters })).toThrow(
      'IDR6 has 1 queues, the host 0',
    );
  });
});

describe('an ECMDQ of a guest', () => {
  it('is disabled after reset, acknowledges EN, and consumes commands up to PROD', () => {
    expect([prod(1), cons(1)]).toEqual([0, 0]);
    enable(1);
    expect(cons(1)).toBe(EN);
    issue(1, tlbiNhAll(3), sync());
    expect(cons(1)).toBe(EN + 2);
    // The VMID is that of the machine, whatever the command contains.
    const generations = new DataView(backend.hostMemory.buffer, smmuBase(0) + 0x100000);
    expect([
      generations.getBigUint64(VMID * 0x100, true) > 0n,
      generations.getBigUint64(3 * 0x100, true),
    ]).toEqual([true, 0n]);
  });

  it('runs in parallel with the others and the CMDQ, each with its own indexes, and wraps', () => {
    for (const q of [0, 3]) enable(q);
    for (let n = 0; n < 7; n++) issue(3, tlbiNsnhAll(), sync());
    issue(0, sync());
    expect([cons(0), cons(1), cons(2), cons(3)]).toEqual([EN + 1, 0, 0, EN + 14]);
    expect(bus.read32(0x9c)).toBe(0);
    issue(3, sync(), sync(), sync());
    expect(cons(3)).toBe(EN + 1);
  });

  it('accepts the configuration commands that the device executes itself', () => {
    bus.write64(0x80, 0x80000000n);
    bus.write32(0x88, 4);
    bus.write32(0x20, 1);
    backend.log.length = 0;
    enable(2);
    issue(2, cfgiAll(), sync());
    expect([cons(2), backend.log]).toEqual([EN + 2, ['8 invalid', '9 invalid']]);
  });

  it('signals a CMD_SYNC by MSI, and reports an aborted one as the CMDQ does', () => {
    enable(0);
    issue(
      0,
      sync(1, { address: RING + 0x8000, data: 0x77 }),
      sync(1, { address: 0x7000_0000, data: 1 }),
    );
    expect([cons(0), ram.load64(RING + 0x8000), bus.read32(0x60)]).toEqual([EN + 2, 0x77n, 0x10]);
  });

  it('waits for accesses in flight without holding up the other queues', () => {
    for (const q of [0, 1]) enable(q);
    const other = new Unit({ modules, hostMemory: backend.hostMemory, thread: 2 });
    other.core.accessBegin();
    issue(0, sync());
    issue(1, tlbiNsnhAll());
    expect([cons(0), cons(1)]).toEqual([EN, EN + 1]);
    other.core.accessEnd();
    host.poll();
    expect(cons(0)).toBe(EN + 1);
  });

  it('stops at an error: ERR differs from ERRACK, ERR_REASON and RD give reason and place, GERROR.CMDQP_ERR is active', () => {
    bus.write32(0x50, 1);
    for (const q of [0, 1]) enable(q);
    issue(0, sync(), ILLEGAL, sync());
    expect([cons(0), bus.read32(0x60), host.pulses(GERROR_LINE)]).toEqual([
      EN + 0x01800001,
      0x200,
      1,
    ]);
    // No more commands of this queue are consumed, and the others continue; a second
    // queue's error finds CMDQP_ERR active.
    issue(0, sync());
    issue(1, sync(), ILLEGAL);
    expect([cons(0), cons(1), bus.read32(0x60), host.pulses(GERROR_LINE)]).toEqual([
      EN + 0x01800001,
      EN + 0x01800001,
      0x200,
      1,
    ]);
    // Acknowledging GERROR has no effect on the queues.
    bus.write32(0x64, 0x200);
    expect(cons(0)).toBe(EN + 0x01800001);
    // ERRACK equals ERR: the command is fetched again, as it is in memory now.
    writeCommand(ram, ringOf(0), 1, sync());
    bus.write32(at(0) + 0x8, prod(0) | ERRACK);
    expect(cons(0) & ~0x07000000).toBe((EN + 0x00800004) | 0);
    // The next error toggles ERR back.
    issue(0, ILLEGAL);
    expect([cons(0), bus.read32(0x60)]).toEqual([EN + 0x01000004, 0]);
  });

  it('uses the index of the same store that acknowledges an error', () => {
    enable(0);
    issue(0, sync(), ILLEGAL, sync());
    expect(cons(0)).toBe(EN + 0x01800001);
    for (const slot of [1, 3, 4]) writeCommand(ram, ringOf(0), slot, sync());
    bus.write32(at(0) + 0x8, EN + ERRACK + 5);
    expect(cons(0) & ~0x07000000).toBe((EN + 0x00800005) | 0);
  });

  it('is disabled by EN = 0 in the middle of an error; BASE and CONS are software’s then, and not before', () => {
    enable(0);
    issue(0, sync(), ILLEGAL);
    bus.write64(at(0), 0x80020004n);
    bus.write32(at(0) + 0xc, 0);
    expect([bus.read64(at(0)), cons(0)]).toEqual([BigInt(ringOf(0) + 3), EN + 0x01800001]);
    bus.write32(at(0) + 0x8, 2);
    expect(cons(0)).toBe(0x01800001);
    bus.write32(at(0) + 0xc, 0);
    writeCommand(ram, ringOf(0), 1, sync());
    bus.write32(at(0) + 0x8, EN + 2);
    expect(cons(0)).toBe(EN + 2);
  });

  it('a ring that is not RAM is CERROR_ABT', () => {
    bus.write64(at(0), 0x7000_0003n);
    bus.write32(at(0) + 0x8, EN + 1);
    expect([cons(0), bus.read32(0x60)]).toEqual([EN + 0x02800000, 0x200]);
  });

  it('a PROD beyond the ring and an ERRACK without an error end, and affect no other queue', () => {
    for (const q of [0, 1]) enable(q);
    for (let slot = 0; slot < 8; slot++) writeCommand(ram, ringOf(0), slot, sync());
    bus.write32(at(0) + 0x8, EN + ERRACK + 0xfffff);
    for (let n = 0; n < 4; n++) host.poll();
    issue(1, sync());
    expect(cons(1)).toBe(EN + 1);
    bus.write32(at(0) + 0x8, 0);
    expect(cons(0) & EN).toBe(0);
  });

  it('is preserved by save and restore, including an error', () => {
    enable(0);
    enable(2);
    issue(0, sync(), ILLEGAL);
    issue(2, sync());
    const saved = device.save();
    device.reset();
    expect([cons(0), cons(2)]).toEqual([0, 0]);
    device.restore(saved);
    expect([cons(0), cons(2)]).toEqual([EN + 0x01800001, EN + 1]);
    writeCommand(ram, ringOf(0), 1, sync());
    bus.write32(at(0) + 0x8, prod(0) | ERRACK);
    issue(2, sync());
    expect([cons(0) & 0xf, cons(2)]).toEqual([2, EN + 2]);
    expect(() => device.restore({ ...saved, enhanced: { words: [] } })).toThrow(TypeError);
    expect(cons(2)).toBe(EN + 2);
  });
});

describe('an ECMDQ of a host', () => {
  it('runs in host RAM with VMIDs as written', () => {
    const hostMemory = createHostMemory({ ramSize: 0x100000 });
    const unit = new Unit({ modules, hostMemory, thread: 0 });
    const memory = new HostRam(hostMemory);
    const idRegisters = {
      ...PHYSICAL_ID_REGISTERS,
      idr1: PHYSICAL_ID_REGISTERS.idr1 + ECMDQ,
      idr6: 0x00010000,
    };
    const physical = new PhysicalSmmu({ unit, smmuIndex: 0, idRegisters });
    physical.attach(new FakeHost());
    physical.reset();
    const registers = new DeviceBus(physical);
    // Two queues, 32 KiB apart.
    writeCommand(memory, 0x4000, 0, tlbiNhAll(3));
    writeCommand(memory, 0x4000, 1, sync());
    registers.write64(0x28000, 0x4003n);
    registers.write32(0x28008, EN + 2);
    expect([registers.read32(0x2800c), registers.read32(0x2000c)]).toEqual([EN + 2, 0]);
    expect(
      new DataView(hostMemory.buffer, smmuBase(0) + 0x100000).getBigUint64(3 * 0x100, true),
    ).toBeGreaterThan(0n);
  });
});
