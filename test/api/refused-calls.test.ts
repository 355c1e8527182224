// SPDX-License-Identifier: MIT
// Calls that a new user gets wrong, each with a one-line error: no public constructor, a
// call that is too early, an object of something else, and values that were once accepted
// silently.

import { afterAll, describe, expect, it } from 'vitest';
import { Host, Machine, type OptionsError, toyBoard, virtBoard } from 'vsmmu';
import * as devices from 'vsmmu/devices';
import { SmmuHost } from 'vsmmu/iommufd/smmu';
import { DeviceBus, deviceContract, FakeHost } from 'vsmmu/testing';
import { plugSmmu } from 'vsmmu/v86';
import { fetchReason } from '../../assembly/fetch-reason.ts';
import { ScratchDevice } from '../support/scratch-device.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const host = await Host.create({ vintfs: 8, vcmdqs: 8 });
const amd = await Host.create({ iommu: 'amd' });
afterAll(() => Promise.all([host.destroy(), amd.destroy()]));

type Case = readonly [what: string, call: () => unknown, line: string];

const lineOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    const { code, message } = error as OptionsError;
    return code ? `${code}: ${message}` : message;
  }
};
/** A call with arguments that their types do not allow. */
const calling =
  (function_: unknown, ...args: readonly unknown[]) =>
  () =>
    Reflect.apply(function_ as () => unknown, undefined, args);
const making =
  (class_: unknown, ...args: readonly unknown[]) =>
  () =>
    Reflect.construct(class_ as new () => object, args);
const described =
  (fields: object, register: object = {}) =>
  () =>
    devices.defineDevice({
      name: 'dev',
      kind: 'devi',
      registers: { A: { offset: 0, ...register } },
      ...fields,
    } as never);
const hostMemory = devices.createHostMemory({ ramSize: 0x10_0000 });
const unit = new devices.Unit({ modules: await devices.loadHotModules(), hostMemory, thread: 0 });
const ram = new devices.PhysicalRam(hostMemory);
const placed = (place: object) =>
  making(devices.DeviceComplex, {
    devices: [place],
    memory: ram,
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    clock: devices.SYSTEM_CLOCK,
  });
/** A device whose region supports accesses of these sizes. */
function sized(accessSizes: readonly unknown[]) {
  const device = new ScratchDevice();
  return Object.assign(device, { regions: [{ name: 'one', size: 0x1000, accessSizes }] });
}
const registers = (...specs: readonly object[]) => making(devices.RegisterFile, 0x10, specs);
const named = (name: string) => () => host.createMachine({ guest: IDLE, name });

