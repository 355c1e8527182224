// SPDX-License-Identifier: MIT
// A value of another type, or out of its range, is reported in one line by every function
// of vsmmu/devices and vsmmu/v86 with options, before anything is created.

import { describe, expect, it } from 'vitest';
import { Host } from 'vsmmu';
import * as devices from 'vsmmu/devices';
import { FaultyDevice } from 'vsmmu/testing';
import { plugDevices, plugSmmu } from 'vsmmu/v86';

const {
  createHostMemory,
  DeviceComplex,
  defineDevice,
  loadHotModules,
  PageTable,
  PhysicalRam,
  PhysicalSmmu,
  S1_READ_WRITE,
  SmmuEndpoint,
  Unit,
} = devices;

const hostMemory = createHostMemory({ ramSize: 0x10000 });
const modules = await loadHotModules();
const unit = new Unit({ modules, hostMemory, thread: 0 });
const host = await Host.create({ vintfs: 2, vcmdqs: 4 });
const small = await Host.create({ vintfs: 1 });
let next = 0;
const memory = {
  load64: () => 0n,
  store64: () => undefined,
  allocate: (size: number, alignment: number) => {
    const at = Math.ceil(next / alignment) * alignment;
    next = at + size;
    return at;
  },
};
const device = (interrupts = 0) =>
  defineDevice({ name: 'dev', kind: 'devi', interrupts, registers: {} });
const cpu = {
  mem8: new Uint8Array(new SharedArrayBuffer(0x100000)),
  wasm_memory: new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true }),
  io: { mmap_register: () => undefined },
  device_raise_irq: () => undefined,
  device_lower_irq: () => undefined,
};
const emulator = { v86: { cpu, do_tick: () => undefined } };

/** Calls with arguments that their types do not allow. */
const call =
  (function_: unknown, ...values: readonly unknown[]) =>
  () =>
    Reflect.apply(function_ as () => unknown, undefined, values);
const make =
  (class_: unknown, ...values: readonly unknown[]) =>
  () =>
    Reflect.construct(class_ as new () => object, values);
const table = (options: object, of: unknown = memory) =>
  make(PageTable, of, { stage: 1, ...options });
const mapped =
  (...values: readonly unknown[]) =>
  () => {
    const made = new PageTable(memory, { stage: 1 });
    Reflect.apply(made.map, made, values);
  };
const half = (fields: object) =>
  call(devices.contextDescriptor, { asid: 1, lower: { ttb: 0, inputBits: 48, ...fields } });
const complex = (options: object) =>
  make(DeviceComplex, {
    devices: [],
    memory: new PhysicalRam(hostMemory),
    interrupts: { line: () => undefined },
    directMaps: undefined,
    clock: devices.SYSTEM_CLOCK,
    ...options,
  });
const plugged = (options: object) =>
  call(plugDevices, emulator, {
    window: { gpa: 0xd0000000, size: 0x20000 },
    devices: [],
    ...options,
  });
const pc = (options: object) =>
  call(plugSmmu, emulator, {
    host,
    page0: 0x40000,
    irqs: { smmu: 9, cmdqv: 11, dma: 5 },
    ...options,
  });

type Case = readonly [what: string, try_: () => unknown, line: string];

