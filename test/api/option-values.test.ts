// SPDX-License-Identifier: MIT
// Values of all options in the declarations: one of another type, or a number without a
// meaning, is reported in one line that names the option, by every public function.
// Options and their types are read from the declarations, so new ones are covered
// automatically.

import { afterAll, describe, expect, it } from 'vitest';
import * as main from 'vsmmu';
import * as devices from 'vsmmu/devices';
import * as iommufd from 'vsmmu/iommufd';
import * as smmuHost from 'vsmmu/iommufd/smmu';
import * as testing from 'vsmmu/testing';
import * as v86 from 'vsmmu/v86';
import { PHYSICAL_ID_REGISTERS } from '../../devices/smmuv3/index.ts';
import { fieldsOf, functionsTaking } from '../support/declared-fields.ts';
import { EXPORTS } from '../support/public-exports.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const host = await main.Host.create({ vintfs: 2, vcmdqs: 4 });
afterAll(() => host.destroy());
const machine = await host.createMachine({ guest: IDLE });
const device = () => devices.defineDevice({ name: 'none', kind: 'none', registers: {} });
const pages = { load64: () => 0n, store64: () => undefined, allocate: () => 0x1000 };
const hostMemory = devices.createHostMemory({ ramSize: 0x100000 });
const modules = await devices.loadHotModules();
const unit = new devices.Unit({ modules, hostMemory, thread: 0 });
const ram = new devices.PhysicalRam(hostMemory);
const endpoint = new devices.SmmuEndpoint({ unit, memory: ram });
const fd = new iommufd.Iommufd();
const ioas = fd.ioasAlloc();
/** An object that has every function. */
const any = new Proxy({}, { get: () => () => undefined });
const call = () => undefined;
const emulator = {
  v86: {
    cpu: {
      mem8: new Uint8Array(new SharedArrayBuffer(0x100000)),
      wasm_memory: new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true }),
      io: { mmap_register: call },
      device_raise_irq: call,
      device_lower_irq: call,
    },
    do_tick: call,
  },
};
const TABLES = { ttb: 0x1000, inputBits: 48 };
const ids = PHYSICAL_ID_REGISTERS;

type Taking = readonly [
  options: string,
  call: (options: never) => unknown,
  /** Valid values of them. */
  right?: object,
  /** Options whose value another test checks, or that also accept another type. */
  except?: readonly string[],
];

