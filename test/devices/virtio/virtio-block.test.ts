// SPDX-License-Identifier: MIT
// A virtio block device over MMIO, with a driver that writes rings as literal bytes
// (virtio 1.2).

import { describe, expect, it } from 'vitest';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import {
  CopyOnWriteDisk,
  type Disk,
  MemoryDisk,
  VirtioBlock,
  VirtioMmio,
} from '../../../devices/virtio/index.ts';

const RAM = 0x80000000;
const DESCRIPTORS = 0x1000;
const AVAILABLE = 0x2000;
const USED = 0x3000;
const INDIRECT = 0x4000;
const HEADER = 0x5000;
const STATUS_BYTE = 0x5800;
const DATA = 0x10000;
const SIZE = 8;
const [NEXT, WRITE, INDIRECT_FLAG] = [1, 2, 4];
const [IN, OUT, FLUSH, GET_ID] = [0, 1, 4, 8];

const DISK_BYTES = 0x40000;
const pattern = () => Uint8Array.from({ length: DISK_BYTES }, (_, i) => (i >> 9) ^ i);

interface Piece {
  readonly at: number;
  readonly length: number;
  readonly flags: number;
  readonly next?: number;
}

/** A device set up by its driver, and the driver's functions. */
function driver(disk: Disk = new MemoryDisk(pattern()), isSetUp = true) {
  const host = new FakeHost({ ramGpa: RAM, ramSize: 0x100000, streamId: 16 });
  const device = new VirtioMmio('disk0', new VirtioBlock(disk, 'serial'));
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const view = new DataView(host.ram.buffer, host.ram.byteOffset, host.ram.length);
  let available = 0;
  const describe = (
    table: number,
    index: number,
    { at, length, flags, next = index + 1 }: Piece,
  ) => {
    const entry = table + 16 * index;
    view.setBigUint64(entry, BigInt(RAM + at), true);
    view.setUint32(entry + 8, length, true);
    view.setUint16(entry + 12, flags, true);
    view.setUint16(entry + 14, next, true);
  };
  const offer = (head: number) => {
    view.setUint16(AVAILABLE + 4 + 2 * (available % SIZE), head, true);
    available++;
    view.setUint16(AVAILABLE + 2, available, true);
  };
  const setUp = () => {
    available = 0;
    view.setUint32(AVAILABLE, 0, true);
    view.setUint32(USED, 0, true);
    for (const status of [0, 1, 3]) bus.write32(0x70, status);
    bus.write32(0x24, 0);
    bus.write32(0x20, 1 << 28);
    bus.write32(0x24, 1);
    bus.write32(0x20, 3);
    bus.write32(0x70, 11);
    bus.write32(0x30, 0);
    bus.write32(0x38, SIZE);
    bus.write32(0x80, RAM + DESCRIPTORS);
    bus.write32(0x90, RAM + AVAILABLE);
    bus.write32(0xa0, RAM + USED);
    bus.write32(0x44, 1);
    bus.write32(0x70, 15);
  };
  if (isSetUp) setUp();
  const poll = () => {
    for (let i = 0; i < 100; i++) host.poll();
  };
  /**
   * A request with one data buffer: its status byte, and the number of bytes written
   * according to the used ring.
   */
  const request = (type: number, sector: number, length: number, indirect = false) => {
    view.setUint32(HEADER, type, true);
    view.setBigUint64(HEADER + 8, BigInt(sector), true);
    view.setUint8(STATUS_BYTE, 0xff);
    const table = indirect ? INDIRECT : DESCRIPTORS;
    const pieces: Piece[] = [{ at: HEADER, length: 16, flags: NEXT }];
    if (length > 0) pieces.push({ at: DATA, length, flags: NEXT | (type === OUT ? 0 : WRITE) });
    pieces.push({ at: STATUS_BYTE, length: 1, flags: WRITE });
    for (const [i, piece] of pieces.entries()) describe(table, i, piece);
    if (indirect)
      describe(DESCRIPTORS, 0, { at: INDIRECT, length: 16 * pieces.length, flags: INDIRECT_FLAG });
    const used = view.getUint16(USED + 2, true);
    offer(0);
    bus.write32(0x50, 0);
    poll();
    const entry = USED + 4 + 8 * (used % SIZE);
    return {
      completed: view.getUint16(USED + 2, true) - used,
      status: view.getUint8(STATUS_BYTE),
      written: view.getUint32(entry + 4, true),
    };
  };
  return { host, device, bus, view, describe, offer, request, setUp, poll };
}

