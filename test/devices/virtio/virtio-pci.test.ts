// SPDX-License-Identifier: MIT
// A virtio block device over PCI, with a driver that finds its structures through the
// capabilities and writes rings as literal bytes (virtio 1.2, section 4.1).

import { describe, expect, it } from 'vitest';
import type { AccessSize } from '../../../devices/plugin/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { MemoryDisk, VirtioBlock, VirtioPci } from '../../../devices/virtio/index.ts';
import { findCapability } from '../../support/pcie-function.ts';

const RAM = 0x80000000;
const DESCRIPTORS = 0x1000;
const AVAILABLE = 0x2000;
const USED = 0x3000;
const HEADER = 0x5000;
const STATUS_BYTE = 0x5800;
const DATA = 0x10000;
const MESSAGES = 0x8000;
const SIZE = 8;
const DISK_BYTES = 0x10000;
const [VENDOR, MSIX] = [0x09, 0x11];

/** A device that is enabled, and its structures. */
function driver() {
  const host = new FakeHost({ ramGpa: RAM });
  const disk = Uint8Array.from({ length: DISK_BYTES }, (_, i) => (i >> 9) ^ i);
  const device = new VirtioPci('disk0', new VirtioBlock(new MemoryDisk(disk), 'serial'));
  const levels: boolean[] = [];
  device.plug({
    isIntegrated: true,
    isMultifunction: false,
    interruptChanged: () => levels.push(device.intx),
    windowsChanged: () => undefined,
  });
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const view = new DataView(host.ram.buffer, host.ram.byteOffset, host.ram.length);
  bus.write(0, 4, 2, 6);
  const structures = new Map(
    [0, 1, 2, 3, 4].map((nth) => {
      const at = findCapability(bus, 0, VENDOR, nth);
      return [
        bus.read(0, at + 3, 1).lo,
        { at, offset: bus.read(0, at + 8, 4).lo, length: bus.read(0, at + 12, 4).lo },
      ] as const;
    }),
  );
  const offsetOf = (type: number) => structures.get(type)?.offset ?? 0;
  const read = (offset: number, size: AccessSize) => bus.read(1, offsetOf(1) + offset, size).lo;
  const write = (offset: number, size: AccessSize, value: number) =>
    bus.write(1, offsetOf(1) + offset, size, value);
  const readIsr = () => bus.read(1, offsetOf(3), 1).lo;
  const notify = (queue: number) => {
    write(0x16, 2, queue);
    const at = structures.get(2)?.at ?? 0;
    const multiplier = bus.read(0, at + 16, 4).lo;
    bus.write(1, offsetOf(2) + read(0x1e, 2) * multiplier, 2, queue);
  };
  const enableMsix = (vectors: { config: number; queue: number }) => {
    for (const vector of [0, 1]) {
      const words = [RAM + MESSAGES + 4 * vector, 0, 0x70 + vector, 0];
      for (const [i, word] of words.entries()) bus.write(2, 16 * vector + 4 * i, 4, word);
    }
    bus.write(0, findCapability(bus, 0, MSIX) + 2, 2, 0x8000);
    write(0x10, 2, vectors.config);
    write(0x16, 2, 0);
    write(0x1a, 2, vectors.queue);
  };
  const setUp = () => {
    view.setUint32(AVAILABLE, 0, true);
    view.setUint32(USED, 0, true);
    for (const status of [0, 1, 3]) write(0x14, 1, status);
    for (const [select, word] of [
      [0, 1 << 28],
      [1, 3],
    ] as const) {
      write(0x08, 4, select);
      write(0x0c, 4, word >>> 0);
    }
    write(0x14, 1, 11);
    write(0x16, 2, 0);
    write(0x18, 2, SIZE);
    write(0x20, 4, RAM + DESCRIPTORS);
    write(0x28, 4, RAM + AVAILABLE);
    write(0x30, 4, RAM + USED);
    write(0x1c, 2, 1);
    write(0x14, 1, 15);
  };
  /** Reads a sector. Returns the status byte. */
  const request = (sector: number) => {
    view.setUint32(HEADER, 0, true);
    view.setBigUint64(HEADER + 8, BigInt(sector), true);
    view.setUint8(STATUS_BYTE, 0xff);
    const pieces = [
      [HEADER, 16, 1],
      [DATA, 512, 3],
      [STATUS_BYTE, 1, 2],
    ] as const;
    for (const [i, [at, length, flags]] of pieces.entries()) {
      const entry = DESCRIPTORS + 16 * i;
      view.setBigUint64(entry, BigInt(RAM + at), true);
      view.setUint32(entry + 8, length, true);
      view.setUint16(entry + 12, flags, true);
      view.setUint16(entry + 14, i + 1, true);
    }
    const available = view.getUint16(AVAILABLE + 2, true);
    view.setUint16(AVAILABLE + 4 + 2 * (available % SIZE), 0, true);
    view.setUint16(AVAILABLE + 2, available + 1, true);
    notify(0);
    host.poll();
    return view.getUint8(STATUS_BYTE);
  };
  const messages = () => host.log.filter((line) => line.startsWith('msi'));
  return {
    ...{ host, device, bus, view, disk, structures, levels },
    ...{ read, write, readIsr, notify, enableMsix, setUp, request, messages },
  };
}

