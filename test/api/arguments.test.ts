// SPDX-License-Identifier: MIT
// Arguments of everything public, read from the declarations: one that is missing, has
// another type, or is a number without a meaning is reported in one line that names it.
// New declarations are covered automatically.

import { afterAll, describe, expect, it } from 'vitest';
import * as main from 'vsmmu';
import * as devices from 'vsmmu/devices';
import * as iommufd from 'vsmmu/iommufd';
import * as mock from 'vsmmu/iommufd/mock';
import * as smmuHost from 'vsmmu/iommufd/smmu';
import * as testing from 'vsmmu/testing';
import { declaredParameters, type Parameter } from '../support/declared-parameters.ts';
import { EXPORTS } from '../support/public-exports.ts';
import { ScratchDevice } from '../support/scratch-device.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const host = await main.Host.create({ vintfs: 2, vcmdqs: 4 });
afterAll(() => host.destroy());
const machine = await host.createMachine({ guest: IDLE });
const hostMemory = devices.createHostMemory({ ramSize: 0x100000 });
const modules = await devices.loadHotModules();
const unit = new devices.Unit({ modules, hostMemory, thread: 0 });
const ram = new devices.PhysicalRam(hostMemory);
const stream = { unit, memory: ram, smmu: 0, virtSid: 0, physSid: 0 };
const pages = { load64: () => 0n, store64: () => undefined, allocate: () => 0x1000 };
const device = () => new ScratchDevice();
const call = () => undefined;
const disk = () => new devices.MemoryDisk(new Uint8Array(1024));
/** As in a worker, which can read a Blob synchronously. */
function blobDisk() {
  Object.assign(globalThis, {
    FileReaderSync: class {
      readAsArrayBuffer = (blob: Blob) => new ArrayBuffer(blob.size);
    },
  });
  return new devices.BlobDisk(new Blob([new Uint8Array(1024)]));
}
const ids = devices.PHYSICAL_ID_REGISTERS;
const guestIds = devices.GUEST_ID_REGISTERS;
const fake = new testing.FakeHost();
const fd = new iommufd.Iommufd();
const ioas = fd.ioasAlloc();
const smmu = await smmuHost.SmmuHost.create();
const vmMemory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const vmRegions = [{ gpa: 0, offset: 0, size: 0x100000 }];
const port = new devices.StreamDmaPort(stream);
const endpoint = new devices.SmmuEndpoint({ unit, memory: ram });
const table = new devices.PageTable(
  { load64: () => 0n, store64: call, allocate: () => 0x10000 },
  { stage: 1 },
);
const terminal = { write: call, onData: () => ({ dispose: call }) };
const decoded = devices.decodeSte(devices.bypassSte());
const words = [0, 0, 0, 0];
const bus = new testing.DeviceBus(device());
const space = new devices.Bus([{ device: device(), region: 0, address: 0x1000 }]);
const queue = new devices.TimerQueue({ nowNs: () => 0 });
const pcie = new devices.PcieHost({ window: { gpa: 0, size: 0x1000 }, functions: [] });
const random = new testing.Random(1);
const net = new devices.VirtioNet();
const { FIELD } = { FIELD: (1 << 8) | 4 };