/** By function: the interface of its options, and a call with them. */
const TAKING: Readonly<Record<string, Taking>> = {
  'Host.create': ['HostOptions', (options) => main.Host.create(options)],
  'Host.create: faults': ['HostFaults', (faults) => main.Host.create({ faults })],
  'Host.create: wasmUrl': ['HotModuleUrls', (wasmUrl) => main.Host.create({ wasmUrl })],
  'Host.create: workerUrl': ['WorkerUrls', (workerUrl) => main.Host.create({ workerUrl })],
  'Host.createMachine': [
    'MachineOptions',
    (options) => host.createMachine(options),
    { guest: IDLE },
  ],
  'Host.createMachine: faults': [
    'DeviceFaults',
    (faults) => host.createMachine({ guest: IDLE, faults }),
  ],
  'Host.createMachine: devices': [
    'Placement',
    (place) => host.createMachine({ guest: IDLE, devices: [place] }),
    { device: device(), addresses: [0x1000_0000] },
  ],
  'Machine.boot': ['BootOptions', (options) => machine.boot(options)],
  serveGdb: ['GdbServerOptions', (options) => main.serveGdb(machine, options)],
  virtBoard: ['VirtBoardOptions', (options) => main.virtBoard(options)],

  Checkpoint: [
    'CheckpointOptions',
    (options) => new devices.Checkpoint(options),
    { onPhase: call, onResult: call },
  ],
  DeviceComplex: [
    'DeviceComplexOptions',
    (options) => new devices.DeviceComplex(options),
    { devices: [], memory: ram, interrupts: { line: call }, clock: devices.SYSTEM_CLOCK },
  ],
  PageTable: ['PageTableOptions', (options) => new devices.PageTable(pages, options), { stage: 1 }],
  'PageTable.map': [
    'MapOptions',
    (options) => new devices.PageTable(pages, { stage: 1 }).map(0, 0, 0x1000, 3n, options),
  ],
  PhysicalCmdqv: [
    'PhysicalCmdqvOptions',
    (options) => new devices.PhysicalCmdqv(options),
    { unit, smmuIndex: 0, vintfs: 1, vcmdqs: 2 },
  ],
  PhysicalSmmu: [
    'PhysicalSmmuOptions',
    (options) => new devices.PhysicalSmmu(options),
    { unit, smmuIndex: 0 },
  ],
  'PhysicalSmmu.plantFault': [
    'PlantedFault',
    (fault) => new devices.PhysicalSmmu({ unit, smmuIndex: 0 }).plantFault(fault),
    { event: 'F_TLB_CONFLICT', streamId: 0 },
  ],
  Pl011: ['Pl011Options', (options) => new devices.Pl011(options), { onOutput: call }],
  PcieEndpoint: [
    'PcieEndpointOptions',
    (options) => Reflect.construct(devices.PcieEndpoint, [options]),
    {
      name: 'one',
      kind: 1,
      identity: { vendorId: 1, deviceId: 1, classCode: 1, interruptPin: 1 },
      bar: { name: 'bar', size: 0x1000, accessSizes: [4] },
      vectors: 1,
    },
  ],
  PcieHost: [
    'PcieHostOptions',
    (options) => new devices.PcieHost(options),
    { window: { gpa: 0, size: 0x1000 }, functions: [] },
  ],
  SmmuEndpoint: [
    'SmmuEndpointOptions',
    (options) => new devices.SmmuEndpoint(options),
    { unit, memory: ram },
  ],
  'SmmuEndpoint.translate': [
    'EndpointAccess',
    (access) => endpoint.translate(0, undefined, 0, 1, access),
  ],
  StreamDmaPort: [
    'DmaStream',
    (stream) => new devices.StreamDmaPort(stream),
    { unit, memory: ram, smmu: 0, virtSid: 0, physSid: 0 },
  ],
  Unit: ['UnitOptions', (options) => new devices.Unit(options), { modules, hostMemory, thread: 0 }],
  VirtioConsole: [
    'VirtioConsoleOptions',
    (options) => new devices.VirtioConsole(() => undefined, options),
  ],
  VirtioMmio: [
    'VirtioMmioOptions',
    (options) => new devices.VirtioMmio('one', new devices.VirtioNet(), options),
  ],
  VirtioNet: ['VirtioNetOptions', (options) => new devices.VirtioNet(options)],
  VirtualCmdqv: [
    'VirtualCmdqvOptions',
    (options) => new devices.VirtualCmdqv(options),
    { backend: any },
  ],
  VirtualSmmu: [
    'VirtualSmmuOptions',
    (options) => new devices.VirtualSmmu(options),
    { backend: any, idRegisters: ids },
  ],
  atcInv: [
    'AtcInvalidation',
    (target) => devices.atcInv(target),
    { streamId: 0, address: 0, size: 0 },
  ],
  contextDescriptor: [
    'ContextDescriptor',
    (options) => devices.contextDescriptor(options),
    { asid: 1 },
  ],
  'contextDescriptor: lower': [
    'CdTables',
    (lower) => devices.contextDescriptor({ asid: 1, lower }),
    TABLES,
  ],
  createHostMemory: ['HostMemoryOptions', (options) => devices.createHostMemory(options)],
  decodePte: [
    'PteOptions',
    (options) => devices.decodePte([0, 0], options),
    { granule: 4096, level: 3, stage: 1 },
  ],
  defineDevice: [
    'DeviceDescription',
    (description) => devices.defineDevice(description),
    { name: 'one', kind: 'one ', registers: {} },
  ],
  loadHotModules: ['HotModuleUrls', (urls) => devices.loadHotModules(urls)],
  'loadHotModules: options': ['HotModuleOptions', (options) => devices.loadHotModules({}, options)],
  pageRequest: [
    'PageRequestEntry',
    (entry) => devices.pageRequest(entry),
    { streamId: 0, group: 0, address: 0, write: true },
  ],
  stage1Ste: ['SteStage1', (stage1) => devices.stage1Ste(stage1), { contextPtr: 0 }],
  stage2Ste: [
    'SteStage2',
    (stage2) => devices.stage2Ste(stage2),
    { vmid: 1, ttb: 0, inputBits: 48 },
  ],
  sync: ['SyncMsi', (msi) => devices.sync(1, msi), { address: 0, data: 0 }],
  tlbiNhVa: ['TlbiAddress', (target) => devices.tlbiNhVa(0, 0, target), { address: 0 }],
  'tlbiNhVa: range': [
    'TlbiRange',
    (range) => devices.tlbiNhVa(0, 0, { address: 0, range }),
    { granule: 4096, num: 1, scale: 1 },
  ],

  Iommufd: ['IommufdOptions', (options) => new iommufd.Iommufd(options)],
  'Iommufd.ioasMap': [
    'MapRequest',
    (request) => fd.ioasMap(ioas, request),
    { length: 0x1000n, memory: any, address: 0 },
  ],
  'Iommufd.hwptAlloc': [
    'HwptRequest',
    (request) => fd.hwptAlloc(request),
    { device: 0, parent: ioas },
  ],
  'Iommufd.viommuAlloc': [
    'ViommuAllocRequest',
    (request) => fd.viommuAlloc(request),
    { device: 0, hwpt: 0, type: 1 },
  ],
  'Iommufd.mmap': ['MmapHow', (how) => fd.mmap(0, 0x1000, how)],
  'Iommufd.vdeviceAlloc': [
    'VdeviceRequest',
    (request) => fd.vdeviceAlloc(request),
    { viommu: 0, device: 0, virtId: 0n },
  ],
  'Iommufd.veventqAlloc': [
    'VeventqRequest',
    (request) => fd.veventqAlloc(request),
    { viommu: 0, type: 1, depth: 1 },
  ],
  'Iommufd.faultQueueAlloc': ['FaultQueueRequest', (request) => fd.faultQueueAlloc(request)],
  'Iommufd.hwQueueAlloc': [
    'HwQueueAllocRequest',
    (request) => fd.hwQueueAlloc(request),
    { viommu: 0, type: 1, index: 0, iova: 0n, length: 0n },
  ],
  'Iommufd.hwptInvalidate': [
    'InvalidateRequest',
    (request) => fd.hwptInvalidate(0, request),
    { dataType: 0, entryLength: 8, entries: new Uint8Array(), count: 0 },
  ],
  'SmmuHost.create': ['SmmuHostOptions', (options) => smmuHost.SmmuHost.create(options)],

  FakeHost: ['FakeHostOptions', (options) => new testing.FakeHost(options)],
  FaultyDevice: ['DeviceFaults', (faults) => new testing.FaultyDevice(device(), faults)],
  QuirkyCmdqv: ['CmdqvQuirks', (quirks) => new testing.QuirkyCmdqv(device(), quirks)],
  deviceContract: ['ContractOptions', (options) => testing.deviceContract(device, options)],
  plugDevices: [
    'PlugOptions',
    (options) => v86.plugDevices(emulator, options),
    { window: { gpa: 0xd000_0000, size: 0x2_0000 }, devices: [] },
  ],
  plugSmmu: [
    'V86SmmuOptions',
    (options) => v86.plugSmmu(emulator, options),
    { host, page0: 0x4_0000, irqs: { smmu: 9, cmdqv: 11, dma: 5 } },
  ],
};

