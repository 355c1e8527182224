// SPDX-License-Identifier: MIT
// virtio over MMIO by the legacy interface (virtio 1.2, section 4.2.4), driven by a small
// driver: literal offsets.

import { describe, expect, it } from 'vitest';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  type VirtioFunction,
  VirtioMmio,
  VirtioNet,
} from '../../../devices/virtio/index.ts';

const [INPUT, OUTPUT] = [0, 1];
const PAGE = 0x1000;
/**
 * Queue n has its descriptors and available ring in page 4n, followed by its used ring.
 */
const pageOf = (queue: number) => 4 * queue + 4;
const TEXT = 0x2000;

function console() {
  const output: string[] = [];
  const host = new FakeHost();
  const back = new VirtioConsole((bytes) => output.push(new TextDecoder().decode(bytes)));
  const device = new VirtioMmio('console', back, { legacy: true });
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const view = new DataView(host.ram.buffer, host.ram.byteOffset, host.ram.length);
  const place = (queue: number, size = 128, align = PAGE) => {
    bus.write32(0x30, queue);
    bus.write32(0x38, size);
    bus.write32(0x3c, align);
    bus.write32(0x40, host.ramGpa / PAGE + pageOf(queue));
  };
  /** Makes a buffer of a queue available, and notifies the device. */
  const offer = (queue: number, data: string | number, size = 128) => {
    const at = pageOf(queue) * PAGE;
    const isRoom = typeof data === 'number';
    if (!isRoom) host.ram.set(new TextEncoder().encode(data), TEXT);
    view.setBigUint64(at, BigInt(host.ramGpa + TEXT), true);
    view.setUint32(at + 8, isRoom ? data : data.length, true);
    view.setUint16(at + 12, isRoom ? 2 : 0, true);
    const available = at + 16 * size;
    const index = view.getUint16(available + 2, true);
    view.setUint16(available + 4 + 2 * (index % size), 0, true);
    view.setUint16(available + 2, index + 1, true);
    bus.write32(0x50, queue);
    host.poll();
  };
  const usedIndex = (queue: number, at = PAGE) =>
    view.getUint16(pageOf(queue) * PAGE + at + 2, true);
  return { host, device, back, bus, output, place, offer, usedIndex };
}