/** By function: valid arguments and, for a method, its object. */
const RIGHT: Readonly<Record<string, readonly [args: readonly unknown[], self?: object]>> = {
  'Host.createMachine': [[{ guest: IDLE }], host],
  'Host.create': [[{}]],
  'Host.iotlb': [[0], host],
  'Machine.boot': [[{}], machine],
  'Machine.events': [['end'], machine],
  'Machine.on': [['end', call], machine],
  'Machine.readMemory': [[0x8000_0000, 4], machine],
  'Machine.readRegister': [['smmu', 0, 4], machine],
  'Machine.step': [[1], machine],
  'Machine.stop': [['reason'], machine],
  'Machine.wait': [[{}], machine],
  'Machine.write': [['x'], machine],
  attachTerminal: [[terminal, machine]],
  chromeTrace: [[[], 0]],
  connectGdb: [[machine, call]],
  haltForGdb: [[machine]],
  serveGdb: [[machine, {}]],
  virtBoard: [[{}]],
  BlobDisk: [[new Blob()]],
  'BlobDisk.read': [[0, new Uint8Array(4)], blobDisk()],
  MemoryDisk: [[new Uint8Array(512)]],
  'MemoryDisk.read': [[0, new Uint8Array(4)], disk()],
  'MemoryDisk.write': [[0, new Uint8Array(4)], disk()],
  CopyOnWriteDisk: [[disk(), 0x1000]],
  'CopyOnWriteDisk.read': [[0, new Uint8Array(4)], new devices.CopyOnWriteDisk(disk())],
  'CopyOnWriteDisk.write': [[0, new Uint8Array(4)], new devices.CopyOnWriteDisk(disk())],

  Bus: [[[]]],
  'Bus.isMapped': [[0x1000], space],
  'Bus.read': [[0x1000, 4, 0], space],
  'Bus.write': [[0x1000, 4, 0, 0, 0], space],
  Checkpoint: [[{ onPhase: call, onResult: call }]],
  ContextBlock: [[hostMemory, 0, 0]],
  DeviceComplex: [
    [{ devices: [], memory: ram, interrupts: { line: call }, clock: devices.SYSTEM_CLOCK }],
  ],
  DmaEngine: [['dma']],
  DmaEnginePci: [['dma']],
  'LogDecoder.add': [['x'], new devices.LogDecoder()],
  PageTable: [[pages, { stage: 1 }]],
  'PageTable.leafOf': [[0x1000], table],
  'PageTable.map': [[0, 0, 0x1000, 3n, {}], table],
  'PageTable.unmap': [[0, 0x1000], table],
  'PcieHost.dmaPortOf': [[device(), call], pcie],
  'PcieHost.requesterIdsOf': [[device()], pcie],
  PcieTestDevice: [['test']],
  PcieRootPort: [['port', [new devices.DmaEnginePci('dma')]]],
  PcieHost: [[{ window: { gpa: 0, size: 0x1000 }, functions: [] }]],
  PhysicalCmdqv: [[{ unit, smmuIndex: 0, vintfs: 1, vcmdqs: 2 }]],
  PhysicalRam: [[hostMemory]],
  'PhysicalRam.bytes': [[0, 8], ram],
  'PhysicalRam.load64': [[0], ram],
  'PhysicalRam.store32': [[0, 0], ram],
  'PhysicalRam.store64': [[0, 0n], ram],
  PhysicalSmmu: [[{ unit, smmuIndex: 0 }]],
  'PhysicalSmmu.plantFault': [
    [{ event: 'F_TLB_CONFLICT', streamId: 0 }],
    new devices.PhysicalSmmu({ unit, smmuIndex: 0 }),
  ],
  Pl011: [[{ onOutput: call }]],
  'Pl011.receive': [[new Uint8Array(1)], new devices.Pl011({ onOutput: call })],
  QueueBlock: [[hostMemory, 0, 0]],
  RegisterFile: [[0x10, []]],
  SegmentBlock: [[hostMemory, 0]],
  SmmuEndpoint: [[{ unit, memory: ram }]],
  'SmmuEndpoint.dmaPort': [[0], endpoint],
  'SmmuEndpoint.translate': [[0, undefined, 0, 1, {}], endpoint],
  StreamDmaPort: [[stream]],
  'StreamDmaPort.hint': [[0, 1, false, {}], port],
  'StreamDmaPort.read': [[0, new Uint8Array(1), {}], port],
  'StreamDmaPort.write': [[0, new Uint8Array(1), {}], port],
  ThreadBlock: [[hostMemory, 0]],
  TimerQueue: [[{ nowNs: () => 0 }]],
  'TimerQueue.add': [['one', 'two', call], queue],
  Unit: [[{ modules, hostMemory, thread: 0 }]],
  VirtioBlock: [[disk(), 'id']],
  VirtioConsole: [[call]],
  'VirtioConsole.receive': [[new Uint8Array(1)], new devices.VirtioConsole(call)],
  VirtioEntropy: [[call]],
  VirtioMmio: [['one', net, {}]],
  VirtioNet: [[{}]],
  'VirtioNet.receive': [[new Uint8Array(60)], net],
  VirtioPci: [['one', net]],
  VirtualCmdqv: [[{}]],
  VirtualSmmu: [[{}]],
  actionsOf: [[0, 0]],
  addressSizeCode: [[48]],
  addressSizeOf: [[0]],
  atcInv: [[{ streamId: 0, address: 0, size: 0 }]],
  bitsOf: [[0, FIELD]],
  cfgiCd: [[0, 0, true]],
  cfgiCdAll: [[0]],
  cfgiSte: [[0, true]],
  cfgiSteRange: [[0, 0]],
  checkGuestIdRegisters: [[guestIds, ids]],
  checkIdRegisters: [[ids, 'physical']],
  cmdqvRegionSize: [[1]],
  commandSummary: [['SYNC']],
  commandTgOf: [[4096]],
  contextDescriptor: [[{ asid: 1 }]],
  createHostMemory: [[{}]],
  decodeCd: [[words]],
  decodeCommand: [[words]],
  decodeEvent: [[words]],
  decodePte: [[words, { granule: 4096, level: 3, stage: 1 }]],
  decodeSte: [[words]],
  decodedText: [[decoded]],
  defineDevice: [[{ name: 'one', kind: 'one ', registers: {} }]],
  enhancedQueueCount: [[ids]],
  eventRecord: [[words]],
  eventType: [[1]],
  fieldOf: [[words, FIELD]],
  granuleShift: [[4096]],
  guestIdRegisters: [[ids, {}]],
  guestMemoryOf: [[vmMemory, vmRegions]],
  hexOfWords: [[words]],
  isChecked: [[modules]],
  lackedBy: [[ids]],
  lackedCommands: [[0]],
  leafAllowed: [[4096, 3, false]],
  level1SteDescriptor: [[0, 0]],
  levelShift: [[4096, 3]],
  loadHotModules: [[{}, {}]],
  loadStructure: [[pages, 0, 8]],
  maskInWord: [[FIELD]],
  nestedSte: [[{ contextPtr: 0 }, { vmid: 1, ttb: 0, inputBits: 48 }]],
  pageRequest: [[{ streamId: 0, group: 0, address: 0, write: true }]],
  prefetchConfig: [[0]],
  priResp: [[0, 0, 0, 0]],
  printable: [['x', 1]],
  requestExit: [[new Int32Array(4), { count: 1, offset: 0, stride: 4, value: 1 }]],
  resume: [[0, 0, 'retry']],
  s2sl0Of: [[4096, 1]],
  setField: [[words, FIELD, 1]],
  smmuBase: [[0]],
  smmuBlockOf: [[unit, 0, 'x']],
  splitAddress: [[0]],
  stage1StartLevel: [[4096, 48]],
  stage1Ste: [[{ contextPtr: 0 }]],
  stage2StartLevel: [[4096, 48]],
  stage2Ste: [[{ vmid: 1, ttb: 0, inputBits: 48 }]],
  stallTerm: [[0]],
  storeStructure: [[pages, 0, [0, 0]]],
  sync: [[0, { address: 0, data: 0 }]],
  tg0Of: [[4096]],
  tg1Of: [[4096]],
  testdevCommands: [[call]],
  tlbiEl2Asid: [[0]],
  tlbiEl2Va: [[0, { address: 0 }]],
  tlbiEl2Vaa: [[{ address: 0 }]],
  tlbiNhAll: [[0]],
  tlbiNhAsid: [[0, 0]],
  tlbiNhVa: [[0, 0, { address: 0 }]],
  tlbiNhVaa: [[0, { address: 0 }]],
  tlbiS12Vmall: [[0]],
  tlbiS2Ipa: [[0, { address: 0 }]],
  unknownName: [['x', 'y', ['z']]],
  unnamedRegister: [[{ name: 'one', size: 0x1000, accessSizes: [4] }, 0]],
  withBits: [[0, FIELD, 1]],
  withoutStalls: [[ids]],
  wordOf: [[FIELD]],
  wordsOfHex: [[['0123456789abcdef']]],
  wordsOfText: [['0', 1]],
  writeActions: [[hostMemory, 0, ids.idr0]],
  writeCd: [[pages, 0, 0, new Uint32Array(16)]],
  writeCommand: [[pages, 0, 0, new Uint32Array(4)]],
  writeSte: [[pages, 0, 0, new Uint32Array(16)]],

  DeviceBus: [[device()]],
  'DeviceBus.read': [[0, 0, 4], bus],
  'DeviceBus.read32': [[0], bus],
  'DeviceBus.read64': [[0], bus],
  'DeviceBus.write': [[0, 0, 4, 0, 0], bus],
  'DeviceBus.write32': [[0, 0], bus],
  'DeviceBus.write64': [[0, 0n], bus],
  DeviceWrapper: [[device()]],
  FakeHost: [[{}]],
  'FakeHost.background': [[{ name: 'x', poll: () => 0 }], fake],
  'FakeHost.interruptLine': [[0], fake],
  'FakeHost.level': [[0], fake],
  'FakeHost.mapDirect': [[{ region: 0, offset: 0, length: 4, doorbell: undefined }], fake],
  'FakeHost.msi': [[0, 0], fake],
  'FakeHost.pulses': [[0], fake],
  'FakeHost.reset': [[device()], fake],
  'FakeHost.timer': [['x', call], fake],
  'FakeHost.trace': [[{ name: 'x' }], fake],
  FaultyDevice: [[device(), {}]],
  QuirkyCmdqv: [[device(), {}]],
  Random: [[1]],
  'Random.below': [[4], random],
  'Random.pick': [[[1, 2]], random],
  deviceContract: [[device, {}]],

  Iommufd: [[{}]],
  'Iommufd.attach': [[1, 1], fd],
  'Iommufd.attachedTo': [[1], fd],
  'Iommufd.destroy': [[99], fd],
  'Iommufd.detach': [[1], fd],
  'Iommufd.faultQueueAlloc': [[{}], fd],
  'Iommufd.hwInfo': [[1, 0, 0], fd],
  'Iommufd.ioasAllowIovas': [[ioas, []], fd],
  'Iommufd.ioasIovaRanges': [[ioas], fd],
  'Iommufd.ioasUnmap': [[ioas, 0n, 0x1000n], fd],
  'Iommufd.mmap': [[0, 0x1000, {}], fd],
  'Iommufd.replace': [[1, 1], fd],
  'Iommufd.unbind': [[1], fd],
  'SmmuHost.addDevice': [['x', 1], smmu],
  'SmmuHost.allocate': [[0x1000], smmu],
  'SmmuHost.bytes': [[0, 8], smmu],
  'SmmuHost.create': [[{}]],
  'SmmuHost.createVm': [['x', vmMemory, vmRegions], smmu],
  'SmmuHost.destroyVm': [[{}], smmu],
  'SmmuHost.dmaPort': [[1], smmu],
  'SmmuHost.removeDevice': [[{}], smmu],
  'SmmuHost.translate': [[1, 0, 1, false], smmu],
  MockDevice: [['x', new mock.MockIommu()]],
  MockIommu: [['x', call]],
  plugDevices: [[{}, { window: { gpa: 0xd000_0000, size: 0x2_0000 }, devices: [] }]],
  plugSmmu: [[{}, { host, page0: 0x4_0000, irqs: { smmu: 9, cmdqv: 11, dma: 5 } }]],
};

