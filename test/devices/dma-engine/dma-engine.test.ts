// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';

const CTRL = 0x04;
const STATUS = 0x08;
const DONE = 0x24;
const FAULT_ADDR = 0x28;
const RAM = 0x80000000;

function engine() {
  const host = new FakeHost({ ramGpa: RAM, ramSize: 0x200000, streamId: 0x123 });
  const device = new DmaEngine();
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const run = (operation: number, length: number, { src = RAM, dst = RAM, pattern = 0 } = {}) => {
    bus.write64(0x10, BigInt(src));
    bus.write64(0x18, BigInt(dst));
    bus.write32(0x0c, length);
    bus.write32(0x20, pattern);
    bus.write32(CTRL, operation);
    return [bus.read32(STATUS), bus.read32(DONE), Number(bus.read64(FAULT_ADDR))];
  };
  return { host, device, bus, run };
}

/** The engine's calls of its host, without the trace of each operation. */
const asked = ({ log }: FakeHost) =>
  log.filter((line) => line !== 'trace dma' && !line.startsWith('pulse'));

describe('DmaEngine', () => {
  it('shows its identification and the StreamID that its host gave it', () => {
    const { bus } = engine();
    expect([bus.read32(0x00), bus.read32(0x30)]).toEqual([0x31414d44, 0x123]);
  });

  it('copies any number of bytes between any addresses', () => {
    const { host, run } = engine();
    host.ram.set([1, 2, 3, 4, 5, 6, 7], 0x101);
    expect(run(1, 7, { src: RAM + 0x101, dst: RAM + 0x1ffe })).toEqual([1, 7, 0]);
    expect([...host.ram.subarray(0x1ffd, 0x2006)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0]);
  });

  it('fills with a little-endian pattern and verifies it', () => {
    const { host, run } = engine();
    expect(run(2, 0x2004, { dst: RAM + 0x1000, pattern: 0x11223344 })).toEqual([1, 0x2004, 0]);
    expect([...host.ram.subarray(0x3000, 0x3006)]).toEqual([0x44, 0x33, 0x22, 0x11, 0, 0]);
    expect(run(3, 0x2004, { src: RAM + 0x1000, pattern: 0x11223344 })).toEqual([1, 0x2004, 0]);
  });

  it('finds the first byte that differs', () => {
    const { host, run } = engine();
    run(2, 0x2000, { dst: RAM, pattern: 5 });
    host.ram[0x1235] = 9;
    expect(run(3, 0x2000, { src: RAM, pattern: 5 })).toEqual([4, 0x1235, 0]);
  });

  it('ends at a read fault with what was read before it written', () => {
    const { host, run } = engine();
    host.ram.fill(7, 0x1ff800);
    expect(run(1, 0x1000, { src: RAM + 0x1ff800, dst: RAM })).toEqual([2, 0x800, RAM + 0x200000]);
    expect([host.ram[0x7ff], host.ram[0x800]]).toEqual([7, 0]);
  });

  it('ends at a write fault', () => {
    const { run } = engine();
    expect(run(2, 0x2000, { dst: RAM + 0x1ff000, pattern: 1 })).toEqual([
      3,
      0x1000,
      RAM + 0x200000,
    ]);
    expect(run(1, 0x10, { src: RAM, dst: 0 })).toEqual([3, 0, 0]);
  });

  it.each([
    ['zero', 1, 0],
    ['above the limit', 1, 0x100001],
    ['no multiple of 4 for FILL', 2, 6],
    ['no multiple of 4 for VERIFY', 3, 7],
  ])('refuses a length that is %s', (_name, operation, length) => {
    const { host, run } = engine();
    expect(run(operation, length)).toEqual([6, 0, 0]);
    expect(asked(host)).toEqual([]);
  });

  it('refuses an unknown operation', () => {
    expect(engine().run(5, 16)).toEqual([5, 0, 0]);
  });

  it('hints at what a copy would access, and accesses nothing', () => {
    const { bus, host, run } = engine();
    bus.write32(0x3c, 0xc0000005);
    expect(run(4, 7, { src: RAM + 0x101, dst: RAM + 0x1ffe })).toEqual([1, 7, 0]);
    expect(asked(host)).toEqual([
      'dma hint read 0x80000101 7 pasid 5 privileged',
      'dma hint write 0x80001ffe 7 pasid 5 privileged',
    ]);
    expect(run(4, 0)).toEqual([6, 0, 0]);
    expect(run(4, 0x100001)).toEqual([6, 0, 0]);
  });

  it('sends no hint for an address that its port cannot express, or to a host without hints', () => {
    const { host, run } = engine();
    expect(run(4, 16, { dst: 2 ** 53 - 8 })).toEqual([1, 16, 0]);
    expect(asked(host)).toEqual(['dma hint read 0x80000000 16']);
    const without = new FakeHost();
    const { hint: _, ...port } = without.dmaPort();
    without.dmaPort = () => port;
    const device = new DmaEngine();
    device.attach(without);
    device.reset();
    const bus = new DeviceBus(device);
    bus.write32(0x0c, 16);
    bus.write32(CTRL, 4);
    expect(bus.read32(STATUS)).toBe(1);
  });

  it('writes atomically when its register requests it, which no host supports', () => {
    const { bus, host, run } = engine();
    bus.write32(0x3c, 0x10000000);
    expect(run(2, 4, { pattern: 5 })).toEqual([3, 0, RAM]);
    expect(run(3, 4)).toEqual([1, 4, 0]);
    expect(asked(host)).toEqual([
      'dma write 0x80000000 0 fault atomic',
      'dma read 0x80000000 4 ok atomic',
    ]);
    expect(host.ram[0]).toBe(0);
  });

  it.each([
    ['copy', 1, 2],
    ['fill', 2, 1],
    ['verify', 3, 1],
  ])(
    'does 32 KiB of a long %s in a turn, and the rest in its later ones',
    (_name, op, accesses) => {
      const { bus, host, run } = engine();
      bus.write32(0x34, 1);
      expect(run(op, 0x100000, { src: RAM, dst: RAM + 0x100000 })).toEqual([8, 0x8000, 0]);
      for (let turn = 2; turn <= 32; turn++) {
        expect([bus.read32(STATUS), asked(host).length, host.pulses(0)]).toEqual([
          8,
          (turn - 1) * accesses,
          0,
        ]);
        host.poll();
        expect(bus.read32(DONE)).toBe(turn * 0x8000);
      }
      expect([bus.read32(STATUS), asked(host).length, host.pulses(0)]).toEqual([
        1,
        32 * accesses,
        1,
      ]);
      // Reported once, at its end.
      expect(host.log.filter((line) => line === 'trace dma').length).toBe(1);
    },
  );

  it('finds a difference in a later turn, and continues after a restored state', () => {
    const { host, device, bus, run } = engine();
    host.ram[0x12345] = 1;
    expect(run(3, 0x20000)).toEqual([8, 0x8000, 0]);
    const saved = JSON.parse(JSON.stringify(device.save()));
    run(0, 0);
    device.restore(saved);
    expect(bus.read32(STATUS)).toBe(8);
    host.poll();
    host.poll();
    expect([bus.read32(STATUS), bus.read32(DONE)]).toEqual([4, 0x12345]);
  });

  it('faults on an address that the port cannot express', () => {
    const { bus, host } = engine();
    bus.write64(0x18, 0xffff_ffff_ffff_f000n);
    bus.write32(0x0c, 16);
    bus.write32(CTRL, 2);
    expect([bus.read32(STATUS), asked(host)]).toEqual([3, []]);
  });

  it('pulses its interrupt at the end of an operation when that is enabled', () => {
    const { bus, host, run } = engine();
    run(2, 4);
    expect(host.pulses(0)).toBe(0);
    bus.write32(0x34, 0xffffffff);
    expect(bus.read32(0x34)).toBe(1);
    run(2, 4);
    run(9, 4);
    run(0, 4);
    expect(host.pulses(0)).toBe(2);
  });

  it('starts once on a 64-bit write that covers CTRL', () => {
    const { bus, host } = engine();
    bus.write64(0x18, BigInt(RAM));
    bus.write32(0x0c, 4);
    bus.write64(0x00, 2n << 32n);
    expect([bus.read32(STATUS), asked(host).length]).toEqual([1, 1]);
  });
});