describe('virtio by the legacy interface', () => {
  it('is version 1, with 32 features of which none is of version 1', () => {
    const { bus } = console();
    expect([0, 4, 8].map((register) => bus.read32(register))).toEqual([0x74726976, 1, 3]);
    bus.write32(0x14, 0);
    expect(bus.read32(0x10)).toBe(0x10000000);
    bus.write32(0x14, 1);
    expect(bus.read32(0x10)).toBe(0);
    expect(bus.read32(0x34)).toBe(128);
  });

  it('prints for a driver that neither sets a status nor reads features', () => {
    const { bus, output, place, offer, usedIndex } = console();
    place(INPUT);
    place(OUTPUT);
    expect(bus.read32(0x40)).toBeGreaterThan(0);
    offer(OUTPUT, '0q');
    expect([output, usedIndex(OUTPUT)]).toEqual([['0q'], 1]);
    offer(OUTPUT, 'more');
    expect([output, usedIndex(OUTPUT)]).toEqual([['0q', 'more'], 2]);
    expect(bus.read32(0x60)).toBe(1);
  });

  it('places the used ring according to the alignment', () => {
    const { output, place, offer, usedIndex } = console();
    // 4 descriptors are 0x40 bytes, the available ring ends at 0x4e.
    place(OUTPUT, 4, 0x20);
    offer(OUTPUT, 'text', 4);
    expect([output, usedIndex(OUTPUT, 0x60)]).toEqual([['text'], 1]);
  });

  it('accepts pages of another size', () => {
    const { bus, host, output, offer, usedIndex } = console();
    bus.write32(0x28, 0x100);
    bus.write32(0x30, OUTPUT);
    bus.write32(0x38, 128);
    bus.write32(0x40, host.ramGpa / 0x100 + pageOf(OUTPUT) * 0x10);
    offer(OUTPUT, 'text');
    expect([output, usedIndex(OUTPUT)]).toEqual([['text'], 1]);
  });

  it('fills a buffer with input', () => {
    const { back, host, place, offer, usedIndex } = console();
    place(INPUT);
    offer(INPUT, 8);
    expect(usedIndex(INPUT)).toBe(0);
    back.receive(new TextEncoder().encode('abc'));
    host.poll();
    expect(usedIndex(INPUT)).toBe(1);
    expect(new TextDecoder().decode(host.ram.slice(TEXT, TEXT + 3))).toBe('abc');
  });

  it('has no queue any more at page 0, after a reset, and for an index without one', () => {
    const { bus, output, place, offer } = console();
    place(OUTPUT);
    bus.write32(0x40, 0);
    offer(OUTPUT, 'one');
    place(OUTPUT);
    bus.write32(0x70, 0);
    expect(bus.read32(0x40)).toBe(0);
    offer(OUTPUT, 'two');
    bus.write32(0x30, 7);
    bus.write32(0x3c, PAGE);
    bus.write32(0x40, 5);
    expect([bus.read32(0x40), output]).toEqual([0, []]);
  });

  it('keeps the registers of version 2 to itself', () => {
    const { bus } = console();
    for (const register of [0x44, 0x80, 0x84, 0x90, 0xa0]) bus.write32(register, 1);
    expect([0x44, 0xb0, 0xb4, 0xfc].map((register) => bus.read32(register))).toEqual([0, 0, 0, 0]);
  });

  it('continues where it was saved, and refuses another device’s state', () => {
    const one = console();
    one.bus.write32(0x28, 0x2000);
    one.bus.write32(0x30, OUTPUT);
    one.bus.write32(0x3c, 0x40);
    const saved = structuredClone(one.device.save()) as {
      legacy: { pageSize: number; alignments: number[] };
    };
    one.device.reset();
    expect(one.device.save()).not.toEqual(saved);
    one.device.restore(saved);
    expect(one.device.save()).toEqual(saved);
    for (const pageSize of [0, 3, 0x180000000]) {
      const wrong = structuredClone(saved);
      wrong.legacy.pageSize = pageSize;
      expect(() => one.device.restore(wrong)).toThrow(TypeError);
    }
    expect(one.device.save()).toEqual(saved);
  });

  it('needs a reset, and throws nothing, where its queue is not in memory', () => {
    const { bus, host, output } = console();
    for (const page of [0xffffffff, 6]) {
      bus.write32(0x70, 0);
      bus.write32(0x28, 0x80000000);
      bus.write32(0x30, OUTPUT);
      bus.write32(0x3c, 0x80000000);
      bus.write32(0x40, page);
      bus.write32(0x50, OUTPUT);
      host.poll();
      expect(bus.read32(0x70)).toBe(0x40);
    }
    bus.write32(0x28, 3);
    expect(output).toEqual([]);
  });
});

describe('the legacy interface of a function', () => {
  const legacy = (device: VirtioFunction) => new VirtioMmio('one', device, { legacy: true });
  const own = (supportsLegacy?: boolean): VirtioFunction => ({
    ...{ deviceId: 40, features: 0n, queueSizes: [8], config: new Uint8Array() },
    ...{ begin: () => () => 0, ...(supportsLegacy !== undefined && { supportsLegacy }) },
  });

  it.each<[string, VirtioFunction]>([
    // Without VIRTIO_NET_F_MRG_RXBUF, a frame's legacy header has 10 bytes instead of 12.
    ['a network device', new VirtioNet()],
    ['one that says nothing about it', own()],
    ['one that says no', own(false)],
  ])('is refused for %s, which has that of version 2', (_what, device) => {
    expect(() => legacy(device)).toThrow(
      new TypeError('VirtioMmio: the device does not support the legacy interface'),
    );
    expect(() => new VirtioMmio('one', device)).not.toThrow();
  });

  it.each<[string, VirtioFunction]>([
    ['a disk', new VirtioBlock(new MemoryDisk(new Uint8Array(512)), 'disk')],
    ['a console', new VirtioConsole(() => undefined)],
    ['an entropy source', new VirtioEntropy((target) => target.fill(0x11))],
    ['one that says that it has it', own(true)],
  ])('is there for %s', (_what, device) => {
    expect(() => legacy(device)).not.toThrow();
  });

  it('is a flag', () => {
    expect(() => new VirtioMmio('one', own('yes' as unknown as boolean))).toThrow(
      /supportsLegacy of the device must be/,
    );
  });
});