/** Declarations that need no row, with the reason. */
const EXEMPT: readonly RegExp[] = [
  // A device's own interface, and that of its functions: a bus or a transport calls it
  // with values that it has checked.
  /^(?:Checkpoint|DmaEngine|DmaEnginePci|PcieEndpoint|PcieHost|PcieRootPort|PcieTestDevice|PhysicalCmdqv|PhysicalSmmu|Pl011|VirtioMmio|VirtioPci|VirtualCmdqv|VirtualSmmu|DeviceWrapper|FaultyDevice|QuirkyCmdqv)\.(?:attach|plug|read|write|restore|registerName|start|allows|config\w+|\w+Bar|setIntx|prepareFunction|barRegisterName|changes|forwards|interruptLine|mapDirect)$/,
  /^Virtio\w+\.(?:begin|wants)$/,
  // Called at each access of a register: the device checks its description once.
  /^RegisterFile\./,
  /^(?:writtenTo|Random\.)/,
  // Called by the hot modules' own classes.
  /^(?:ContextBlock|QueueBlock|SegmentBlock|ThreadBlock|PortUnit|TranslatingUnit|Unit)\.\w+$/,
  /^(?:PortUnit|TranslatingUnit)$/,
  // Options, which have a row in option-values.test.ts.
  /^PcieEndpoint$/,
  // A saved state of another device is refused, and the error says so.
  /^(?:plainStateLike|stateFields|savedTimer|saveTimer|restoreTimer)$/,
  // These check values that others pass, and accept every type.
  /^(?:check(?:Function|Given|Names|RequiredFunction)|is(?:Pasid|Word))$/,
  // Thrown to users, not constructed by them.
  /Error(?:\.of)?$/,
  // Created by Host.createMachine.
  /^Machine$/,
  // Called by Iommufd, with values that it has checked.
  /^(?:MockIommu|MockPagingDomain|MockNestedDomain|FaultGroups)(?:\.\w+)?$/,
  // Checks its requests: option-values.test.ts.
  /^Iommufd\.(?:bind|hwptAlloc|hwptInvalidate\w*|hwQueueAlloc|ioasMap|v\w+Alloc)$/,
];

