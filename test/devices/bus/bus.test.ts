// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { Bus } from '../../../devices/bus/index.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

function busWith(...devices: [ScratchDevice, number][]): Bus {
  return new Bus(devices.map(([device, address]) => ({ device, region: 0, address })));
}

describe('bus', () => {
  it('finds the region of an address, regardless of earlier lookups', () => {
    const devices = Array.from({ length: 7 }, (_, i) => new ScratchDevice({ name: `d${i}` }));
    const bus = busWith(
      ...devices.map((device, i): [ScratchDevice, number] => [
        device,
        0x1000 * (2 * ((5 * i) % 7)),
      ]),
    );
    for (let round = 0; round < 50; round++) {
      const i = (round * 11) % 7;
      const address = 0x1000 * (2 * ((5 * i) % 7)) + 0x10;
      expect(bus.read(address, 4)).toBe(0x80000010);
      expect(devices[i]?.accesses.at(-1)).toMatchObject({ offset: 0x10, size: 4, region: 0 });
      expect(bus.read(address + 0x1000, 4)).toBe(0);
    }
    expect(bus.statistics.unmappedReads).toBe(50);
  });

  it('reports whether a device covers an address, without an access', () => {
    const device = new ScratchDevice();
    const bus = busWith([device, 0x1000]);
    const mapped = [0xfff, 0x1000, 0x1fff, 0x2000, 2 ** 40].map((at) => bus.isMapped(at));
    expect(mapped).toEqual([false, true, true, false, false]);
    expect([device.accesses, bus.statistics.unmappedReads]).toEqual([[], 0]);
  });

  it('hands over values and vCPU, in 32 and 64 bits', () => {
    const device = new ScratchDevice();
    const bus = busWith([device, 0x9000_0000]);
    bus.write(0x9000_0008, 8, -1, 0x1_2345_6789 % 2 ** 32, 3);
    expect(device.accesses[0]).toEqual({
      region: 0,
      offset: 8,
      size: 8,
      lo: 0xffffffff,
      hi: 0x23456789,
      vcpu: 3,
    });
    expect(bus.read(0x9000_0ff8, 8)).toBe(0x80000ff8);
    expect(bus.high).toBe(0xffffffff);
    bus.read(0, 4);
    expect(bus.high).toBe(0);
  });

  it('answers accesses of a wrong size, alignment or range itself', () => {
    const device = new ScratchDevice();
    const bus = busWith([device, 0x1000]);
    expect(bus.read(0x1000, 2)).toBe(0);
    expect(bus.read(0x1002, 4)).toBe(0);
    expect(bus.read(0x1004, 8)).toBe(0);
    bus.write(0x1ffe, 4, 1);
    expect(device.accesses).toEqual([]);
    expect(bus.statistics).toEqual({ unmappedReads: 0, unmappedWrites: 0, refused: 4 });
    bus.write(0x2000, 4, 1);
    bus.write(0xfff, 1, 1);
    expect(bus.statistics.unmappedWrites).toBe(2);
  });

  it('passes narrow accesses on with only the bits of their size, in both directions', () => {
    const device = new ScratchDevice({
      accessSizes: [1, 2, 4, 8],
      onRead: (access) => {
        access.lo = 0xdeadbeef;
        access.hi = 0xcafef00d;
      },
    });
    const bus = busWith([device, 0x1000]);
    const table: [size: 1 | 2 | 4 | 8, offset: number, lo: number, hi: number][] = [
      [1, 0x3, 0xef, 0],
      [2, 0x6, 0xbeef, 0],
      [4, 0x8, 0xdeadbeef, 0],
      [8, 0x10, 0xdeadbeef, 0xcafef00d],
    ];
    for (const [size, offset, lo, hi] of table) {
      expect([bus.read(0x1000 + offset, size), bus.high]).toEqual([lo, hi]);
      bus.write(0x1000 + offset, size, 0xdeadbeef, 0xcafef00d, 2);
      expect(device.accesses.at(-1)).toEqual({ region: 0, offset, size, lo, hi, vcpu: 2 });
    }
    const { length } = device.accesses;
    for (const [size, offset] of [
      [2, 0x1],
      [2, 0x3],
      [4, 0x2],
      [8, 0x4],
      [2, 0xfff],
    ] as const) {
      expect(bus.read(0x1000 + offset, size)).toBe(0);
      bus.write(0x1000 + offset, size, 1);
    }
    expect([device.accesses.length, bus.statistics.refused]).toEqual([length, 10]);
  });

  it('hands over no access of a size that no device has', () => {
    const device = new ScratchDevice({ accessSizes: [1, 2, 4, 8] });
    const bus = busWith([device, 0x1000]);
    const read = (size: number) => Reflect.apply(bus.read, bus, [0x1000, size]);
    const write = (size: number) => Reflect.apply(bus.write, bus, [0x1000, size, 1]);
    for (const size of [3, 5, 6, 7]) {
      expect(read(size)).toBe(0);
      write(size);
    }
    for (const size of [1.5, 9, -1, 2 ** 32 + 1])
      for (const access of [read, write]) expect(() => access(size)).toThrow(/^Bus: size must be/);
    expect([device.accesses, bus.statistics.refused]).toEqual([[], 8]);
  });

  it('has 32-bit addresses', () => {
    const end = busWith([new ScratchDevice(), 0xfffff000]);
    expect(end.read(0xfffffffc, 4)).toBe(0x80000ffc);
    for (const address of [0xfffff004, 2 ** 32, -0x1000, 0.5, Number.NaN])
      expect(() => busWith([new ScratchDevice(), address])).toThrow(
        /below 4 GiB|address must be an integer/,
      );
  });

  it('refuses regions that overlap', () => {
    expect(() =>
      busWith(
        [new ScratchDevice({ name: 'a' }), 0x1000],
        [new ScratchDevice({ name: 'b' }), 0x1800],
      ),
    ).toThrow('a (0x1000 to 0x1fff) overlaps b (0x1800 to 0x27ff)');
    expect(() => new Bus([{ device: new ScratchDevice(), region: 1, address: 0 }])).toThrow(
      RangeError,
    );
  });

  it('names the device that throws', () => {
    const broken = new ScratchDevice({
      name: 'broken',
      onRead: () => {
        throw new TypeError('no such field');
      },
      onWrite: () => {
        throw new MachineError('inner', 'first cause');
      },
    });
    const bus = busWith([broken, 0]);
    expect(() => bus.read(0, 4)).toThrow(
      expect.objectContaining({
        name: 'MachineError',
        component: 'broken',
        message: 'broken: no such field',
      }),
    );
    expect(() => bus.write(0, 4, 0)).toThrow(expect.objectContaining({ component: 'inner' }));
  });
});