const TABLES: readonly Case[] = [
  ['stage 3', table({ stage: 3 }), 'PageTable: stage must be an integer from 1 to 2, not 3'],
  [
    'a granule in KiB',
    table({ granule: 16 }),
    'PageTable: granule must be 4096, 16384 or 65536, not 16',
  ],
  ['bits as text', table({ inputBits: '39' }), 'PageTable: inputBits must be a number, not string'],
  [
    '60 bits',
    table({ inputBits: 60 }),
    'PageTable: inputBits must be an integer from 13 to 52, not 60',
  ],
  ['a memory that is none', table({}, {}), 'PageTable: the memory must have a function load64'],
  [
    'attributes that are no bigint',
    mapped(0, 0, 0x1000, 3),
    'map: attributes must be a bigint, such as S1_READ_WRITE, not number',
  ],
  [
    'an odd address',
    mapped(1, 0, 0x1000, S1_READ_WRITE),
    'the input address of a mapped range must be a multiple of 4096, not 0x1',
  ],
  [
    'no size',
    mapped(0, 0, undefined, S1_READ_WRITE),
    'the size of a mapped range must be a number, not undefined',
  ],
  [
    'a CD without an ASID',
    call(devices.contextDescriptor, {}),
    'contextDescriptor: asid must be a number, not undefined',
  ],
  [
    'an ASID of 17 bits',
    call(devices.contextDescriptor, { asid: 70000 }),
    'contextDescriptor: asid must be an integer from 0 to 65535, not 70000',
  ],
  [
    'a table that is text',
    half({ ttb: '0' }),
    'contextDescriptor: lower.ttb must be a number, not string',
  ],
  [
    'a granule of 4',
    half({ granule: 4 }),
    'contextDescriptor: lower.granule must be 4096, 16384 or 65536, not 4',
  ],
  [
    '90 bits',
    half({ inputBits: 90 }),
    'contextDescriptor: lower.inputBits must be an integer from 1 to 64, not 90',
  ],
  [
    'a flag that is a number',
    call(devices.contextDescriptor, { asid: 1, stall: 1 }),
    'contextDescriptor: stall must be true or false, not 1',
  ],
  [
    'a CD anywhere',
    call(devices.stage1Ste, { contextPtr: 1 }),
    'stage 1 of an STE: contextPtr must be a multiple of 64, not 0x1',
  ],
  [
    'too many CDs',
    call(devices.stage1Ste, { contextPtr: 0, cdMax: 32 }),
    'stage 1 of an STE: cdMax must be an integer from 0 to 31, not 32',
  ],
  [
    'a VMID of 20 bits',
    call(devices.stage2Ste, { vmid: 1e6, ttb: 0, inputBits: 40 }),
    'stage 2 of an STE: vmid must be an integer from 0 to 65535, not 1000000',
  ],
  [
    'half an STE',
    call(devices.writeSte, memory, 0, 1, [1]),
    'writeSte: an STE is 16 words of 32 bits',
  ],
  [
    'a stream before the first',
    call(devices.writeSte, memory, 0, -1, devices.abortSte()),
    'writeSte: streamId must be an integer from 0 to 4294967295, not -1',
  ],
  ['half a CD', call(devices.writeCd, memory, 0, 1, []), 'writeCd: a CD is 16 words of 32 bits'],
  [
    'no command',
    call(devices.writeCommand, memory, 0, 0),
    'writeCommand: a command is 4 words of 32 bits',
  ],
  ['a TLBI of no VMID', call(devices.tlbiNhAll), 'vmid must be a number, not undefined'],
  [
    'a TLBI of a large ASID',
    call(devices.tlbiNhAsid, 1, 65536),
    'asid must be an integer from 0 to 65535, not 65536',
  ],
  [
    'a TLBI of a text',
    call(devices.tlbiNhVa, 1, 1, { address: '0x1000' }),
    'a TLBI by address: address must be a number, not string',
  ],
  [
    'a range that is none',
    call(devices.tlbiNhVaa, 1, { address: 0, range: { granule: 0x1000, num: 32, scale: 0 } }),
    'a TLBI by address: range.num must be an integer from 0 to 31, not 32',
  ],
  ['a CFGI of no stream', call(devices.cfgiSte), 'streamId must be a number, not undefined'],
  [
    'a CFGI of a large SubstreamID',
    call(devices.cfgiCd, 1, 2 ** 20),
    'substreamId must be an integer from 0 to 1048575, not 1048576',
  ],
  [
    'another action',
    call(devices.resume, 1, 2, 'retri'),
    'there is no action "retri": did you mean "retry"?',
  ],
  [
    'an odd MSI',
    call(devices.sync, 1, { address: 2, data: 0 }),
    'sync: address must be a multiple of 4, not 0x2',
  ],
];