const cases = [...declaredParameters(EXPORTS)].flatMap(([path, parameters]) =>
  parameters.map((parameter, at) => [path, parameter.name, at, parameter] as const),
);
/** An argument that names the caller in a message can be any text. */
const rows = cases.filter(([path, name]) => RIGHT[path] !== undefined && name !== 'what');

/** Arguments that messages call by another name. */
const ALSO: Readonly<Record<string, RegExp>> = {
  'smmuBlockOf index': /smmuIndex/,
  'Host.createMachine options': /guest/,
  'plugDevices emulator': /emulator|V86/,
  'plugSmmu emulator': /emulator|V86/,
};
/**
 * Messages that identify the argument without its name: there is only one object, list or
 * event.
 */
const UNNAMED =
  /a command\[|takes an object|takes a list|there is no (?:event|action)|words of 32 bits|^E[A-Z]+: /;

/** Numbers that need not be integers: the guest defines the unit of a budget. */
const FRACTIONS = ['Machine.step budget'];

/** Values that do not have the type. */
function wrongOf({ type: declared, isOptional }: Parameter): readonly unknown[] {
  const type = declared.replace(/ \| undefined$/, '');
  const missing = isOptional ? [] : [undefined];
  if (/^(?:number|Granule|AccessSize|Field|4 \| 8)$/.test(type))
    return [...missing, '1', Number.NaN, 1.5, Number.POSITIVE_INFINITY, -(2 ** 40), {}, null, 1n];
  if (type === 'bigint') return [...missing, 1, '1', null, 1.5];
  if (type === 'boolean') return [...missing, 'yes', 1, null];
  if (type === 'string' || /^K$|'/.test(type)) return [...missing, 5, {}, null];
  if (type.includes('=>') || /Gate$|Factory$/.test(type)) return [...missing, 'x', {}, null];
  if (/Uint8Array|Int32Array/.test(type)) return [...missing, 5, {}, null];
  if (/^(?:Words|ArrayLike<number>|Uint32Array.*)$/.test(type))
    return [...missing, '12', 5, {}, null, [1n, 1n, 1n, 1n]];
  if (/\[\]$/.test(type)) return [...missing, 'x', {}, 5, null];
  return [...missing, 5, 'x', null, 1n];
}

async function told(path: string, at: number, value: unknown): Promise<string> {
  const [args, self] = RIGHT[path] as (typeof RIGHT)[string];
  const given = args.map((one, i) => (i === at ? value : one));
  if (at >= given.length) given[at] = value;
  const [name = '', method] = path.split('.');
  const owner = EXPORTS[name] as { prototype: object };
  try {
    if (method) {
      const object = self ?? owner;
      await Reflect.apply(Reflect.get(object, method), object, given);
    } else if (/^[A-Z]/.test(name)) Reflect.construct(owner as never, given);
    else await Reflect.apply(owner as never, undefined, given);
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('an argument that none can be', () => {
  it('is checked in every public function with arguments', () => {
    const names = new Set(cases.map(([path]) => path));
    const left = [...names].filter(
      (path) => RIGHT[path] === undefined && !EXEMPT.some((exempt) => exempt.test(path)),
    );
    expect(left).toEqual([]);
  });

  it.each(Object.keys(RIGHT))(
    'is never accepted where the rows have valid ones: %s',
    async (path) => {
      expect(await told(path, -1, undefined)).not.toMatch(/\bnot (?:undefined|number)\b/);
    },
  );

  it.each(rows)('is reported in one line: %s, %s', async (path, name, at, parameter) => {
    for (const value of wrongOf(parameter)) {
      if (value === 1.5 && FRACTIONS.includes(`${path} ${name}`)) continue;
      const line = await told(path, at, value);
      const what = `${typeof value} ${String(value)}`;
      const named = [new RegExp(`\\b${name}\\b`, 'i'), UNNAMED, ALSO[`${path} ${name}`]];
      expect
        .soft(
          named.some((one) => one?.test(line)),
          `${what}: ${line}`,
        )
        .toBe(true);
      expect.soft(line, what).toMatch(/must|is missing|is \d+ words/.test(line) ? /./ : UNNAMED);
      expect.soft(line, what).not.toContain('\n');
    }
  });
});
