// SPDX-License-Identifier: MIT

import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineDevice } from '../../../devices/plugin/index.ts';
import { DeviceBus, deviceContract, FakeHost } from '../../../devices/testing/index.ts';
import { device as adder } from '../../../docs/examples/adder-device.mjs';

/** Counts its reads, and interrupts when LIMIT is written. */
const counter = () =>
  defineDevice({
    name: 'counter',
    kind: 'cntr',
    interrupts: 1,
    registers: {
      COUNT: { offset: 0x0, read: ({ COUNT }) => COUNT + 1 },
      LIMIT: {
        offset: 0x8,
        reset: 10,
        writable: 0xff,
        write: (values, { interruptLine }) => {
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

let reads = 0;
const later = () => ++reads;
const SET = { offset: 8, writable: 1 };

describe('a described device', () => {
  it('answers reads with its functions, and stores writable bits before it calls write', () => {
    const { bus, host } = attached();
    expect([bus.read32(0), bus.read32(0), bus.read32(4), bus.read32(8)]).toEqual([1, 2, 0, 10]);
    bus.write32(8, 0x123);
    expect(bus.read32(8)).toBe(0x23);
    expect(host.log).toContain('pulse 0');
    expect(bus.read32(0)).toBe(0);
  });

  it('has a kind, names its registers, and accepts only 32-bit accesses', () => {
    const { device, bus } = attached();
    expect(device.identity).toEqual({ kind: 0x72746e63, interrupts: 1, busMaster: false });
    expect([device.registerName(0, 8), device.registerName(0, 0x10)]).toEqual([
      'LIMIT',
      'counter+0x10',
    ]);
    expect(bus.read(0, 8, 1)).toEqual({ lo: 0, hi: 0 });
  });

  it('accepts narrow accesses if its description allows them, byte by byte of the register', () => {
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
          read: ({ DATA }) => DATA,
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
    // Bits [31:24] are not writable; each write is reported with the whole register.
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

  it('has registers of 64 bits, whole or in halves, and its own reset', () => {
    const writes: bigint[] = [];
    const device = defineDevice({
      name: 'wide',
      kind: 'wide',
      registers: { A: { offset: 0x0, writable: 0xff }, B: { offset: 0x4, read: ({ A }) => A + 1 } },
      registers64: {
        ADDRESS: {
          offset: 0x8,
          reset: 0x1_0000_0002n,
          writable: 0xffff_ffff_0000n,
          write: ({ ADDRESS }) => writes.push(ADDRESS),
        },
        SUM: { offset: 0x10, read: ({ A, ADDRESS }) => ADDRESS + BigInt(A) },
      },
      reset: (values) => {
        values.A = 7;
      },
    });
    device.attach(new FakeHost());
    device.reset();
    const bus = new DeviceBus(device);
    expect(bus.read(0, 0x0, 8)).toEqual({ lo: 7, hi: 8 });
    expect(bus.read(0, 0x8, 8)).toEqual({ lo: 2, hi: 1 });
    bus.write64(0x8, 0xffff_1234_5678_9abcn);
    bus.write32(0xc, 0x9999_8888);
    expect(writes).toEqual([0x1234_5678_0002n, 0x8888_5678_0002n]);
    expect([bus.read32(0x10), bus.read32(0x14)]).toEqual([0x5678_0009, 0x8888]);
    expect([0x8, 0xc].map((offset) => device.registerName(0, offset))).toEqual([
      'ADDRESS',
      'ADDRESS[63:32]',
    ]);
  });

  it('is a bus master when its description declares it, and has no port otherwise', () => {
    const start = (busMaster: boolean) => {
      const device = defineDevice({
        name: 'copier',
        kind: 'copy',
        busMaster,
        registers: {
          GO: {
            offset: 0,
            writable: 1,
            write: (_, { dma }) => dma.write(0x1000, new Uint8Array([1])),
          },
        },
      });
      const host = new FakeHost();
      device.attach(host);
      host.reset(device);
      return { host, device, go: () => new DeviceBus(device).write32(0, 1) };
    };
    const master = start(true);
    const other = start(false);
    expect([master, other].map(({ device }) => device.identity.busMaster)).toEqual([true, false]);
    master.go();
    expect(master.host.log).toHaveLength(1);
    expect(other.go).toThrow('copier makes no DMA: describe it with busMaster: true');
  });

  it('has a port for the types as well when it is a bus master, and none otherwise', () => {
    const master = defineDevice({
      name: 'master',
      kind: 'mstr',
      busMaster: true,
      registers: { GO: { offset: 0, write: (_, device) => device.dma } },
      reset: (_, device) => device.dma,
    });
    const other = defineDevice({
      name: 'other',
      kind: 'othr',
      registers: {
        // @ts-expect-error It has no port.
        GO: { offset: 0, write: (_, device) => device.dma },
      },
      // @ts-expect-error Here neither.
      reset: (_, device) => device.dma,
    });
    const said = defineDevice({
      name: 'said',
      kind: 'said',
      busMaster: false,
      registers: { GO: { offset: 0 } },
      // @ts-expect-error Nor with the word said.
      reset: (_, device) => device.dma,
    });
    expect([master, other, said].map((device) => device.identity.busMaster)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('refuses reads and writes of an unknown register, and suggests a known one', () => {
    const said: unknown[] = [];
    const tell = (use: () => unknown) => {
      try {
        said.push(use());
      } catch (error) {
        said.push((error as Error).message);
      }
    };
    const device = defineDevice({
      name: 'dev',
      kind: 'devi',
      registers: { STATUS: { offset: 0 }, GO: { offset: 4, writable: 1 } },
      registers64: { BASE: { offset: 8, reset: 1n } },
      reset(values) {
        const loose = values as unknown as Record<string, unknown>;
        // Not strict: JavaScript itself would ignore an assignment to an unknown name.
        const assign = new Function('values', 'values.STATSU = 1') as (values: object) => void;
        tell(() => loose.STATSU);
        tell(() => assign(values));
        tell(() => 'XYZ' in values || loose.XYZ);
        tell(() => loose.toJSON);
        tell(() => [String(values), JSON.stringify({ ...values, BASE: 0 }), Object.keys(values)]);
        values.STATUS = 3;
        tell(() => [values.STATUS, values.BASE]);
      },
    });
    const host = new FakeHost();
    device.attach(host);
    host.reset(device);
    expect(said).toEqual([
      'dev: there is no register "STATSU": did you mean "STATUS"?',
      'dev: there is no register "STATSU": did you mean "STATUS"?',
      'dev: there is no register "XYZ"; there are STATUS, GO, BASE',
      undefined,
      ['[object Object]', '{"STATUS":0,"GO":0,"BASE":0}', ['STATUS', 'GO', 'BASE']],
      [3, 1n],
    ]);
  });

  it('accesses its registers by name: an unknown one is a type error', () => {
    const description = (count: object) => ({
      name: 'typed',
      kind: 'type',
      registers: { COUNT: { offset: 0, ...count } },
    });
    defineDevice({
      ...description({}),
      registers: {
        COUNT: {
          offset: 0,
          read: (values) => {
            expectTypeOf(values).toEqualTypeOf<{ COUNT: number } & { WIDE: bigint }>();
            // @ts-expect-error A typing error.
            return values.CUONT ?? 0;
          },
        },
      },
      registers64: { WIDE: { offset: 8, reset: 1n } },
    });
    expect(() =>
      // @ts-expect-error A register has no such field.
      defineDevice({ ...description({}), registers: { COUNT: { offset: 4, writeable: 1 } } }),
    ).toThrow('typed.COUNT: there is no option "writeable": did you mean "writable"?');
    expect(() =>
      // @ts-expect-error 64 bits are a BigInt.
      defineDevice({ ...description({}), registers64: { WIDE: { offset: 8, reset: 1 } } }),
    ).toThrow('typed.WIDE: reset must be a bigint, not number');
    // @ts-expect-error A device has no such field.
    expect(() => defineDevice({ ...description({}), bussMaster: true })).toThrow(
      'defineDevice: there is no option "bussMaster": did you mean "busMaster"?',
    );
    const both = { registers: { SAME: { offset: 0 } }, registers64: { SAME: { offset: 8 } } };
    expect(() => defineDevice({ ...description({}), ...both })).toThrow(
      'typed: SAME is a register of 32 and of 64 bits',
    );
    expect(() => defineDevice(description({ read: 1 }))).toThrow(
      'typed.COUNT: read must be a function, not number',
    );
  });

  it.each([
    [
      '32',
      () =>
        defineDevice({
          name: 'clock',
          kind: 'time',
          registers: { TIME: { offset: 0, read: later }, SET },
        }),
    ],
    [
      // Both words change at each read.
      '64',
      () =>
        defineDevice({
          name: 'clock',
          kind: 'time',
          registers: { SET },
          registers64: { TIME: { offset: 0, read: () => BigInt(later()) * 0x1_0000_0001n } },
        }),
    ],
  ])(
    'keeps the contract with a register of %s bits that is not of its state, when that is left out',
    (_, clock) => {
      const failures = (volatile: readonly string[]) =>
        deviceContract(clock, { operations: 50, seeds: [1], volatile }).filter(({ run }) => {
          try {
            run();
            return false;
          } catch {
            return true;
          }
        });
      expect(failures([]).length).toBeGreaterThan(0);
      expect(failures(['TIME'])).toEqual([]);
      expect(() => deviceContract(clock, { volatil: [] } as object)).toThrow(
        'deviceContract: there is no option "volatil": did you mean "volatile"?',
      );
    },
  );

  it('accepts no register that it does not have', () => {
    const values: object[] = [];
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