const PARTS: readonly Case[] = [
  [
    'another memory',
    make(PhysicalRam, new WebAssembly.Memory({ initial: 1 })),
    'PhysicalRam: hostMemory must be a memory of createHostMemory',
  ],
  [
    'a unit over it',
    make(Unit, { modules, hostMemory: {}, thread: 0 }),
    'Unit: hostMemory must be a memory of createHostMemory',
  ],
  [
    'a unit of no modules',
    make(Unit, { modules: 5, hostMemory, thread: 0 }),
    'Unit: modules must be what loadHotModules has loaded',
  ],
  [
    'an SMMU of no unit',
    make(PhysicalSmmu, { unit: {}, smmuIndex: 0 }),
    'PhysicalSmmu: unit must be a Unit',
  ],
  [
    'a second SMMU',
    make(PhysicalSmmu, { unit, smmuIndex: 1 }),
    'PhysicalSmmu: smmuIndex must be an integer from 0 to 0, not 1',
  ],
  [
    'endpoints of no unit',
    make(SmmuEndpoint, { unit: {}, memory: { bytes: () => undefined } }),
    'SmmuEndpoint: unit must be a Unit',
  ],
  [
    'a port of no stream',
    () =>
      Reflect.apply(
        SmmuEndpoint.prototype.dmaPort,
        new SmmuEndpoint({ unit, memory: new PhysicalRam(hostMemory) }),
        [],
      ),
    'dmaPort: sid must be a number, not undefined',
  ],
  [
    'devices that are one',
    complex({ devices: device() }),
    'DeviceComplex: devices must be a list, not object',
  ],
  [
    'a device without a place',
    complex({ devices: [device()] }),
    'a place without a device: it is { device, addresses, … }',
  ],
  [
    'an address that is text',
    complex({ devices: [{ device: device(), addresses: ['0x1000'] }] }),
    'device dev: "0x1000" is not a gpa for a region: a multiple of 4 KiB',
  ],
  [
    'a line that is text',
    complex({ devices: [{ device: device(), addresses: [0], firstIrq: '4' }] }),
    'device dev: firstIrq must be an integer from 0, not "4"',
  ],
  [
    'memory without stores',
    complex({ memory: { load64: () => 0n } }),
    'DeviceComplex: memory must have a function store64',
  ],
  [
    'an interrupt controller without lines',
    complex({ interrupts: {} }),
    'DeviceComplex: interrupts must have a function line',
  ],
  ['a clock of 5', complex({ clock: 5 }), 'DeviceComplex: clock must be an object, not 5'],
  [
    'MSIs that nobody takes',
    complex({ msis: {} }),
    'DeviceComplex: msis must have a function send',
  ],
  [
    'a trace that is none',
    complex({ trace: 5 }),
    'DeviceComplex: trace must be a function, not number',
  ],
  [
    'a count of faults that is text',
    make(FaultyDevice, device(), { lateCons: '1' }),
    'FaultyDevice: lateCons must be a number, not string',
  ],
  [
    'a fault that is counted and cannot be',
    make(FaultyDevice, device(), { tornProd: 1 }),
    'FaultyDevice: tornProd must be true or false, not 1',
  ],
];

const V86: readonly Case[] = [
  [
    'no devices',
    plugged({ devices: undefined }),
    'plugDevices: devices must be a list, not undefined',
  ],
  [
    'a device without a place',
    plugged({ devices: [device()] }),
    'a place without a device: it is { device, addresses, … }',
  ],
  [
    'an IRQ that a PC has not',
    plugged({ devices: [{ device: device(2), addresses: [0xd0000000], firstIrq: 15 }] }),
    'dev has 2 IRQs from 15 on: a PC has 16, from 0',
  ],
  [
    'an MSI controller without doorbells',
    plugged({ msis: { send: () => true } }),
    'plugDevices: msis.doorbells must be a list, not undefined',
  ],
  [
    'an IRQ of 99',
    pc({ irqs: { smmu: 99, cmdqv: 11, dma: 5 } }),
    'plugSmmu: irqs.smmu must be an integer from 0 to 15, not 99',
  ],
  [
    'an IRQ that is text',
    pc({ irqs: { smmu: '9', cmdqv: 11, dma: 5 } }),
    'plugSmmu: irqs.smmu must be a number, not string',
  ],
  ['no page 0', pc({ page0: undefined }), 'plugSmmu: page0 is missing'],
  [
    'vectors in an object',
    pc({ msiVectors: { 33: 9 } }),
    'plugSmmu: msiVectors must be a Map from vectors to IRQs, not object',
  ],
  [
    'the vector of no IRQ',
    pc({ msiVectors: new Map([[33, 99]]) }),
    'msiVectors: the IRQ of vector 33 must be an integer from 0 to 15, not 99',
  ],
  [
    'a place that is no block',
    pc({ gpa: 0xd0001000 }),
    'plugSmmu: gpa must be a multiple of 0x20000 from 0x100000, where RAM ends, to 0xfff60000, not 0xd0001000',
  ],
  [
    'a place in RAM',
    pc({ gpa: 0xe0000 }),
    'plugSmmu: gpa must be a multiple of 0x20000 from 0x100000, where RAM ends, to 0xfff60000, not 0xe0000',
  ],
  [
    'a place that ends above 4 GiB',
    pc({ gpa: 0xfff80000 }),
    'plugSmmu: gpa must be a multiple of 0x20000 from 0x100000, where RAM ends, to 0xfff60000, not 0xfff80000',
  ],
  [
    'the last IRQ for two',
    pc({ irqs: { smmu: 15, cmdqv: 11, dma: 5 } }),
    'plugSmmu: irqs.smmu must be an integer from 0 to 14, not 15: the next IRQ is that of global errors',
  ],
  [
    'page 0 in the hole of the display',
    pc({ page0: 0xa0000 }),
    'plugSmmu: page0 must be 64 KiB of RAM at a multiple of 4 KiB, not 0xa0000',
  ],
  [
    'a host that has one VINTF, its own',
    pc({ host: small }),
    "vintfs is 1, of which one is the host's own: there is none to lend (2 to 64)",
  ],
  [
    'more devices that are one',
    pc({ devices: device() }),
    'plugSmmu: devices must be a list, not object',
  ],
];

