// SPDX-License-Identifier: MIT
// Console, entropy and network with a driver's buffers (virtio 1.2, sections 5.3, 5.4,
// 5.1).

import { describe, expect, it } from 'vitest';
import { VirtioConsole, VirtioEntropy, VirtioNet } from '../../../devices/virtio/index.ts';
import { type Buffer, VirtioDriver } from '../../support/virtio-driver.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array = new Uint8Array()) => new TextDecoder().decode(bytes);

describe('a virtio console', () => {
  function console() {
    const output: string[] = [];
    const device = new VirtioConsole((bytes) => output.push(textOf(bytes)));
    return { output, device, driver: new VirtioDriver(device) };
  }

  it('has ID 3 and no device features', () => {
    const { driver } = console();
    expect(driver.bus.read32(0x08)).toBe(3);
    driver.bus.write32(0x14, 0);
    expect(driver.bus.read32(0x10)).toBe(0x10000000);
  });

  it("prints the guest's output, in turns when it is long", () => {
    const { output, driver } = console();
    driver.offer(1, bytesOf('hello '), bytesOf('world'));
    expect([output, driver.used(1)?.written]).toEqual([['hello world'], 0]);
    driver.offer(1, new Uint8Array(0x1800).fill(0x61));
    driver.host.poll();
    expect(output.slice(1).map((text) => text.length)).toEqual([0x1000, 0x800]);
  });

  it('prints the rest of a request, and nothing twice, when it is saved in its middle', () => {
    const { output, driver } = console();
    const text = Array.from({ length: 0x3210 }, (_, i) => String.fromCharCode(97 + (i % 23))).join(
      '',
    );
    driver.offer(1, bytesOf(text.slice(0, 0x1801)), bytesOf(text.slice(0x1801)));
    for (let turn = 0; turn < 4; turn++) {
      // A part of it, but not all, is printed before it is saved for the first time.
      if (turn === 0) expect([1, 2]).toContain(output.length);
      driver.device.restore(structuredClone(driver.device.save()));
      driver.host.poll();
    }
    expect(output.join('') === text).toBe(true);
    expect(driver.used(1)?.written).toBe(0);
    // The next request starts at its own beginning.
    driver.offer(1, bytesOf('next'));
    expect(output.at(-1)).toBe('next');
  });

  it('ignores the excess of a state that claims more than there is', () => {
    const { output, driver } = console();
    driver.offer(1, new Uint8Array(0x3800));
    const printed = output.length;
    const state = structuredClone(driver.device.save()) as { queues: { done: number }[] };
    for (const done of [0x3800, 0xffffffff]) {
      for (const queue of state.queues) queue.done = done;
      driver.device.restore(structuredClone(state));
      driver.host.poll();
    }
    expect([1, 2]).toContain(printed);
    expect(output).toHaveLength(printed);
    for (const queue of state.queues) queue.done = -1;
    expect(() => driver.device.restore(structuredClone(state))).toThrow(TypeError);
  });

  it('keeps a buffer for input until there is some', () => {
    const { device, driver } = console();
    driver.offer(0, 4);
    expect(driver.used(0)).toBeUndefined();
    device.receive(bytesOf('abcdef'));
    driver.host.poll();
    expect(textOf(driver.used(0)?.bytes)).toBe('abcd');
    driver.offer(0, 4);
    expect(textOf(driver.used(0)?.bytes)).toBe('ef');
    driver.offer(0, 4);
    expect(driver.used(0)).toBeUndefined();
  });

  it('keeps 64 KiB of unread input, and what the IOMMU has stalled', () => {
    const { device, driver } = console();
    device.receive(new Uint8Array(0x10001).fill(1));
    const end = driver.host.ramGpa + 0x4000;
    driver.host.stalls = (iova) => iova >= driver.host.ramGpa + 0x3000 && iova < end;
    driver.offer(0, 0x1000);
    expect(driver.used(0)).toBeUndefined();
    driver.host.stalls = () => false;
    let taken = 0;
    for (let i = 0; i < 20; i++) {
      driver.host.poll();
      const used = driver.used(0);
      if (!used) break;
      taken += used.written;
      driver.offer(0, 0x1000);
    }
    expect(taken).toBe(0x10000);
  });
});

