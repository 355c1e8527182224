// SPDX-License-Identifier: MIT
// I/O space of a PCIe host bridge, and the test device with a BAR there: literal offsets
// and bits.

import { describe, expect, it } from 'vitest';
import { PcieHost, PcieRootPort, PcieTestDevice } from '../../../devices/pcie/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { ecam, resetAll, WordEndpoint } from '../../support/pcie-function.ts';

const WINDOW = { gpa: 0x10000000, size: 0x100000 };
const IO = { gpa: 0x20000000, size: 0x10000 };
const [ECAM, MEMORY, PORTS] = [0, 1, 2];

function machine() {
  const device = new PcieTestDevice('test');
  const behind = new PcieTestDevice('behind');
  const port = new PcieRootPort('port', [behind]);
  const word = new WordEndpoint();
  const bridge = new PcieHost({
    buses: 2,
    window: WINDOW,
    io: IO,
    functions: [
      { device: 3, plugged: device },
      { device: 4, plugged: word },
      { device: 5, plugged: port },
    ],
  });
  const host = new FakeHost();
  for (const one of [device, word, behind]) one.attach(host);
  bridge.attach(host);
  resetAll(bridge);
  const bus = new DeviceBus(bridge);
  const config = (register: number, value?: number, number = 3) => {
    const at = ecam(0, number, register);
    if (value !== undefined) bus.write(ECAM, at, 4, value);
    return bus.read(ECAM, at, 4).lo;
  };
  return { bridge, bus, config, device };
}

/** A driver's use of one test: its name, and how many of `stores` were counted. */
function runTest(bus: DeviceBus, region: number, at: number, test: number, stores: number) {
  bus.write(region, at, 1, test);
  const width = bus.read(region, at + 1, 1).lo;
  if (width !== 1 && width !== 2 && width !== 4) return undefined;
  const offset = bus.read(region, at + 4, 4).lo;
  const data = bus.read(region, at + 8, 4).lo % 2 ** (8 * width);
  for (let i = 0; i < stores; i++) bus.write(region, at + offset, width, data);
  let name = '';
  for (let i = 0x10; bus.read(region, at + i, 1).lo !== 0; i++)
    name += String.fromCharCode(bus.read(region, at + i, 1).lo);
  return { name, width, offset, data, count: bus.read(region, at + 0xc, 4).lo };
}

describe('a BAR in I/O space', () => {
  it('identifies itself, states its size, and has 256 bytes', () => {
    const { config } = machine();
    expect(config(0x14)).toBe(1);
    expect(config(0x14, 0xffffffff)).toBe(0xffffff01);
    expect(config(0x14, 0x1234)).toBe(0x1201);
  });

  it('is decoded while the command register enables it, at the address in its BAR', () => {
    const { bus, config } = machine();
    const test = (at: number) => {
      bus.write(PORTS, at, 1, 0);
      return bus.read(PORTS, at + 1, 1).lo;
    };
    config(0x14, 0x2000);
    expect(test(0x2000)).toBe(0xff);
    config(4, 2);
    expect(test(0x2000)).toBe(0xff);
    config(4, 1);
    expect(config(4) & 3).toBe(1);
    expect([test(0x2000), test(0x2100)]).toEqual([1, 0xff]);
    config(0x14, 0x3000);
    expect([test(0x2000), test(0x3000)]).toEqual([0xff, 1]);
    // The same address in memory space is another one.
    expect(bus.read(MEMORY, 0x3000, 4).lo).toBe(0xffffffff);
  });

  it('does not exist for functions without one, nor in their command register', () => {
    const { config } = machine();
    expect(config(4, 3, 4) & 3).toBe(2);
  });

  it('is not accessible below a root port, which has no I/O space', () => {
    const { bus, config } = machine();
    config(0x18, 0x010100, 5);
    config(4, 7, 5);
    const at = ecam(1, 0, 0);
    expect(bus.read(ECAM, at, 4).lo).toBe(0x00051b36);
    bus.write(ECAM, at + 0x14, 4, 0x4000);
    bus.write(ECAM, at + 4, 4, 3);
    bus.write(PORTS, 0x4000, 1, 0);
    expect(bus.read(PORTS, 0x4001, 1).lo).toBe(0xff);
  });

  it.each([
    [{ gpa: 0x20000000, size: 0x20000 }, /at most 64 KiB/],
    [{ gpa: 0x20000010, size: 0x1000 }, /PcieHost: io must be whole pages/],
  ])('is refused as %j', (io, message) => {
    expect(() => new PcieHost({ window: WINDOW, io, functions: [] })).toThrow(message);
  });

  it('is not a region of a bridge without it', () => {
    expect(new PcieHost({ window: WINDOW, functions: [] }).regions).toHaveLength(2);
  });
});

describe('the test device', () => {
  function running() {
    const one = machine();
    one.config(0x10, WINDOW.gpa + 0x4000);
    one.config(0x14, 0x500);
    one.config(4, 3);
    return one;
  }

  it.each([
    ['memory', MEMORY, 0x4000],
    ['io', PORTS, 0x500],
  ])('has three tests in %s, whose stores it counts', (space, region, at) => {
    const { bus } = running();
    const found = [0, 1, 2].map((test) => runTest(bus, region, at, test, 16 + test));
    expect(found.map((one) => [one?.name, one?.width, one?.count])).toEqual([
      [`${space}-8`, 1, 16],
      [`${space}-16`, 2, 17],
      [`${space}-32`, 4, 18],
    ]);
    expect(runTest(bus, region, at, 3, 1)).toBeUndefined();
    expect(runTest(bus, region, at, 0, 0)?.count).toBe(0);
  });

  it('counts no store of another width, value or place', () => {
    const { bus } = running();
    const at = 0x4000;
    const { offset = 0, data = 0 } = runTest(bus, MEMORY, at, 1, 0) ?? {};
    bus.write(MEMORY, at + offset, 2, data ^ 1);
    bus.write(MEMORY, at + offset, 4, data);
    bus.write(MEMORY, at + offset, 1, data & 0xff);
    bus.write(MEMORY, at + offset + 2, 2, data);
    bus.write(PORTS, 0x500 + offset, 2, data);
    expect(bus.read(MEMORY, at + 0xc, 4).lo).toBe(0);
    bus.write(MEMORY, at + offset, 2, data);
    expect(bus.read(MEMORY, at + 0xc, 4).lo).toBe(1);
  });

  it('continues where it was saved, and is new after a reset of the function', () => {
    const { bus, device } = running();
    runTest(bus, MEMORY, 0x4000, 2, 5);
    const saved = structuredClone(device.save()) as { function: { selected: number[] } };
    device.reset();
    expect(device.save()).not.toEqual(saved);
    device.restore(saved);
    expect(bus.read(MEMORY, 0x400c, 4).lo).toBe(5);
    saved.function.selected[0] = 0x100;
    expect(() => device.restore(saved)).toThrow(TypeError);
  });
});