const MAKING: readonly Case[] = [
  ['a Host', making(Host), 'bad-option: a Host must be made by Host.create(), not by new'],
  [
    'a Machine',
    making(Machine),
    'bad-option: a Machine must be made by Host.createMachine(), not by new',
  ],
  [
    'a machine of the toy by hand',
    calling(toyBoard.create),
    'bad-option: toyBoard.create: options must be an object, as Host.createMachine({ board }) passes it',
  ],
  [
    'one without a host',
    calling(toyBoard.create, {}),
    'bad-option: toyBoard.create: host must be an object, not undefined',
  ],
  [
    'a machine of the board virt by hand',
    calling(virtBoard().create),
    'bad-option: virtBoard.create: options must be an object, as Host.createMachine({ board }) passes it',
  ],
  [
    'a board that translates lazily',
    calling(virtBoard, { translate: 'lazy' }),
    'bad-option: virtBoard: translate must be true or false, not string',
  ],
  [
    'v86 on a host with another IOMMU',
    () => plugSmmu({}, { host: amd, page0: 0, irqs: { smmu: 9, cmdqv: 11, dma: 5 } }),
    'host must have SMMUs: this one has an AMD IOMMU (iommu: amd)',
  ],
  [
    'an SMMU without ID registers',
    making(devices.PhysicalSmmu, { unit, smmuIndex: 0, idRegisters: {} }),
    'PhysicalSmmu: idRegisters.idr0 is missing',
  ],
  [
    'an SmmuHost of three VINTFs',
    () => SmmuHost.create({ vintfs: 3 }),
    'SmmuHost: vintfs must be a power of two from 1 to 64, not 3',
  ],
  [
    'more VINTFs than VCMDQs',
    () => SmmuHost.create({ vintfs: 8, vcmdqs: 4 }),
    'SmmuHost: vcmdqs must be vintfs, which is 8, at least, not 4',
  ],
  [
    'five vCPUs of the toy',
    () => host.createMachine({ guest: IDLE, vcpus: 5, secondary: IDLE }),
    'bad-option: vcpus of the standard board must be an integer from 1 to 4, not 5',
  ],
  [
    'two vCPUs without a program',
    () => host.createMachine({ guest: IDLE, vcpus: 2 }),
    'bad-option: vcpus of 2 need secondary, the program of the secondary vCPUs: it is missing',
  ],
  [
    'a limit of no trace',
    () => Host.create({ traceLimit: 5 }),
    'bad-option: traceLimit needs trace: there is none',
  ],
  [
    'a host for tests of 5 bytes',
    making(FakeHost, { ramSize: 5 }),
    'FakeHost: ramSize must be an integer from 65536 to 2147483648, not 5',
  ],
  [
    'one of a half page',
    making(FakeHost, { ramSize: 0x18000 }),
    'FakeHost: ramSize must be a multiple of 65536, not 98304',
  ],
];

const DEVICES: readonly Case[] = [
  [
    'less than no interrupt',
    described({ interrupts: -1 }),
    'dev: interrupts must be an integer from 0 to 1024, not -1',
  ],
  [
    'no access size',
    described({ accessSizes: [] }),
    'dev: accessSizes must be a list of 1, 2, 4 and 8, of one of them at least',
  ],
  [
    'an access size of a device by hand',
    placed({ device: sized([3]), addresses: [0x1000], firstIrq: 1 }),
    'placement: device scratch: the device: regions[0].accessSizes must be a list of 1, 2, 4 and 8, of one of them at least',
  ],
  [
    'none of them',
    making(DeviceBus, sized([])),
    'DeviceBus: device: regions[0].accessSizes must be a list of 1, 2, 4 and 8, of one of them at least',
  ],
  [
    'a reset value below 0',
    described({}, { reset: -1 }),
    'dev.A: reset must be an integer from 0 to 4294967295, not -1',
  ],
  [
    'half a writable bit',
    described({}, { writable: 1.5 }),
    'dev.A: writable must be an integer from 0 to 4294967295, not 1.5',
  ],
  [
    'a writable bit beyond the word',
    described({}, { writable: 2 ** 33 }),
    'dev.A: writable must be an integer from 0 to 4294967295, not 8589934592',
  ],
  [
    'a bit beyond 64',
    described({ registers64: { B: { offset: 8, writable: 1n << 64n } } }),
    'dev.B: writable must be a bigint of 64 bits, not 0x10000000000000000',
  ],
  [
    'two registers of one name',
    registers({ name: 'A', offset: 0 }, { name: 'A', offset: 4 }),
    'there are two registers A',
  ],
  [
    'two in one place',
    registers({ name: 'A', offset: 0, size: 8 }, { name: 'B', offset: 4 }),
    'registers A[63:32] and B overlap',
  ],
  [
    'a register of six bytes',
    registers({ name: 'A', offset: 0, size: 6 }),
    'RegisterFile: size of A must be 4 or 8, not 6',
  ],
  [
    'an address that is no number',
    placed({ device: new ScratchDevice(), addresses: [Number.NaN], firstIrq: 1 }),
    'placement: device scratch: NaN is not a gpa for a region: a multiple of 4 KiB',
  ],
  [
    'a bigint for an address',
    placed({ device: new ScratchDevice(), addresses: [0x1000n], firstIrq: 1 }),
    'placement: device scratch: bigint is not a gpa for a region: a multiple of 4 KiB',
  ],
  [
    'a device with lines and no line',
    placed({ device: new ScratchDevice(), addresses: [0x1000] }),
    'placement: device scratch: firstIrq is missing: the device has 2 interrupt lines',
  ],
  [
    'an attach of two lines',
    placed({
      device: Object.assign(new ScratchDevice(), {
        attach: () => {
          throw new Error('no\ncable');
        },
      }),
      addresses: [0x1000],
      firstIrq: 1,
    }),
    'plugin-failed: device scratch: attach() threw: no\\u{a}cable',
  ],
  [
    'a contract of no operation',
    () => deviceContract(() => new ScratchDevice(), { operations: 0 }),
    'deviceContract: operations must be an integer from 1 to 4294967295, not 0',
  ],
];

