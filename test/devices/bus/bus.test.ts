import { describe, expect, it } from 'vitest';
import { Bus } from '../../../devices/bus/index.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

function busWith(...devices: [ScratchDevice, number][]): Bus {
  return new Bus(devices.map(([device, address]) => ({ device, region: 0, address })));
}

describe('bus', () => {
  it('finds the region of an address, whatever came before', () => {
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

  it('refuses regions that overlap', () => {
    expect(() =>
      busWith(
        [new ScratchDevice({ name: 'a' }), 0x1000],
        [new ScratchDevice({ name: 'b' }), 0x1800],
      ),
    ).toThrow(/a and b overlap at 0x1800/);
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
