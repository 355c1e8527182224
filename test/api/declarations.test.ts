// SPDX-License-Identifier: MIT
// The declarations of all entry points: every public function or method with options
// reports a misspelt option in one line, and every class has a description of its own.
// New declarations are covered automatically.

import { afterAll, describe, expect, it } from 'vitest';
import * as main from 'vsmmu';
import * as devices from 'vsmmu/devices';
import * as iommufd from 'vsmmu/iommufd';
import { DECLARATIONS, functionsTaking } from '../support/declared-fields.ts';
import { EXPORTS } from '../support/public-exports.ts';
import { reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const host = await main.Host.create();
afterAll(() => host.destroy());
const machine = await host.createMachine({ guest: IDLE });
const device = () => devices.defineDevice({ name: 'none', kind: 'none', registers: {} });
const pages = { load64: () => 0n, store64: () => undefined, allocate: () => 0x1000 };
const table = new devices.PageTable(pages, { stage: 1 });
const hostMemory = devices.createHostMemory({ ramSize: 0x100000 });
const unit = new devices.Unit({ modules: await devices.loadHotModules(), hostMemory, thread: 0 });
const ram = new devices.PhysicalRam(hostMemory);
const endpoint = new devices.SmmuEndpoint({ unit, memory: ram });
const smmu = new devices.PhysicalSmmu({ unit, smmuIndex: 0 });
const fd = new iommufd.Iommufd();
const target = { adress: 0 };

/** The object on which a method is called. */
const OBJECTS: Readonly<Record<string, object>> = {
  Host: host,
  Iommufd: fd,
  Machine: machine,
  PageTable: table,
  PhysicalSmmu: smmu,
  SmmuEndpoint: endpoint,
};

/** By function, class or method: arguments with an unknown name, and the correct name. */
const MISSPELT: Readonly<Record<string, readonly [args: readonly unknown[], meant: string]>> = {
  'Host.create': [[{ vintf: 1 }], 'vintfs'],
  'Host.createMachine': [[{ guset: IDLE }], 'guest'],
  'Machine.boot': [[{ puased: true }], 'paused'],
  'Machine.wait': [[{ singal: undefined }], 'signal'],
  serveGdb: [[machine, { prot: 0 }], 'port'],
  virtBoard: [[{ initrdd: undefined }], 'initrd'],

  Checkpoint: [[{ onPhases: undefined }], 'onPhase'],
  DeviceComplex: [[{ device: [] }], 'devices'],
  PageTable: [[pages, { stag: 1 }], 'stage'],
  'PageTable.map': [[0, 0, 0x1000, 0n, { block: false }], 'blocks'],
  PhysicalCmdqv: [[{ vintf: 1 }], 'vintfs'],
  PhysicalSmmu: [[{ atcTimeOut: 1 }], 'atcTimeout'],
  'PhysicalSmmu.plantFault': [[{ streamID: 1 }], 'streamId'],
  Pl011: [[{ onOutptu: undefined }], 'onOutput'],
  PortUnit: [[{ thraed: 0 }], 'thread'],
  SmmuEndpoint: [[{ smmuindex: 0 }], 'smmuIndex'],
  'SmmuEndpoint.translate': [[0, undefined, 0, 1, { wirte: true }], 'write'],
  StreamDmaPort: [[{ virtSID: 0 }], 'virtSid'],
  Unit: [[{ thraed: 0 }], 'thread'],
  VirtualCmdqv: [[{ backed: 0 }], 'backend'],
  VirtualSmmu: [[{ idRegister: 0 }], 'idRegisters'],
  PcieEndpoint: [[{ barr: 0 }], 'bar'],
  PcieHost: [[{ windwo: 0 }], 'window'],
  VirtioConsole: [[() => undefined, { onRest: () => undefined }], 'onReset'],
  VirtioMmio: [['one', new devices.VirtioNet(), { legcay: true }], 'legacy'],
  VirtioNet: [[{ onframe: undefined }], 'onFrame'],
  atcInv: [[{ streamID: 0 }], 'streamId'],
  contextDescriptor: [[{ asdi: 0 }], 'asid'],
  createHostMemory: [[{ ramsize: 0 }], 'ramSize'],
  decodePte: [[[0, 0], { granules: 4096 }], 'granule'],
  defineDevice: [[{ nmae: 'x' }], 'name'],
  loadHotModules: [[{ smmucore: 'x' }], 'smmuCore'],
  nestedSte: [[{ contextptr: 0 }, {}], 'contextPtr'],
  pageRequest: [[{ adress: 0 }], 'address'],
  stage1Ste: [[{ contextptr: 0 }], 'contextPtr'],
  stage2Ste: [[{ vmdi: 0 }], 'vmid'],
  sync: [[1, { adress: 0 }], 'address'],
  tlbiEl2Va: [[0, target], 'address'],
  tlbiEl2Vaa: [[target], 'address'],
  tlbiNhVa: [[0, 0, target], 'address'],
  tlbiNhVaa: [[0, target], 'address'],
  tlbiS2Ipa: [[0, target], 'address'],

  Iommufd: [[{ gates: undefined }], 'gate'],
  'Iommufd.ioasMap': [[fd.ioasAlloc(), { iovas: 0n }], 'iova'],
  'Iommufd.hwptAlloc': [[{ nestedParent: true }], 'nestParent'],
  'Iommufd.viommuAlloc': [[{ hwpts: 0 }], 'hwpt'],
  'Iommufd.mmap': [[0, 0x1000, { share: true }], 'shared'],
  'Iommufd.vdeviceAlloc': [[{ virtID: 0n }], 'virtId'],
  'Iommufd.veventqAlloc': [[{ dept: 1 }], 'depth'],
  'Iommufd.hwQueueAlloc': [[{ iovas: 0n }], 'iova'],
  'Iommufd.faultQueueAlloc': [[{ viomu: 0 }], 'viommu'],
  'Iommufd.hwptInvalidate': [[0, { entrylength: 8 }], 'entryLength'],

  'SmmuHost.create': [[{ ramsize: 1 }], 'ramSize'],

  FakeHost: [[{ ramgpa: 0 }], 'ramGpa'],
  FaultyDevice: [[device(), { lateCon: 1 }], 'lateCons'],
  QuirkyCmdqv: [[device(), { stuckcons: true }], 'stuckCons'],
  deviceContract: [[device, { operation: 1 }], 'operations'],
  'plugDevices: window': [[{}, { window: { gpaa: 0 } }], 'gpa'],
  plugDevices: [[{}, { onFailures: undefined }], 'onFailure'],
  plugSmmu: [[{}, { hots: undefined }], 'host'],
};

/** Functions that need not check the names in their object, with the reason. */
const EXEMPT = new Map([
  // The driver's side of the object model, called by Iommufd.
  ['MockIommu.allocPaging', 'called by Iommufd'],
  ['MockIommu.allocNested', 'called by Iommufd'],
  ['MockIommu.allocViommu', 'called by Iommufd'],
  ['MockNestedDomain.invalidate', 'called by Iommufd'],
  ['MockNestedDomain', 'made by MockIommu'],
  ['MockIommu.triggerFault', 'a record, passed on'],
  ['FaultGroups.report', 'a record, passed on'],
  // The host of a device, called by the device.
  ['FakeHost.mapDirect', 'DeviceHost'],
  ['EnvironmentError', 'thrown to its users, not made by them'],
  ['GuestImageError', 'thrown to its users, not made by them'],
  ['KernelImageError', 'thrown to its users, not made by them'],
  // Checks its vIOMMU before its request: host/iommufd.
  ['Iommufd.hwptInvalidateQueue', 'test/host/iommufd'],
]);

/** Calls a function, a static or other method, or a constructor. */
async function call(path: string, args: readonly unknown[]): Promise<unknown> {
  const [name = '', method] = path.replace(/:.*/, '').split('.');
  const owner = EXPORTS[name] as { readonly [method: string]: unknown } & (() => void);
  if (method) {
    const object = typeof owner[method] === 'function' ? owner : OBJECTS[name];
    return await Reflect.apply(Reflect.get(object ?? {}, method), object, args);
  }
  const isClass = /^class\b/.test(Function.prototype.toString.call(owner));
  return isClass ? Reflect.construct(owner, args) : await Reflect.apply(owner, undefined, args);
}

describe('an unknown name', () => {
  it('is checked by every public function with options', () => {
    const named = [...Object.keys(MISSPELT), ...EXEMPT.keys()];
    const found = functionsTaking(EXPORTS);
    expect(found.filter((name) => !named.includes(name))).toEqual([]);
    expect(found.length).toBeGreaterThan(40);
  });

  it.each(Object.entries(MISSPELT))(
    'is reported in one line by %s',
    async (path, [args, meant]) => {
      const told = await call(path, args).then(
        () => 'nothing',
        (error: Error) => error.message,
      );
      expect(told).toContain(`did you mean "${meant}"?`);
      expect(told).not.toContain('\n');
    },
  );
});

describe('every public class', () => {
  // The reference shows an interface's description for a class without one, and typedoc
  // does not report it.
  it('describes itself', () => {
    const classes = DECLARATIONS.flatMap((text) => [
      ...text.matchAll(/(\*\/\s*)?^export declare (?:abstract )?class (\w+)/gm),
    ]).filter(([, , name = '']) => typeof EXPORTS[name] === 'function');
    expect(classes.length).toBeGreaterThan(30);
    expect(classes.filter(([, doc]) => doc === undefined).map(([, , name]) => name)).toEqual([]);
  });
});