const TABLES: readonly Case[] = [
  [
    'all streams in the way of a range',
    calling(devices.cfgiSteRange, 0, 31),
    'cfgiSteRange: range must be an integer from 0 to 30, not 31',
  ],
  [
    'a table that is not at its size',
    calling(devices.level1SteDescriptor, 0x1001, 4),
    'level1SteDescriptor: table must be a multiple of 512, not 0x1001',
  ],
  [
    'bits of an address that no TLBI has',
    calling(devices.tlbiNhVa, 1, 1, { address: 0x1004 }),
    'a TLBI by address: address must be a multiple of 4096, not 0x1004',
  ],
  [
    'an ATC_INV inside of its span',
    calling(devices.atcInv, { streamId: 1, address: 0x1000, size: 1 }),
    'atcInv: address must be a multiple of 8192, not 0x1000',
  ],
  [
    'a range of nothing',
    () =>
      new devices.PageTable(
        { load64: () => 0n, store64: () => undefined, allocate: () => 0x1000 },
        { stage: 1 },
      ).map(0, 0, 0, devices.S1_READ_WRITE),
    'the size of a mapped range must be at least 4096, not 0',
  ],
  [
    'an input of a page',
    calling(devices.stage1StartLevel, 4096, 12),
    'stage1StartLevel: inputBits must be an integer from 13 to 52, not 12',
  ],
  [
    'the size of an output',
    calling(devices.stage2Ste, { vmid: 1, ttb: 0, inputBits: 39 }),
    'stage 2 of an STE: outputBits, by default inputBits, must be one of 32, 36, 40, 42, 44, 48, 52, not 39',
  ],
  [
    'a bigint for an address',
    () =>
      Reflect.apply(
        devices.SmmuEndpoint.prototype.translate,
        new devices.SmmuEndpoint({ unit, memory: ram }),
        [1, undefined, 0x1000n, 4],
      ),
    'translate: iova must be a number, not bigint',
  ],
];