const NOT_NUMBERS = ['1', Number.NaN, 1.5, -(2 ** 40), Infinity, {}, null];
const NOT_FUNCTIONS = ['x', {}, null];
const NOT_LISTS = ['x', {}, 5, null];
const NOT_OBJECTS = [5, 'x', [], null];
/** Types that are functions, by name. */
const FUNCTIONS = ['QueueErrorPolicy', 'ResolvePa', 'ResourceGate', 'Stimulus', 'UnitOf'];
const NUMBERS = ['number', 'Granule', '1 | 2'];

/** Numbers that may be Infinity. */
const ENDLESS = ['enableDelay', 'disableDelay'];

/** Values that do not have the type. */
function wrongOf(type: string): readonly unknown[] {
  if (type === 'boolean' || type === 'BusMaster') return ['yes', 1, null];
  if (NUMBERS.includes(type)) return NOT_NUMBERS;
  if (type === 'string') return [5, {}, null];
  if (type === 'bigint') return [1, '1', -1n, null];
  if (type.includes('=>') || FUNCTIONS.includes(type)) return NOT_FUNCTIONS;
  if (/^readonly .*\[\]$/s.test(type)) return NOT_LISTS;
  if (/^(?:boolean \| )?'[^|]+'(?: \| '[^|]+')*$/.test(type)) return ['nonesuch', 5, null];
  if (type.includes('keyof') || /^(?:IommuKind|VirtRole|VirtMsi|IdRegisters)$/.test(type))
    return ['nonesuch', 5, null];
  if (type === 'string | URL' || type === 'GuestSource') return [5, {}, null];
  return NOT_OBJECTS;
}

const cases = Object.entries(TAKING).flatMap(([path, [name, , , except = []]]) =>
  [...fieldsOf(name)]
    .filter(([field]) => !except.includes(field))
    .map(([field, type]) => [path, field, type] as const),
);

/** Functions that need no row of their own, with the reason. */
const EXEMPT = [
  // Checks the same options in the same way as a function with a row.
  ...['tlbiNhVaa', 'tlbiS2Ipa', 'tlbiEl2Va', 'tlbiEl2Vaa', 'nestedSte', 'PortUnit'],
  // Called by Iommufd, with values that it has checked.
  ...['MockIommu.allocPaging', 'MockIommu.allocNested', 'MockIommu.allocViommu'],
  ...[
    'MockNestedDomain',
    'MockNestedDomain.invalidate',
    'MockIommu.triggerFault',
    'FaultGroups.report',
  ],
  // The host of a device, called by the device.
  'FakeHost.mapDirect',
  // Checks its vIOMMU before its request: host/iommufd.
  'Iommufd.hwptInvalidateQueue',
  // Thrown to users, not constructed by them.
  'EnvironmentError',
  'GuestImageError',
  'KernelImageError',
];

describe('a value that no option has', () => {
  it('is checked by every public function with options', () => {
    const known = [...Object.keys(TAKING), ...EXEMPT];
    expect(functionsTaking(EXPORTS).filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(cases)('is reported in one line: %s, %s: %s', async (path, field, type) => {
    const [, made, right = {}] = TAKING[path] as Taking;
    for (const value of wrongOf(type)) {
      if (value === Infinity && ENDLESS.includes(field)) continue;
      const told = await (async () => made({ ...right, [field]: value } as never))().then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      const what = `${typeof value} ${String(value)}`;
      expect(told, what).toMatch(new RegExp(`\\b${field}\\b`));
      expect(told, what).toMatch(/must|is no|is four|takes an object|has no/);
      expect(told, what).not.toContain('\n');
    }
    expect(host.machines.length).toBe(1);
  });
});