describe('a request that has ended while the IOMMU stalls an access to the used ring', () => {
  /** @param queue whose used ring is inaccessible for a while. */
  function held(driver: VirtioDriver, queue: number, ...buffers: Buffer[]) {
    const ring = driver.host.ramGpa + (8 * queue + 2) * 0x1000;
    driver.host.stalls = (iova) => iova >= ring && iova < ring + 0x1000;
    driver.offer(queue, ...buffers);
    for (let i = 0; i < 3; i++) driver.host.poll();
    expect(driver.used(queue)).toBeUndefined();
    driver.host.stalls = () => false;
    driver.host.poll();
    return driver.used(queue);
  }

  it('sends its frame once', () => {
    const frames: number[] = [];
    const driver = new VirtioDriver(
      new VirtioNet({ onFrame: ({ length }) => frames.push(length) }),
    );
    expect([held(driver, 1, new Uint8Array(12 + 60))?.written, frames]).toEqual([0, [60]]);
  });

  it('sends its frame once when it is saved in the meantime', () => {
    const frames: number[] = [];
    const driver = new VirtioDriver(
      new VirtioNet({ onFrame: ({ length }) => frames.push(length) }),
    );
    const ring = driver.host.ramGpa + 10 * 0x1000;
    driver.host.stalls = (iova) => iova >= ring && iova < ring + 0x1000;
    driver.offer(1, new Uint8Array(12 + 60));
    driver.device.restore(structuredClone(driver.device.save()));
    driver.host.stalls = () => false;
    driver.host.poll();
    expect([driver.used(1)?.written, frames]).toEqual([0, [60]]);
    driver.offer(1, new Uint8Array(12 + 50));
    expect(frames).toEqual([60, 50]);
  });

  it('has its frame, and the next one is the next', () => {
    const device = new VirtioNet({ onFrame: () => undefined });
    const driver = new VirtioDriver(device);
    for (const length of [20, 30, 40]) device.receive(new Uint8Array(length));
    expect(held(driver, 0, 100)?.written).toBe(32);
    driver.offer(0, 100);
    expect(driver.used(0)?.written).toBe(42);
  });

  it('has its input, and loses none', () => {
    const device = new VirtioConsole(() => undefined);
    const driver = new VirtioDriver(device);
    device.receive(bytesOf('abcdef'));
    expect(textOf(held(driver, 0, 2)?.bytes)).toBe('ab');
    driver.offer(0, 4);
    expect(textOf(driver.used(0)?.bytes)).toBe('cdef');
  });
});

describe('a virtio entropy device', () => {
  it('fills buffers, 4 KiB of them at most', () => {
    const driver = new VirtioDriver(new VirtioEntropy((target) => target.fill(0x5a)));
    expect([driver.bus.read32(0x08), driver.bus.read32(0x34)]).toEqual([4, 64]);
    driver.offer(0, 3);
    expect(driver.used(0)).toEqual({ written: 3, bytes: Uint8Array.of(0x5a, 0x5a, 0x5a) });
    driver.offer(0, 0x1001);
    expect(driver.used(0)?.written).toBe(0x1000);
  });

  it('uses random bytes of the system by default', () => {
    const driver = new VirtioDriver(new VirtioEntropy());
    driver.offer(0, 64);
    expect(new Set(driver.used(0)?.bytes).size).toBeGreaterThan(16);
  });
});

describe('a virtio network device', () => {
  const HEADER = new Uint8Array(12);
  const frame = (length: number) => Uint8Array.from({ length }, (_, i) => i + 1);

  it('has a MAC address, and its link is up', () => {
    const { bus } = new VirtioDriver(new VirtioNet({ mac: [2, 3, 4, 5, 6, 7] }));
    bus.write32(0x14, 0);
    expect([bus.read32(0x08), bus.read32(0x10)]).toEqual([1, 0x10010020]);
    expect([bus.read32(0x100), bus.read32(0x104)]).toEqual([0x05040302, 0x00010706]);
    expect(() => new VirtioNet({ mac: [1, 2, 3] })).toThrow(RangeError);
    expect(() => new VirtioNet({ mac: [1, 2, 3, 4, 5, 256] })).toThrow(RangeError);
  });

  it('returns sent frames to its guest, after a header that names one buffer', () => {
    const driver = new VirtioDriver(new VirtioNet());
    driver.offer(0, 64);
    expect(driver.used(0)).toBeUndefined();
    driver.offer(1, HEADER, frame(20));
    driver.host.poll();
    expect(driver.used(1)?.written).toBe(0);
    const { written = 0, bytes = HEADER } = driver.used(0) ?? {};
    expect(written).toBe(32);
    expect([...bytes.subarray(0, 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    expect(bytes.subarray(12)).toEqual(frame(20));
  });

  it('passes frames to its user, and accepts frames from the user', () => {
    const sent: Uint8Array[] = [];
    const net = new VirtioNet({ onFrame: (bytes) => sent.push(bytes) });
    const driver = new VirtioDriver(net);
    driver.offer(1, HEADER, frame(60));
    expect(sent).toEqual([frame(60)]);
    net.receive(frame(1518));
    net.receive(frame(1519));
    driver.offer(0, 0x1000);
    expect(driver.used(0)?.written).toBe(1530);
    driver.offer(0, 0x1000);
    expect(driver.used(0)).toBeUndefined();
  });

  it('sends no invalid frame, and drops a frame for which a buffer has no room', () => {
    const sent: Uint8Array[] = [];
    const net = new VirtioNet({ onFrame: (bytes) => sent.push(bytes) });
    const driver = new VirtioDriver(net);
    for (const length of [0, 1519]) {
      driver.offer(1, HEADER, frame(length));
      expect([sent.length, driver.used(1)?.written]).toEqual([0, 0]);
    }
    net.receive(frame(100));
    driver.offer(0, 64);
    expect(driver.used(0)?.written).toBe(0);
  });

  it('keeps 256 frames for a guest that is slow', () => {
    const net = new VirtioNet();
    const driver = new VirtioDriver(net);
    for (let i = 0; i < 300; i++) net.receive(frame(14));
    let count = 0;
    for (driver.offer(0, 64); driver.used(0); driver.offer(0, 64)) count++;
    expect(count).toBe(256);
  });
});
