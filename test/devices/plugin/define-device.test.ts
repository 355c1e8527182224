import { describe, expect, it } from 'vitest';
import { defineDevice, type RegisterValues } from '../../../devices/plugin/index.ts';
import { DeviceBus, deviceContract, FakeHost } from '../../../devices/testing/index.ts';
import { device as adder } from '../../../docs/examples/adder-device.mjs';

/** Counts its reads, and interrupts when LIMIT is written. */
const counter = () =>
  defineDevice({
    name: 'counter',
    kind: 'cntr',
    interrupts: 1,
    registers: {
      COUNT: { offset: 0x0, read: ({ COUNT = 0 }) => COUNT + 1 },
      LIMIT: {
        offset: 0x8,
        reset: 10,
        writable: 0xff,
        write: (values: RegisterValues, { interruptLine }) => {
          values.COUNT = 0xffff_ffff;
          interruptLine(0).pulse();
        },
      },
    },
  });

function attached() {
  const host = new FakeHost();
  const device = counter();
  device.attach(host);
  device.reset();
  return { host, device, bus: new DeviceBus(device) };
}

describe('a described device', () => {
  it('answers reads by its functions, and takes over writable bits before it hears of a write', () => {
    const { bus, host } = attached();
    expect([bus.read32(0), bus.read32(0), bus.read32(4), bus.read32(8)]).toEqual([1, 2, 0, 10]);
    bus.write32(8, 0x123);
    expect(bus.read32(8)).toBe(0x23);
    expect(host.log).toContain('pulse 0');
    expect(bus.read32(0)).toBe(0);
  });

  it('has a kind, names its registers, and takes no other accesses than 32-bit ones', () => {
    const { device, bus } = attached();
    expect(device.identity).toEqual({ kind: 0x72746e63, interrupts: 1, busMaster: false });
    expect([device.registerName(0, 8), device.registerName(0, 0x10)]).toEqual([
      'LIMIT',
      'counter+0x10',
    ]);
    expect(bus.read(0, 8, 1)).toEqual({ lo: 0, hi: 0 });
  });

  it('takes narrow accesses when its description says so, byte by byte of the register', () => {
    const seen: (number | undefined)[] = [];
    const device = defineDevice({
      name: 'narrow',
      kind: 'nrrw',
      accessSizes: [1, 2, 4],
      registers: {
        DATA: {
          offset: 0x4,
          reset: 0x44332211,
          writable: 0x00ffffff,
          read: ({ DATA = 0 }) => DATA,
          write: ({ DATA }) => seen.push(DATA),
        },
      },
    });
    device.attach(new FakeHost());
    device.reset();
    const bus = new DeviceBus(device);
    const table: [number, 1 | 2 | 4, number][] = [
      [4, 4, 0x44332211],
      [4, 2, 0x2211],
      [6, 2, 0x4433],
      [4, 1, 0x11],
      [5, 1, 0x22],
      [6, 1, 0x33],
      [7, 1, 0x44],
      [8, 1, 0],
    ];
    expect(table.map(([offset, size]) => [offset, size, bus.read(0, offset, size).lo])).toEqual(
      table,
    );
    bus.write(0, 5, 1, 0xaa);
    bus.write(0, 6, 2, 0xbbcc);
    bus.write(0, 7, 1, 0xff);
    // Bits [31:24] are not writable; each write is heard of with the whole register.
    expect(seen).toEqual([0x4433aa11, 0x44ccaa11, 0x44ccaa11]);
    expect(bus.read(0, 4, 8)).toEqual({ lo: 0, hi: 0 });
  });

  it('refuses a description that is wrong', () => {
    const describe = (kind: string, offset: number) => () =>
      defineDevice({ name: 'x', kind, registers: { A: { offset: 0 }, B: { offset } } });
    expect(describe('four', 4)().name).toBe('x');
    expect(describe('three', 4)).toThrow('kind of x is four ASCII characters, not "three"');
    expect(describe('four', 0)).toThrow('registers A and B overlap');
    expect(describe('four', 0x1000)).toThrow('register B lies outside its region');
  });

  it('takes no register that it does not have', () => {
    const values: RegisterValues[] = [];
    const device = defineDevice({
      name: 'x',
      kind: 'xxxx',
      registers: { A: { offset: 0, read: (all) => values.push(all) } },
    });
    device.attach(new FakeHost());
    new DeviceBus(device).read32(0);
    expect(() => Object.assign(values[0] ?? {}, { B: 1 })).toThrow(TypeError);
  });

  it.each(deviceContract(counter, { operations: 200, seeds: [1] }))(
    'keeps the contract: $name',
    ({ run }) => run(),
  );
  it.each(deviceContract(adder, { operations: 200, seeds: [1] }))(
    'the adder of the documentation keeps it too: $name',
    ({ run }) => run(),
  );
});