const RANGES: readonly Case[] = [
  [
    'three VINTFs',
    make(devices.PhysicalCmdqv, { unit, smmuIndex: 0, vintfs: 3, vcmdqs: 4 }),
    'PhysicalCmdqv: vintfs must be a power of two from 1 to 64, not 3',
  ],
  [
    'fewer VCMDQs than VINTFs',
    make(devices.PhysicalCmdqv, { unit, smmuIndex: 0, vintfs: 4, vcmdqs: 2 }),
    'PhysicalCmdqv: vcmdqs must be a power of two from 4, which vintfs is, to 128, not 2',
  ],
  [
    'three VCMDQs',
    make(devices.PhysicalCmdqv, { unit, smmuIndex: 0, vintfs: 1, vcmdqs: 3 }),
    'PhysicalCmdqv: vcmdqs must be a power of two from 1, which vintfs is, to 128, not 3',
  ],
  [
    'half a page of BARs',
    make(devices.PcieHost, { window: { gpa: 0x1000, size: 0x800 }, functions: [] }),
    'PcieHost: window must be whole pages of 4 KiB, not 0x800 bytes at 0x1000',
  ],
  [
    'nothing behind a port',
    make(devices.PcieRootPort, 'port', []),
    'PcieRootPort: behind must be 1 to 8 functions, not 0',
  ],
  [
    'a MAC of two bytes',
    make(devices.VirtioNet, { mac: [2, 1] }),
    'VirtioNet: mac must be six numbers from 0 to 255, not 2, 1',
  ],
  [
    'a trace of three units',
    call(createHostMemory, { traceUnits: 3 }),
    'createHostMemory: traceUnits must be 0 or a power of two from 2048 on, not 3',
  ],
  [
    'a disk of half a sector',
    make(devices.VirtioBlock, new devices.MemoryDisk(new Uint8Array(256)), 'x'),
    'VirtioBlock: disk.size must be a multiple of 512 from 512 on, not 256',
  ],
  [
    'an access of nothing',
    () =>
      new SmmuEndpoint({ unit, memory: new PhysicalRam(hostMemory) }).translate(1, undefined, 0, 0),
    'translate: length must be an integer from 1 to 9007199254740991, not 0',
  ],
  [
    'a SubstreamID of 21 bits',
    () =>
      new SmmuEndpoint({ unit, memory: new PhysicalRam(hostMemory) }).translate(1, 2 ** 20, 0, 1),
    'translate: ssid must be an integer from 0 to 1048575, not 1048576',
  ],
];

const lineOf = (try_: () => unknown): string => {
  try {
    try_();
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('what is refused in one line', () => {
  it.each(RANGES)('by its range: %s', (_what, try_, line) => {
    expect(lineOf(try_)).toBe(line);
  });

  it.each(TABLES)('of tables and commands: %s', (_what, try_, line) => {
    expect(lineOf(try_)).toBe(line);
  });

  it.each(PARTS)('of the parts of a VMM: %s', (_what, try_, line) => {
    expect(lineOf(try_)).toBe(line);
  });

  it.each(V86)('of v86: %s', (_what, try_, line) => {
    expect(lineOf(try_)).toBe(line);
    expect(host.inspect().vms).toEqual([]);
  });

  it('is neither a signed number of WebAssembly nor an address of the upper half', () => {
    expect(devices.cfgiSte(-1)).toEqual(devices.cfgiSte(0xffffffff));
    const [, , lo, hi] = devices.tlbiNhVa(1, 1, { address: 0xffff_8000_0000_1000 });
    expect([lo, hi]).toEqual([0x1001, 0xffff8000]);
  });
});
