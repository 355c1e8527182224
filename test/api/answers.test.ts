// SPDX-License-Identifier: MIT
// Return values of a user's functions, wherever they are used: a wrong one is reported in
// one line with the function's name, where it is returned, and never as a TypeError from
// somewhere else.

import { afterAll, describe, expect, it } from 'vitest';
import { attachTerminal, Host } from 'vsmmu';
import * as devices from 'vsmmu/devices';
import { Iommufd } from 'vsmmu/iommufd';
import { deviceContract } from 'vsmmu/testing';
import { ScratchDevice } from '../support/scratch-device.ts';
import { reactor } from '../support/wat.ts';

const { defineDevice, PageTable, PhysicalRam, PhysicalCmdqv, SmmuEndpoint, Unit } = devices;

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const hostMemory = devices.createHostMemory({ ramSize: 0x10_0000 });
const ram = new PhysicalRam(hostMemory);
const unit = new Unit({ modules: await devices.loadHotModules(), hostMemory, thread: 0 });
const host = await Host.create({ vintfs: 2, vcmdqs: 4 });
afterAll(() => host.destroy());

/** A function that returns a value that its type does not allow. */
const returning = (value: unknown) => () => value as never;
const line = { pulse: () => undefined, setLevel: () => undefined };
const GPA = 0x1000;
const VMM = { memory: ram, interrupts: { line: () => line }, clock: devices.SYSTEM_CLOCK };

/** A VMM around one device, and what the device received from it. */
function complex(services: object = {}, place: object = {}) {
  const device = new ScratchDevice();
  const made = new devices.DeviceComplex({
    devices: [{ device, addresses: [GPA], firstIrq: 40, ...place }],
    ...VMM,
    ...services,
  });
  const { host: given } = device;
  if (!given) throw new Error('not attached');
  return { device, given, made };
}

const portOf = (answer: unknown) => {
  const dmaPort = {
    streamId: 1,
    read: returning(answer),
    write: returning(answer),
    ats: undefined,
  };
  return complex({}, { dmaPort }).given;
};
const bytes = new Uint8Array(8);

const ACCESS = { region: 0, offset: 0, size: 4, lo: 0, hi: 0, vcpu: 0 } as const;
/** Reads a register of a device that is created from a description. */
function readRegister(read: () => never, kind: 'registers' | 'registers64' = 'registers') {
  const device = defineDevice({
    name: 'dev',
    kind: 'devi',
    registers: {},
    [kind]: { VALUE: { offset: 0, read } },
  });
  device.attach(complex().given);
  device.read({ ...ACCESS });
}

const disk = (functions: object) => ({
  size: 512,
  readOnly: false,
  read: () => undefined,
  write: () => undefined,
  flush: () => undefined,
  ...functions,
});

/** Buffers of one request to a block device: its header, and space for the response. */
function request(type: number, functions: object) {
  const block = new devices.VirtioBlock(disk(functions), 'disk');
  const header = new Uint8Array(16 + (type === 1 ? 512 : 0));
  new DataView(header.buffer).setUint32(0, type, true);
  const buffers = {
    readable: {
      length: header.length,
      read: (at: number, target: Uint8Array) => {
        target.set(header.subarray(at, at + target.length));
        return 'done' as const;
      },
    },
    writable: { length: type === 0 ? 513 : 1, write: () => 'done' as const },
  };
  const work = block.begin(0, buffers as never, { done: 0 }, block.features);
  for (let turns = 0; work() === 'more' && turns < 4; turns++);
}

const LINE = 'an object with a function pulse and a function setLevel';