describe('a virtio block device', () => {
  it('identifies itself', () => {
    const { bus } = driver(undefined, false);
    const words = [0x00, 0x04, 0x08, 0x34, 0x100, 0x104].map((offset) => bus.read32(offset));
    expect(words).toEqual([0x74726976, 2, 2, 128, DISK_BYTES / 512, 0]);
    bus.write32(0x14, 0);
    const low = bus.read32(0x10);
    bus.write32(0x14, 1);
    // SEG_MAX, BLK_SIZE, FLUSH, INDIRECT_DESC; VERSION_1 and ACCESS_PLATFORM.
    expect([low, bus.read32(0x10)]).toEqual([0x10000244, 3]);
    bus.write32(0x14, 2);
    expect(bus.read32(0x10)).toBe(0);
  });

  it.each([false, true])('reads sectors (indirect table: %s)', (indirect) => {
    const { host, bus, request } = driver();
    expect(request(IN, 3, 0x1000, indirect)).toEqual({ completed: 1, status: 0, written: 0x1001 });
    expect([...host.ram.subarray(DATA, DATA + 0x1000)]).toEqual([
      ...pattern().subarray(0x600, 0x1600),
    ]);
    expect(bus.read32(0x60)).toBe(1);
    bus.write32(0x64, 1);
    expect(bus.read32(0x60)).toBe(0);
  });

  it('writes sectors, in turns when there are many', () => {
    const bytes = pattern();
    const { host, request } = driver(new MemoryDisk(bytes));
    host.ram.fill(0xa5, DATA, DATA + 0x20000);
    expect(request(OUT, 16, 0x20000)).toEqual({ completed: 1, status: 0, written: 1 });
    expect(bytes.subarray(0x2000, 0x22000).every((byte) => byte === 0xa5)).toBe(true);
    expect(Buffer.compare(bytes.subarray(0, 0x2000), pattern().subarray(0, 0x2000))).toBe(0);
  });

  it('returns its serial number and flushes', () => {
    const { host, request } = driver();
    expect(request(GET_ID, 0, 20)).toEqual({ completed: 1, status: 0, written: 21 });
    expect(new TextDecoder().decode(host.ram.subarray(DATA, DATA + 6))).toBe('serial');
    expect(request(FLUSH, 0, 0)).toMatchObject({ completed: 1, status: 0 });
  });

  it.each([
    ['a sector past the end', IN, DISK_BYTES / 512, 512, 1],
    ['a range across the end', IN, DISK_BYTES / 512 - 1, 1024, 1],
    ['half a sector', IN, 0, 256, 1],
    ['an unknown type', 99, 0, 512, 2],
  ])('answers %s with an error', (_, type, sector, length, status) => {
    expect(driver().request(type, sector, length)).toMatchObject({ completed: 1, status });
  });

  it('answers with an error when its disk fails', () => {
    const failing: Disk = {
      size: DISK_BYTES,
      readOnly: false,
      read() {
        throw new Error('unreadable');
      },
      write() {
        throw new Error('full');
      },
      flush() {
        throw new Error('gone');
      },
    };
    const { request } = driver(failing);
    expect([IN, OUT].map((type) => request(type, 0, 512).status)).toEqual([1, 1]);
    expect(request(FLUSH, 0, 0).status).toBe(1);
  });

  it('answers with an error when the IOMMU refuses its data', () => {
    const { view, offer, bus, poll, describe } = driver();
    view.setUint32(HEADER, IN, true);
    describe(DESCRIPTORS, 0, { at: HEADER, length: 16, flags: NEXT });
    describe(DESCRIPTORS, 1, { at: 0x40000000, length: 512, flags: NEXT | WRITE });
    describe(DESCRIPTORS, 2, { at: STATUS_BYTE, length: 1, flags: WRITE });
    offer(0);
    bus.write32(0x50, 0);
    poll();
    expect(view.getUint8(STATUS_BYTE)).toBe(1);
    expect(view.getUint16(USED + 2, true)).toBe(1);
    expect(bus.read32(0x70) & 0x40).toBe(0);
  });

  it('returns a request once, with an interrupt, when the IOMMU stalls its read of the flags', () => {
    const { host, bus, request } = driver();
    host.stalls = (iova) => iova === RAM + AVAILABLE;
    expect(request(IN, 3, 512)).toEqual({ completed: 1, status: 0, written: 513 });
    expect(bus.read32(0x60)).toBe(1);
  });

  const broken: readonly (readonly [string, (one: ReturnType<typeof driver>) => void])[] = [
    [
      'a loop of descriptors',
      ({ describe, offer }) => {
        describe(DESCRIPTORS, 0, { at: HEADER, length: 16, flags: NEXT, next: 0 });
        offer(0);
      },
    ],
    ['a descriptor beyond its queue', ({ offer }) => offer(SIZE)],
    [
      'a next one beyond its queue',
      ({ describe, offer }) => {
        describe(DESCRIPTORS, 0, { at: HEADER, length: 16, flags: NEXT, next: 999 });
        offer(0);
      },
    ],
    [
      'more available chains than entries',
      ({ view }) => view.setUint16(AVAILABLE + 2, SIZE + 1, true),
    ],
    [
      'an indirect table in an indirect table',
      ({ describe, offer }) => {
        describe(DESCRIPTORS, 0, { at: INDIRECT, length: 16, flags: INDIRECT_FLAG });
        describe(INDIRECT, 0, { at: INDIRECT, length: 16, flags: INDIRECT_FLAG });
        offer(0);
      },
    ],
    [
      'an indirect table of no whole descriptors',
      ({ describe, offer }) => {
        describe(DESCRIPTORS, 0, { at: INDIRECT, length: 15, flags: INDIRECT_FLAG });
        offer(0);
      },
    ],
    [
      'an indirect table of 4 GiB',
      ({ describe, offer }) => {
        describe(DESCRIPTORS, 0, { at: INDIRECT, length: 0xfffffff0, flags: INDIRECT_FLAG });
        offer(0);
      },
    ],
    [
      'what is read after what is written',
      ({ describe, offer }) => {
        describe(DESCRIPTORS, 0, { at: HEADER, length: 16, flags: NEXT | WRITE });
        describe(DESCRIPTORS, 1, { at: HEADER, length: 16, flags: 0 });
        offer(0);
      },
    ],
  ];

  it.each(broken)('needs a reset after %s, and works after it', (_, breakIt) => {
    const one = driver();
    breakIt(one);
    one.bus.write32(0x50, 0);
    one.poll();
    expect([one.bus.read32(0x70) & 0x40, one.bus.read32(0x60)]).toEqual([0x40, 2]);
    one.bus.write32(0x50, 0);
    expect(one.view.getUint16(USED + 2, true)).toBe(0);
    one.setUp();
    expect(one.request(IN, 0, 512)).toEqual({ completed: 1, status: 0, written: 513 });
  });

  it('refuses features that it has not offered, and drivers of the legacy interface', () => {
    const { bus } = driver(undefined, false);
    bus.write32(0x24, 1);
    bus.write32(0x20, 4);
    bus.write32(0x70, 11);
    expect(bus.read32(0x70)).toBe(3);
    bus.write32(0x20, 0);
    bus.write32(0x70, 11);
    expect(bus.read32(0x70)).toBe(3);
  });

  it('continues saved requests on another device', () => {
    const one = driver();
    const state = structuredClone(one.device.save());
    const other = driver(new MemoryDisk(pattern()), false);
    other.device.restore(state);
    expect(other.device.save()).toEqual(state);
    expect(other.request(IN, 1, 512)).toEqual({ completed: 1, status: 0, written: 513 });
    expect(() => other.device.restore({ ...state, queues: [] })).toThrow(TypeError);
  });

  it('does not change the disk below a copy-on-write one', () => {
    const below = pattern();
    const { host, request } = driver(new CopyOnWriteDisk(new MemoryDisk(below)));
    host.ram.fill(0x77, DATA, DATA + 1024);
    expect(request(OUT, 7, 1024).status).toBe(0);
    host.ram.fill(0, DATA, DATA + 0x2000);
    expect(request(IN, 6, 0x1000).status).toBe(0);
    const expected = pattern().slice(6 * 512, 6 * 512 + 0x1000);
    expected.fill(0x77, 512, 512 + 1024);
    expect(Buffer.compare(host.ram.subarray(DATA, DATA + 0x1000), expected)).toBe(0);
    expect(Buffer.compare(below, pattern())).toBe(0);
  });
});