describe('what is refused in one line', () => {
  it.each(MAKING)('of what is made: %s', async (_what, call, line) => {
    expect(await lineOf(call)).toBe(line);
    expect(host.machines.filter(({ status }) => status !== 'new')).toEqual([]);
  });

  it.each(DEVICES)('of devices: %s', async (_what, call, line) => {
    expect(await lineOf(call)).toBe(line);
  });

  it.each(TABLES)('of tables: %s', async (_what, call, line) => {
    expect(await lineOf(call)).toBe(line);
  });

  it('is a name that another machine has', async () => {
    const first = await named('one')();
    expect(await lineOf(named('one'))).toBe(
      'bad-option: name must be of no other machine of the host: there is a "one"',
    );
    // Machines without a name skip it.
    const second = await named(`vm${host.machines.length + 2}`)();
    const names = await Promise.all([0, 1].map(() => host.createMachine({ guest: IDLE })));
    expect(new Set([first, second, ...names].map(({ name }) => name)).size).toBe(4);
    await Promise.all([first, second, ...names].map((machine) => machine.destroy()));
    const again = await named('one')();
    expect(again.name).toBe('one');
    await again.destroy();
  });

  it('is a machine that could not be made: its name is free', async () => {
    expect(
      await lineOf(() => host.createMachine({ guest: new Uint8Array(8), name: 'free' })),
    ).not.toBe('accepted');
    const machine = await named('free')();
    await machine.destroy();
  });

  it('is one before boot, or after the end', async () => {
    const machine = await host.createMachine({ guest: IDLE, name: 'm' });
    for (const method of ['pause', 'resume', 'step', 'wait'] as const)
      expect(await lineOf(() => machine[method]()), method).toBe(
        'not-booted: m has not been booted',
      );
    expect(await lineOf(calling(machine.stop.bind(machine), 5))).toBe(
      'bad-option: stop: reason must be text, not number',
    );
    await machine.boot({ paused: true });
    expect(await lineOf(() => machine.step(0))).toBe(
      'bad-option: step: budget must be a number above 0, not 0',
    );
    await machine.stop();
    expect(await lineOf(() => machine.step())).toBe('booted: m has ended (stopped)');
    await machine.destroy();
  });

  it('is a register or memory that no machine has', async () => {
    const machine = await host.createMachine({ guest: IDLE });
    const read = (...args: readonly unknown[]) =>
      lineOf(() => Reflect.apply(machine.readRegister, machine, args));
    expect(await read('smmuv3', 2)).toBe(
      'bad-option: readRegister: offset must be a multiple of 4, not 2',
    );
    expect(await read('smmuv3', 2 ** 30)).toMatch(
      /^bad-option: readRegister: offset must be an integer from 0 to \d+, not 1073741824$/,
    );
    expect(await read('smmuv3', 0, 2)).toBe('bad-option: readRegister: size must be 4 or 8, not 2');
    expect(machine.readRegister('none', 0)).toBe(undefined);
    expect(await lineOf(() => machine.readMemory(-1, 4))).toMatch(/^bad-option: readMemory: gpa/);
    expect(await lineOf(() => host.iotlb(1))).toBe(
      'bad-option: smmu must be an integer from 0 to 0, not 1',
    );
    await machine.destroy();
  });

  it('is a file that cannot be read, or does not fit its board', async () => {
    expect(await lineOf(() => host.createMachine({ guest: 'ftp://x/y.wasm' }))).toBe(
      'unreadable: cannot read ftp://x/y.wasm: fetch failed: unknown scheme',
    );
    const refused = { message: '', code: 'ECONNREFUSED' };
    expect(fetchReason(new TypeError('fetch failed', { cause: refused }))).toBe(
      'fetch failed: ECONNREFUSED',
    );
    expect(fetchReason(new TypeError('Failed to fetch'))).toBe('the server does not answer');
    expect(fetchReason(new Error('no room'))).toBe(undefined);
    const kernel = (text: string) => () =>
      host.createMachine({ guest: new TextEncoder().encode(text), board: virtBoard() });
    expect(await lineOf(kernel('hello w'))).toBe(
      'unsupported: the kernel is text: it must be an arm64 Image, an ELF executable or a flat binary, packed by gzip or not',
    );
    expect(await lineOf(kernel('\0\0\0'))).toBe(
      "damaged: the kernel's file has 3 bytes: no instruction",
    );
  });

  it('names a device once', () => {
    const { MachineError } = devices as unknown as {
      MachineError: { of(part: string, cause: unknown): Error };
    };
    expect(MachineError.of('adder', new TypeError('adder: there is no register "B"')).message).toBe(
      'adder: there is no register "B"',
    );
    expect(MachineError.of('adder', new TypeError('adder.A: read must return')).message).toBe(
      'adder.A: read must return',
    );
    expect(MachineError.of('adder', new Error('no\nway')).message).toBe('adder: no\\u{a}way');
  });
});