const CASES: readonly (readonly [what: string, use: () => unknown, says: string])[] = [
  [
    'a line of nothing',
    () => complex({ interrupts: { line: returning(undefined) } }),
    `interrupts.line(40) must return ${LINE}, not undefined`,
  ],
  [
    'the second line of a device',
    () => complex({ interrupts: { line: (n: number) => (n === 41 ? null : line) } }),
    `interrupts.line(41) must return ${LINE}, not null`,
  ],
  [
    'a line without setLevel',
    () => complex({ interrupts: { line: returning({ pulse: line.pulse }) } }),
    `interrupts.line(40) must return ${LINE}: setLevel is undefined`,
  ],
  [
    'a line whose pulse is none',
    () => complex({ interrupts: { line: returning({ ...line, pulse: 1 }) } }),
    `interrupts.line(40) must return ${LINE}: pulse is number`,
  ],
  [
    'a line to come',
    () => complex({ interrupts: { line: async () => line } }),
    `interrupts.line(40) must return ${LINE}, not a Promise`,
  ],
  [
    'a word that is a number',
    () => complex({ memory: { ...ramOf(), load64: returning(1) } }).given.memory.load64(0),
    'memory.load64 must return a bigint, or undefined where there is no RAM, not 1',
  ],
  [
    'a store without an answer',
    () =>
      complex({ memory: { ...ramOf(), store64: returning(undefined) } }).given.memory.store64(
        0,
        1n,
      ),
    'memory.store64 must return true or false, not undefined',
  ],
  [
    'a 32-bit store without an answer',
    () => complex({ memory: { ...ramOf(), store32: returning(0) } }).given.memory.store32(0, 1),
    'memory.store32 must return true or false, not 0',
  ],
  [
    'a time of nothing',
    () => complex({ clock: { nowNs: returning(undefined) } }).given.nowNs(),
    'clock.nowNs must return a number, not undefined',
  ],
  [
    'a time that is a bigint',
    () => complex({ clock: { nowNs: returning(1n) } }).given.nowNs(),
    'clock.nowNs must return a number, not bigint',
  ],
  [
    'a time that is none, when a timer is looked at',
    () => {
      const { given, made } = complex({ clock: { nowNs: returning(Number.NaN) } });
      given.timer('one', () => undefined).at(1);
      made.poll();
    },
    'clock.nowNs must return a number, not NaN',
  ],
  [
    'a direct map without an offset',
    () => mapOf({ unmap: () => undefined }),
    'directMaps.map must return a memoryOffset from 0, not undefined',
  ],
  [
    'a direct map that cannot be taken back',
    () => mapOf({ memoryOffset: 0 }),
    'directMaps.map must return an object with a function unmap: unmap is undefined',
  ],
  [
    'a direct map that is an offset',
    () => mapOf(0x1000),
    'directMaps.map must return an object with a function unmap, not 4096',
  ],
  [
    'an MSI without an answer',
    () => complex({ msis: { send: returning(undefined) } }).given.msi(0x100, 1),
    'msis.send must return true or false, not undefined',
  ],
  [
    'a read by a port without an answer',
    () => portOf(undefined).dmaPort().read(0, bytes),
    'dmaPort.read must return an object { ok, done }, not undefined',
  ],
  [
    'a write by a port to come',
    () => portOf(Promise.resolve()).dmaPort().write(0, bytes),
    'dmaPort.write must return an object { ok, done }, not a Promise',
  ],
  [
    'more bytes than there are',
    () => portOf({ ok: true, done: 9 }).dmaPort().read(0, bytes),
    'dmaPort.read must return how many of 8 bytes are done, not 9',
  ],
  [
    'an MSI by a port without an answer',
    () => portOf(null).msi(0x100, 1),
    'dmaPort.write must return an object { ok, done }, not null',
  ],
  [
    'a register’s value of nothing',
    () => readRegister(returning(undefined)),
    'dev.VALUE: read must return a number, not undefined',
  ],
  [
    'a register’s value that is text',
    () => readRegister(returning('1')),
    'dev.VALUE: read must return a number, not "1"',
  ],
  [
    'a number for 64 bits',
    () => readRegister(returning(1), 'registers64'),
    'dev.VALUE: read must return a bigint, not 1',
  ],
  [
    'bytes that are another length',
    () => endpointOn({ bytes: () => new Uint8Array(3) }).read(0, bytes),
    'memory.bytes must return the 8 bytes that it is asked for, not object',
  ],
  [
    'a doorbell without an answer',
    () =>
      endpointOn({ bytes: () => undefined, write32: returning(undefined) }).write(
        0,
        bytes.subarray(4),
      ),
    'memory.write32 must return true or false, not undefined',
  ],
  [
    'a table nowhere',
    () => new PageTable({ ...tables(), allocate: returning(undefined) }, { stage: 1 }),
    'allocate of the memory of tables must return an address that is a multiple of 0x1000, not undefined',
  ],
  [
    'a table at an odd place',
    () => new PageTable({ ...tables(), allocate: returning(8) }, { stage: 1 }),
    'allocate of the memory of tables must return an address that is a multiple of 0x1000, not 8',
  ],
  [
    'a descriptor of nothing',
    () =>
      new PageTable({ ...tables(), load64: returning(undefined) }, { stage: 1 }).map(
        0,
        0,
        0x1000,
        devices.S1_READ_WRITE,
      ),
    'load64 of the memory of tables must return a bigint, not undefined',
  ],
  [
    'a unit that is none',
    () => ringOf({ unitOf: returning({}) }),
    'unitOf must return a Unit or undefined, not object',
  ],
  [
    'a place that is an address',
    () => ringOf({ resolvePa: returning(0x1000) }),
    'resolvePa must return an object { window, offset }, or undefined, not 4096',
  ],
  [
    'a disk that reads later',
    () => request(0, { read: async () => undefined }),
    'disk.read must return nothing, when it has done it, not a Promise',
  ],
  [
    'a disk that writes later',
    () => request(1, { write: async () => undefined }),
    'disk.write must return nothing, when it has done it, not a Promise',
  ],
  [
    'a disk that flushes later',
    () => request(4, { flush: async () => undefined }),
    'disk.flush must return nothing, when it has done it, not a Promise',
  ],
  [
    'a disk that cannot flush',
    () => new devices.VirtioBlock({ ...disk({}), flush: undefined } as never, 'disk'),
    'VirtioBlock: disk must have a function flush',
  ],
  [
    'memory of user space that is nowhere',
    () => {
      const fd = new Iommufd();
      const memory = { physical: returning('0x1000') };
      fd.ioasMap(fd.ioasAlloc(), { iova: 0n, length: 0x1000n, memory, address: 0 });
    },
    'memory.physical must return an address, or undefined where there is no memory, not "0x1000"',
  ],
  [
    'a factory that makes nothing',
    () => deviceContract(returning(undefined))[0]?.run(),
    'the factory of devices must return an object with a function attach and a function reset and',
  ],
];