describe('a virtio block device over PCI', () => {
  it('identifies itself', () => {
    const { bus, read, write } = driver();
    const words = [0x00, 0x08, 0x2c].map((offset) => bus.read(0, offset, 4).lo);
    expect(words).toEqual([0x10421af4, 0x01000001, 0x10421af4]);
    expect(bus.read(0, 0x3d, 1).lo).toBe(1);
    expect([read(0x12, 2), read(0x15, 1), read(0x18, 2)]).toEqual([1, 0, 128]);
    const features = [0, 1, 2, 3].map((select) => {
      write(0x00, 4, select);
      return read(0x04, 4);
    });
    expect(features).toEqual([0x10000244, 3, 0, 0]);
  });

  it('has a capability for each structure', () => {
    const { structures, bus } = driver();
    expect([...structures.keys()].sort()).toEqual([1, 2, 3, 4, 5]);
    const lengths = [1, 2, 3, 4].map((type) => structures.get(type)?.length);
    expect(lengths).toEqual([56, 4, 1, 0x3c]);
    for (const { at } of structures.values()) expect(bus.read(0, at + 4, 1).lo).toBe(0);
  });

  it('has the configuration of its function', () => {
    const { bus, structures } = driver();
    const at = structures.get(4)?.offset ?? 0;
    expect([bus.read(1, at, 4).lo, bus.read(1, at + 0x14, 4).lo]).toEqual([DISK_BYTES / 512, 512]);
  });

  it('reads sectors, and asserts INTx until its ISR status is read', () => {
    const { host, request, setUp, disk, device, readIsr } = driver();
    setUp();
    expect(request(3)).toBe(0);
    expect([...host.ram.subarray(DATA, DATA + 512)]).toEqual([...disk.subarray(1536, 2048)]);
    expect(device.intx).toBe(true);
    expect([readIsr(), device.intx, readIsr()]).toEqual([1, false, 0]);
  });

  it('serves a queue that was empty when its driver notifies it', () => {
    const { host, request, setUp, disk } = driver();
    setUp();
    // The queue is empty before the first request and between the others.
    for (const sector of [3, 4, 5]) {
      for (let turns = 0; turns < 4; turns++) host.poll();
      expect(request(sector)).toBe(0);
      const [begin, end] = [512 * sector, 512 * (sector + 1)];
      expect([...host.ram.subarray(DATA, DATA + 512)]).toEqual([...disk.subarray(begin, end)]);
    }
  });

  it('signals by the vectors that the driver has set, and not by INTx', () => {
    const { request, setUp, enableMsix, messages, device, readIsr, read } = driver();
    setUp();
    enableMsix({ config: 0, queue: 1 });
    expect([read(0x10, 2), read(0x1a, 2)]).toEqual([0, 1]);
    expect(request(0)).toBe(0);
    expect(messages()).toEqual(['msi 0x80008004 0x71 taken']);
    expect([device.intx, readIsr()]).toEqual([false, 0]);
  });

  it('reads back no vector for one that it does not have, and then notifies no one', () => {
    const { request, setUp, enableMsix, messages, read } = driver();
    setUp();
    enableMsix({ config: 2, queue: 2 });
    expect([read(0x10, 2), read(0x1a, 2)]).toEqual([0xffff, 0xffff]);
    expect([request(0), messages()]).toEqual([0, []]);
  });

  it('needs a reset after a broken ring, reports this, and works after it', () => {
    const one = driver();
    const { setUp, enableMsix, messages, view, notify, read, readIsr, request } = one;
    setUp();
    enableMsix({ config: 0, queue: 1 });
    view.setUint16(AVAILABLE + 2, SIZE + 1, true);
    notify(0);
    expect(one.device.intx).toBe(false);
    expect([read(0x14, 1) & 0x40, readIsr(), messages()]).toEqual([
      0x40,
      2,
      ['msi 0x80008000 0x70 taken'],
    ]);
    setUp();
    expect([read(0x10, 2), read(0x1a, 2)]).toEqual([0xffff, 0xffff]);
    expect(request(1)).toBe(0);
  });

  it('does not access rings while it is not a bus master, and continues when it is', () => {
    const { setUp, request, bus, host, view, read } = driver();
    setUp();
    bus.write(0, 4, 2, 2);
    expect(request(0)).toBe(0xff);
    expect(read(0x14, 1)).toBe(15);
    bus.write(0, 4, 2, 6);
    host.poll();
    expect(view.getUint8(STATUS_BYTE)).toBe(0);
  });

  it('keeps a queue enabled until a reset, and what it was enabled with', () => {
    const { setUp, read, write } = driver();
    setUp();
    write(0x1c, 2, 0);
    write(0x18, 2, 4);
    write(0x20, 4, 0x1234);
    expect([read(0x1c, 2), read(0x18, 2), read(0x20, 4)]).toEqual([1, SIZE, RAM + DESCRIPTORS]);
    write(0x14, 1, 0);
    expect([read(0x14, 1), read(0x1c, 2), read(0x18, 2), read(0x20, 4)]).toEqual([0, 0, 128, 0]);
  });

  it('has both words of the addresses of a queue', () => {
    const { read, write } = driver();
    const registers = [0x20, 0x24, 0x28, 0x2c, 0x30, 0x34];
    for (const [i, offset] of registers.entries()) write(offset, 4, 0x1000 * (i + 1));
    expect(registers.map((offset) => read(offset, 4))).toEqual([
      0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000,
    ]);
  });

  it('has no queue beyond its own', () => {
    const { read, write } = driver();
    write(0x16, 2, 1);
    expect([read(0x18, 2), read(0x1c, 2), read(0x1a, 2)]).toEqual([0, 0, 0xffff]);
    write(0x1a, 2, 0);
    write(0x1c, 2, 1);
    expect([read(0x1c, 2), read(0x1a, 2)]).toEqual([0, 0xffff]);
  });

  it('can be reached by its configuration space', () => {
    const { bus, structures, read } = driver();
    const at = structures.get(5)?.at ?? 0;
    const select = (offset: number, length: number) => {
      bus.write(0, at + 8, 4, offset);
      bus.write(0, at + 12, 4, length);
    };
    select(0x14, 1);
    bus.write(0, at + 16, 1, 3);
    expect([read(0x14, 1), bus.read(0, at + 16, 1).lo]).toEqual([3, 3]);
    select(0x2000, 4);
    expect(bus.read(0, at + 16, 4).lo).toBe(DISK_BYTES / 512);
    // Neither the length nor the offset nor the BAR is valid.
    for (const [offset, length] of [
      [0, 3],
      [0x2000, 8],
      [0x2002, 4],
      [0x4000, 4],
    ] as const) {
      select(offset, length);
      expect(bus.read(0, at + 16, 4).lo).toBe(0);
    }
    select(0x2000, 4);
    bus.write(0, at + 4, 1, 1);
    expect(bus.read(0, at + 16, 4).lo).toBe(0);
  });

  it('continues saved requests on another device', () => {
    const one = driver();
    one.setUp();
    one.enableMsix({ config: 0, queue: 1 });
    const other = driver();
    other.device.restore(structuredClone(one.device.save()));
    expect(other.device.save()).toEqual(one.device.save());
    expect([other.request(2), other.messages()]).toEqual([0, ['msi 0x80008004 0x71 taken']]);
  });

  it('is as new after FLR', () => {
    const { setUp, enableMsix, bus, read, device } = driver();
    const fresh = driver().device;
    fresh.reset();
    setUp();
    enableMsix({ config: 0, queue: 1 });
    bus.write(0, findCapability(bus, 0, 0x10) + 8, 2, 0x8000);
    expect(device.save()).toEqual(fresh.save());
    expect(read(0x14, 1)).toBe(0);
  });
});
