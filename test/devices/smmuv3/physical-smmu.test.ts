// SPDX-License-Identifier: MIT
// The host's SMMU on the real hot modules: its state in host memory, its command queue in
// host RAM, its event queue.

import { beforeEach, describe, expect, it } from 'vitest';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../../assembly/layout/translate-results.ts';
import { PhysicalSmmu } from '../../../devices/smmuv3/index.ts';
import {
  bypassSte,
  invalidSte,
  sync,
  tlbiNsnhAll,
  tlbiS12Vmall,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { createHostMemory, smmuBase, Unit } from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { HostRam } from '../../support/host-ram.ts';

const modules = await checkedModules();
const RING = 0x4000;
const EVENTS = 0x8000;
const STREAMS = 0x10000;
const EVENT_LINE = 0;
const GERROR_LINE = 1;

let host: FakeHost;
let unit: Unit;
let ram: HostRam;
let device: PhysicalSmmu;
let bus: DeviceBus;
let block: DataView;

function plug(hostMemory: WebAssembly.Memory): void {
  unit = new Unit({ modules, hostMemory, thread: 0 });
  device = new PhysicalSmmu({ unit, smmuIndex: 0 });
  device.attach(host);
  device.reset();
  bus = new DeviceBus(device);
}

beforeEach(() => {
  host = new FakeHost();
  const hostMemory = createHostMemory({ ramSize: 0x100000 });
  ram = new HostRam(hostMemory);
  block = new DataView(hostMemory.buffer, smmuBase(0));
  plug(hostMemory);
});

function enable(): void {
  bus.write32(0x2c, 2);
  bus.write64(0x80, BigInt(STREAMS));
  bus.write32(0x88, 6);
  bus.write64(0x90, BigInt(RING + 3));
  bus.write64(0xa0, BigInt(EVENTS + 1));
  bus.write32(0x50, 5);
  bus.write32(0x20, 0xd);
}

function put(index: number, words: Uint32Array): void {
  writeCommand(ram, RING, index, words);
}

/** An access at iova 0x1000. */
function access(sid: number): number {
  unit.core.accessBegin();
  const status = unit.translate(smmuBase(0), sid, -1, 0x1000, 0, 0);
  unit.core.accessEnd();
  return status;
}

describe('registers in host memory', () => {
  it('are published as they are written, tables and queues aligned to their size', () => {
    bus.write64(0x80, 0x4000_0001_2345_67c0n);
    bus.write32(0x88, 6);
    bus.write64(0xa0, 0x0000_0001_2345_6783n);
    bus.write32(0x100ac, 0x80000003);
    bus.write32(0x100a8, 5);
    bus.write32(0x2c, 2);
    bus.write32(0x44, 0x80100000);
    bus.write32(0x20, 5);
    const words = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c].map((offset) =>
      block.getUint32(offset, true),
    );
    expect(words).toEqual([5, 2, 0x00100000, 0x0c4d3c9b, 0x014a5510, 0x504, 0x04000075, 6]);
    expect(block.getBigUint64(0x20, true)).toBe(0x1_2345_6000n);
    expect(block.getBigUint64(0x28, true)).toBe(0x1_2345_6700n);
    expect([0x30, 0x34, 0x38].map((offset) => block.getUint32(offset, true))).toEqual([
      3, 5, 0x80000003,
    ]);
  });

  it('a stream table larger than SIDSIZE has SIDSIZE', () => {
    bus.write32(0x88, 0x3f);
    expect([bus.read32(0x88), block.getUint32(0x1c, true)]).toEqual([0x3f, 16]);
  });

  it('reset switches translation off and forgets what is cached', () => {
    enable();
    writeSte(ram, STREAMS, 5, bypassSte());
    expect(access(5)).toBe(TRANSLATE_OK);
    writeSte(ram, STREAMS, 5, invalidSte());
    expect(access(5)).toBe(TRANSLATE_OK);
    device.reset();
    expect(block.getUint32(0, true)).toBe(0);
    enable();
    expect(access(5)).toBe(TRANSLATE_ABORT);
  });
});