function ramOf() {
  return {
    load64: (gpa: number) => ram.load64(gpa),
    store64: (gpa: number, value: bigint) => ram.store64(gpa, value),
    store32: (gpa: number, value: number) => ram.store32(gpa, value),
  };
}

function mapOf(map: unknown) {
  const { given } = complex({ directMaps: { map: returning(map) } });
  given.mapDirect({ region: 0, offset: 0, length: 0x1000, doorbell: undefined });
}

/** A port of a stream that bypasses the SMMU, which is not enabled. */
function endpointOn(memory: { bytes(): Uint8Array | undefined; write32?: () => boolean }) {
  const device = new devices.PhysicalSmmu({ unit, smmuIndex: 0 });
  new devices.DeviceComplex({
    ...VMM,
    devices: [{ device, addresses: [0x10_0000], firstIrq: 32 }],
  });
  return new SmmuEndpoint({ unit, memory }).dmaPort(1);
}

function tables() {
  let next = 0;
  return {
    load64: (at: number) => ram.load64(at) ?? 0n,
    store64: (at: number, value: bigint) => {
      ram.store64(at, value);
    },
    allocate(size: number, alignment: number) {
      const at = Math.ceil(next / alignment) * alignment;
      next = at + size;
      return at;
    },
  };
}

/** Points a VCMDQ at a ring in window 1. */
function ringOf(options: object) {
  const device = new PhysicalCmdqv({ unit, smmuIndex: 0, vintfs: 1, vcmdqs: 2, ...options });
  const place = { device, addresses: [0x10_0000], firstIrq: 32 };
  const made = new devices.DeviceComplex({ ...VMM, devices: [place] });
  // CMDQ_ALLOC_MAP 0: VINTF 0, LVCMDQ 0; its BASE is in page 1 of the direct VCMDQ
  // registers.
  made.bus.write(0x10_0000 + 0x200, 4, 1);
  made.bus.write(0x10_0000 + 0x2_0000, 8, 0x1005, 1);
}

it.each(CASES)('%s', (_what, use, says) => {
  let message = 'it was taken';
  try {
    use();
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toContain(says);
  expect(message).not.toContain('\n');
});

describe('return values of functions that are passed to a host', () => {
  const machineOf = (board: object) =>
    host.createMachine({ guest: IDLE, board: board as never }).then(
      () => 'made',
      (error: Error) => error.message,
    );

  it.each([
    ['nothing', { create: async () => undefined }, 'board.create: machine must return an object'],
    ['no machine', { create: async () => ({}) }, 'board.create: machine must return an object'],
    ['no place', { create: async () => ({}), free: {} }, 'board.free.gpa must be an integer'],
  ])('a board that makes %s', async (_what, board, says) => {
    const free = { gpa: 0x1000_0000, irq: 32, devices: 0 };
    expect(await machineOf({ name: 'own', free, ...board })).toContain(says);
  });

  it('a clock without a time', async () => {
    const timeless = await Host.create({ clock: { nowNs: returning(undefined) } });
    const machine = await timeless.createMachine({ guest: IDLE });
    expect(() => machine.statistics).toThrow('clock.nowNs must return a number, not undefined');
    await timeless.destroy();
  });

  it('a terminal whose input cannot be ended', async () => {
    const machine = await host.createMachine({ guest: IDLE });
    const terminal = { write: () => undefined, onData: returning(undefined) };
    expect(() => attachTerminal(terminal, machine)).toThrow(
      'terminal.onData must return an object with a function dispose, as that of xterm.js does',
    );
    await machine.destroy();
  });
});

describe('a device whose functions are async', () => {
  it.each(['attach', 'reset'])('is refused: %s', async (name) => {
    class Late extends ScratchDevice {}
    Object.assign(Late.prototype, { [name]: () => Promise.reject(new Error('later')) });
    const place = { device: new Late(), addresses: [GPA], firstIrq: 40 };
    const make = () => new devices.DeviceComplex({ devices: [place], ...VMM }).reset();
    expect(make).toThrow(
      `${name}() threw: ${name} must return when the device is ready, and nothing, not a Promise`,
    );
    // Nothing awaits its result, which would otherwise end the process.
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe('the options of a call', () => {
  it.each([[null], [5], ['paused'], [[]]])('are an object, not %j', async (options) => {
    const machine = await host.createMachine({ guest: IDLE });
    await expect(machine.boot(options as never)).rejects.toThrow(
      /^the options must be an object, not /,
    );
    await machine.destroy();
  });
});
