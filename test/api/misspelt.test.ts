// SPDX-License-Identifier: MIT
// Objects whose functions come from plain JavaScript: a misspelt function is reported
// together with the correct name, where the object is passed, even if the correct one is
// optional.

import { describe, expect, it } from 'vitest';
import * as devices from 'vsmmu/devices';
import { Iommufd } from 'vsmmu/iommufd';
import { DeviceWrapper } from 'vsmmu/testing';
import { ScratchDevice } from '../support/scratch-device.ts';

const hostMemory = devices.createHostMemory({ ramSize: 0x10_0000 });
const ram = new devices.PhysicalRam(hostMemory);
const unit = new devices.Unit({ modules: await devices.loadHotModules(), hostMemory, thread: 0 });
const call = () => undefined;

/** Constructs with arguments that the types would refuse. */
const make =
  (class_: unknown, ...values: readonly unknown[]) =>
  () =>
    Reflect.construct(class_ as new () => object, values);

/** An object of a class with a function under another name. */
function misspelt(object: object, name: string, as: string): object {
  const functions: Record<string, unknown> = {};
  for (const one of [object, Object.getPrototypeOf(object)].flatMap(Object.getOwnPropertyNames))
    functions[one] = (object as Record<string, unknown>)[one];
  functions[as] = functions[name];
  functions[name] = undefined;
  return functions;
}

const place = (device: object, rest: object = {}) =>
  make(devices.DeviceComplex, {
    devices: [{ device, addresses: [0x1000], ...rest }],
    memory: ram,
    interrupts: { line: call },
    clock: devices.SYSTEM_CLOCK,
  });
const port = { streamId: 1, read: call, write: call };
const bytes = (pa: number, length: number) => ram.bytes(pa, length);
const backend = Object.fromEntries(
  [
    'showIdRegisters',
    'setCommandRing',
    'serveCommandQueue',
    'finishCommand',
    'resumeCommandQueue',
    'attachStream',
    'setGlobalBypass',
    'setSmmuEnabled',
    'invalidateContextDescriptors',
    'invalidateAll',
    'onEvent',
  ].map((name) => [name, call]),
);
const disk = { size: 512, readOnly: false, read: call, write: call, flush: call };
const virtio = {
  deviceId: 2,
  features: 0n,
  queueSizes: [8],
  config: new Uint8Array(),
  begin: () => call,
};

function bind(functions: object) {
  return () => {
    const iommu = { name: 'one', block: call, hwInfo: call, allocPaging: call, ...functions };
    new Iommufd().bind({ name: 'dev', iommu } as never);
  };
}

describe('a function under a misspelt name', () => {
  it.each<[what: string, use: () => unknown, says: string]>([
    [
      'of a device',
      place(misspelt(new ScratchDevice(), 'reset', 'rest')),
      'device scratch: the device must have a function reset; it has "rest"',
    ],
    [
      'of a device that is wrapped',
      make(DeviceWrapper, misspelt(new ScratchDevice(), 'write', 'wirte')),
      'DeviceWrapper: device must have a function write; it has "wirte"',
    ],
    [
      'of a port',
      place(new ScratchDevice(), { dmaPort: { ...port, abandn: call } }),
      'device scratch: dmaPort: there is no function "abandn": did you mean "abandon"?',
    ],
    [
      'of a port: one of another type',
      place(new ScratchDevice(), { dmaPort: { ...port, abandon: true } }),
      'device scratch: dmaPort.abandon must be a function, not boolean',
    ],
    [
      'of a memory',
      make(devices.SmmuEndpoint, { unit, memory: { bytes, wirte32: call } }),
      'SmmuEndpoint: memory: there is no function "wirte32": did you mean "write32"?',
    ],
    [
      'of a memory of a stream',
      make(devices.StreamDmaPort, {
        unit,
        memory: { bytes, Write32: call },
        smmu: 0,
        virtSid: 0,
        physSid: 0,
      }),
      'memory: there is no function "Write32": did you mean "write32"?',
    ],
    [
      'of a backend',
      make(devices.VirtualSmmu, { backend: { ...backend, onPageRequests: call } }),
      'VirtualSmmu: backend: there is no function "onPageRequests": did you mean "onPageRequest"?',
    ],
    [
      'of an IOMMU',
      bind({ allocNestd: call }),
      'the IOMMU of the device: there is no function "allocNestd": did you mean "allocNested"?',
    ],
    [
      'of a disk',
      make(devices.VirtioBlock, { ...disk, flush: undefined, flsh: call }, 'id'),
      'VirtioBlock: disk must have a function flush; it has "flsh"',
    ],
    [
      'of a disk below another',
      make(devices.CopyOnWriteDisk, { ...disk, read: undefined, raed: call }),
      'CopyOnWriteDisk: below must have a function read; it has "raed"',
    ],
    [
      'of a virtio device',
      make(devices.VirtioMmio, 'own', { ...virtio, want: call }),
      'VirtioMmio: the device: there is no function "want": did you mean "wants"?',
    ],
    [
      'of a virtio device on PCIe',
      make(devices.VirtioPci, 'own', { ...virtio, begin: undefined, begn: call }),
      'VirtioPci: the device must have a function begin; it has "begn"',
    ],
    [
      'of a counter',
      make(devices.Bus, [], { countRegistr: call }),
      'Bus: counter must have a function countRegister; it has "countRegistr"',
    ],
    [
      'of a clock',
      make(devices.TimerQueue, { nowNS: call }),
      'TimerQueue: clock must have a function nowNs; it has "nowNS"',
    ],
    ['that is none', make(devices.VirtioConsole, {}), 'VirtioConsole: onOutput must be a function'],
    ['that is text', make(devices.VirtioEntropy, 'x'), 'VirtioEntropy: random must be a function'],
  ])('%s', (_what, use, says) => {
    expect(use).toThrow(says);
  });

  it('is one only where the name is nearly the right one', () => {
    const memory = { bytes, write64: call, bytesOf: call, write: call };
    expect(make(devices.SmmuEndpoint, { unit, memory })).not.toThrow();
    expect(make(devices.VirtioMmio, 'own', { ...virtio, wantsMore: call })).not.toThrow();
  });
});