describe('command queue', () => {
  it('runs in host RAM when PROD is written, wraps, and keeps VMIDs as written', () => {
    enable();
    for (let i = 0; i < 8; i++) put(i, tlbiS12Vmall(i));
    bus.write32(0x98, 8);
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([8, 0]);
    put(0, tlbiNsnhAll());
    put(1, sync(2));
    bus.write32(0x98, 10);
    expect(bus.read32(0x9c)).toBe(10);
    // VMID 5's own generation was raised once, by its own command (VMID blocks of 256
    // bytes).
    expect(block.getBigUint64(0x100000 + 5 * 0x100, true)).toBe(1n);
  });

  it('starts at CONS when it is enabled', () => {
    put(5, sync());
    bus.write64(0x90, BigInt(RING + 3));
    bus.write32(0x98, 6);
    bus.write32(0x9c, 5);
    put(0, new Uint32Array([0xff, 0, 0, 0]));
    bus.write32(0x20, 8);
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([6, 0]);
  });

  it('executes a batch of more commands than fit in one round of the drain', () => {
    bus.write64(0x90, 0x2_000an);
    for (let i = 0; i < 1024; i++) writeCommand(ram, 0x20000, i, sync());
    bus.write32(0x20, 8);
    bus.write32(0x98, 0x400);
    expect(bus.read32(0x9c)).toBe(0x400);
  });

  it('stops at an illegal command, which software replaces before it acknowledges', () => {
    enable();
    put(0, sync());
    put(1, new Uint32Array([0xff, 0, 0, 0]));
    put(2, sync());
    bus.write32(0x98, 3);
    expect([bus.read32(0x9c), bus.read32(0x60), bus.read32(0x64)]).toEqual([0x01000001, 1, 0]);
    expect(host.pulses(GERROR_LINE)).toBe(1);
    put(1, sync());
    bus.write32(0x64, 1);
    expect([bus.read32(0x9c) & 0xfffff, bus.read32(0x60) ^ bus.read32(0x64)]).toEqual([3, 0]);
    expect(host.pulses(GERROR_LINE)).toBe(1);
    // The next error toggles the bit back.
    put(3, new Uint32Array([0xff, 0, 0, 0]));
    bus.write32(0x98, 4);
    expect([bus.read32(0x9c), bus.read32(0x60), bus.read32(0x64)]).toEqual([0x01000003, 0, 1]);
    expect(host.pulses(GERROR_LINE)).toBe(2);
  });

  it('a CMD_SYNC that waits for an access completes in the background, after the access', () => {
    enable();
    const other = new Unit({ modules, hostMemory: unit.hostMemory, thread: 1 });
    other.core.accessBegin();
    put(0, sync());
    bus.write32(0x98, 1);
    host.poll();
    expect(bus.read32(0x9c)).toBe(0);
    other.core.accessEnd();
    host.poll();
    expect(bus.read32(0x9c)).toBe(1);
  });

  it('disabling leaves CONS where the queue was, and frees a waiting CMD_SYNC', () => {
    enable();
    const other = new Unit({ modules, hostMemory: unit.hostMemory, thread: 1 });
    other.core.accessBegin();
    put(0, tlbiNsnhAll());
    put(1, sync());
    bus.write32(0x98, 2);
    expect(block.getUint32(0x44, true)).toBe(1);
    bus.write32(0x20, 5);
    expect([bus.read32(0x9c), block.getUint32(0x44, true)]).toEqual([1, 0]);
    other.core.accessEnd();
    bus.write32(0x20, 0xd);
    expect(bus.read32(0x9c)).toBe(2);
  });
});

describe('event queue', () => {
  it('shows records in PROD, and raises its interrupt at the next background poll', () => {
    enable();
    expect(access(5)).toBe(TRANSLATE_ABORT);
    expect([bus.read32(0x100a8), bus.read32(0xa8)]).toEqual([1, 1]);
    expect([ram.load64(EVENTS), ram.load64(EVENTS + 8)]).toEqual([0x0000_0005_0000_0004n, 0n]);
    host.poll();
    host.poll();
    expect(host.pulses(EVENT_LINE)).toBe(1);
    bus.write32(0x100ac, 1);
    access(5);
    host.poll();
    expect(host.pulses(EVENT_LINE)).toBe(2);
  });

  it('overflows by toggling OVFLG, until software has acknowledged', () => {
    enable();
    for (let i = 0; i < 4; i++) access(5);
    expect(bus.read32(0x100a8)).toBe(0x80000002);
    bus.write32(0x100ac, 0x80000002);
    access(5);
    expect(bus.read32(0x100a8)).toBe(0x80000003);
    expect(bus.read32(0x60)).toBe(0);
  });

  it('a record that cannot be written is EVENTQ_ABT_ERR', () => {
    bus.write64(0x80, BigInt(STREAMS));
    bus.write32(0x88, 6);
    bus.write64(0xa0, 0x7_0000_0001n);
    bus.write32(0x50, 5);
    bus.write32(0x20, 5);
    access(5);
    host.poll();
    expect([bus.read32(0x60), bus.read32(0x100a8), host.pulses(GERROR_LINE)]).toEqual([4, 0, 1]);
    bus.write32(0x64, 4);
    host.poll();
    expect([bus.read32(0x60), host.pulses(GERROR_LINE)]).toEqual([4, 1]);
  });

  it('keeps PROD when it is disabled', () => {
    enable();
    access(5);
    bus.write32(0x20, 9);
    expect(bus.read32(0x100a8)).toBe(1);
    bus.write32(0x100a8, 0);
    expect(block.getUint32(0x34, true)).toBe(0);
  });
});

describe('saved state', () => {
  it('moves a host to another host memory: tables, queues, an error, unnoticed records', () => {
    enable();
    put(0, sync());
    put(1, new Uint32Array([0xff, 0, 0, 0]));
    bus.write32(0x98, 2);
    access(5);
    const saved = device.save();
    const image = new Uint8Array(unit.hostMemory.buffer.slice(0)).slice(
      block.byteOffset + 0x1200000,
    );

    host = new FakeHost();
    const hostMemory = createHostMemory({ ramSize: 0x100000 });
    new Uint8Array(hostMemory.buffer, smmuBase(1)).set(image);
    ram = new HostRam(hostMemory);
    plug(hostMemory);
    device.restore(saved);
    host.poll();
    expect(host.pulses(EVENT_LINE)).toBe(1);
    expect([bus.read32(0x9c), bus.read32(0x60), bus.read32(0x100a8)]).toEqual([0x01000001, 1, 1]);
    put(1, sync());
    bus.write32(0x64, 1);
    expect(bus.read32(0x9c) & 0xfffff).toBe(2);
    access(5);
    expect(bus.read32(0x100a8)).toBe(2);
  });
});
