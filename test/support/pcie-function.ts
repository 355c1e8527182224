// SPDX-License-Identifier: MIT
// A PCIe endpoint for tests, and accesses of software to its configuration space.

import { PcieEndpoint, PcieHost, PcieRootPort, PcieTestDevice } from '../../devices/pcie/index.ts';
import {
  type AccessSize,
  type Device,
  type DeviceHost,
  type DeviceState,
  type DmaPort,
  isWord,
  type MmioAccess,
  stateFields,
} from '../../devices/plugin/index.ts';
import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';

/**
 * A word that reads back, in BAR 0 of 8 KiB; two vectors, INTB. Of narrow accesses, if
 * supported, only reads have an effect.
 */
export class WordEndpoint extends PcieEndpoint {
  word = 0;
  port: DmaPort | undefined;

  constructor(name = 'word', vectors = 2, accessSizes: readonly AccessSize[] = [4]) {
    super({
      name,
      kind: 0x64726f77,
      identity: {
        vendorId: 0x1234,
        deviceId: 0x5678,
        revisionId: 9,
        classCode: 0x088000,
        subsystemVendorId: 0x4321,
        subsystemId: 0x8765,
        interruptPin: 2,
      },
      bar: { name: 'word', size: 0x2000, accessSizes },
      vectors,
    });
  }

  raise(vector: number): void {
    this.msix.raise(vector);
  }

  assert(level: boolean): void {
    this.setIntx(level);
  }

  protected override start(_host: DeviceHost, port: DmaPort): void {
    this.port = port;
  }

  protected override resetFunction(): void {
    this.word = 0;
  }

  protected override readBar(access: MmioAccess): void {
    const { offset, size } = access;
    const wide = offset < 4 ? this.word : offset & ~3;
    access.lo = (wide >>> (8 * (offset & 3))) % 2 ** (8 * size);
  }

  protected override writeBar({ offset, size, lo }: MmioAccess): void {
    if (offset !== 0 || size !== 4) return;
    this.word = lo;
    this.msix.raise(lo & 3);
    this.setIntx((lo & 4) !== 0);
  }

  protected override saveFunction(): DeviceState {
    return { word: this.word };
  }

  protected override prepareFunction(state: DeviceState): () => void {
    const { word } = stateFields(state, 'word');
    if (!isWord(word)) throw new TypeError('the state is not of this device');
    return () => {
      this.word = word;
    };
  }

  protected override barRegisterName(offset: number): string | undefined {
    return offset === 0 ? 'WORD' : undefined;
  }
}

/** Offset in ECAM. */
export const ecam = (bus: number, device: number, register: number, number = 0): number =>
  bus * 0x100000 + device * 0x8000 + number * 0x1000 + register;

/**
 * Offset of a function's capability by its ID, as found by software; 0 when there is
 * none.
 */
export function findCapability(bus: DeviceBus, at: number, id: number, nth = 0): number {
  let left = nth;
  let pointer = bus.read(0, at + 0x34, 1).lo;
  while (pointer !== 0) {
    if (bus.read(0, at + pointer, 1).lo === id && left-- === 0) return pointer;
    pointer = bus.read(0, at + pointer + 1, 1).lo;
  }
  return 0;
}

export function resetAll(host: PcieHost): void {
  for (const one of host.functions) one.reset();
  host.reset();
}

const WINDOW = 0x10000000;

/**
 * A host bridge with its functions, as one device: for the contract, which tests one
 * device and reads each word of it. So ECAM ends after device 2.
 */
export function bridgeWithFunctions(): Device {
  const bridge = new PcieHost({
    buses: 3,
    window: { gpa: WINDOW, size: 0x4000 },
    io: { gpa: 0x20000000, size: 0x1000 },
    functions: [
      { device: 0, plugged: new PcieTestDevice('test') },
      { device: 1, plugged: new WordEndpoint('one', 2, [1, 2, 4]) },
      { device: 2, plugged: new PcieRootPort('port', [new WordEndpoint('two', 2, [1, 2, 4])]) },
    ],
  });
  return asOneDevice(bridge, 0x18000);
}

/** @param config bytes of ECAM to be tested. */
export function asOneDevice(bridge: PcieHost, config: number): Device {
  const functions = [...bridge.functions];
  return {
    name: bridge.name,
    interfaceVersion: bridge.interfaceVersion,
    identity: bridge.identity,
    regions: bridge.regions.map((region, i) => (i === 0 ? { ...region, size: config } : region)),
    attach(host) {
      const port = host.dmaPort();
      for (const one of functions)
        if (one instanceof PcieEndpoint)
          one.attach({ ...hostOf(host), dmaPort: () => bridge.dmaPortOf(one, () => port) });
      bridge.attach(host);
    },
    reset: () => resetAll(bridge),
    read: (access) => bridge.read(access),
    write: (access) => bridge.write(access),
    save: () => ({ bridge: bridge.save(), functions: functions.map((one) => one.save()) }),
    restore(state) {
      const { bridge: own, functions: rest } = stateFields(state, 'bridge', 'functions');
      const before = { bridge: bridge.save(), functions: functions.map((one) => one.save()) };
      const take = (bridgeState: unknown, states: unknown) => {
        if (!Array.isArray(states) || states.length !== functions.length)
          throw new TypeError('the state is not of these functions');
        for (const [i, one] of functions.entries()) one.restore(states[i]);
        bridge.restore(bridgeState as DeviceState);
      };
      try {
        take(own, rest);
      } catch (error) {
        take(before.bridge, before.functions);
        throw error;
      }
    },
    registerName: (region, offset) => bridge.registerName(region, offset),
  };
}

/** The functions of a host, as an object of a class. */
function hostOf(host: DeviceHost): DeviceHost {
  return {
    memory: host.memory,
    interruptLine: (index) => host.interruptLine(index),
    dmaPort: () => host.dmaPort(),
    mapDirect: (request) => host.mapDirect(request),
    background: (loop) => host.background(loop),
    nowNs: () => host.nowNs(),
    timer: (name, callback) => host.timer(name, callback),
    msi: (address, data) => host.msi(address, data),
    trace: (event) => host.trace(event),
  };
}

/** Opens windows, writes the MSI-X table, raises interrupts. */
export function bridgeStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  const at = ecam(0, 1, 0);
  switch (random.below(6)) {
    case 0:
      bus.write(0, at + 0x10 + 4 * random.below(2), 4, WINDOW + 0x2000 * random.below(2));
      break;
    case 1:
      bus.write(0, at + 4, 2, 2 + 4 * random.below(2) + 0x400 * random.below(2));
      break;
    case 2:
      bus.write(0, at + 0x7e, 2, random.pick([0, 0x8000, 0xc000]));
      break;
    case 3:
      // The test device's BAR in I/O space, and a test of it.
      bus.write(0, 0x14, 4, 0x100 * random.below(3));
      bus.write(0, 4, 2, random.below(4));
      break;
    case 4:
      bus.write(2, 0x100 * random.below(3) + random.pick([0, 0x80]), 1, random.below(4));
      break;
    default:
      for (const [i, word] of [
        host.ramGpa + 0x100,
        0,
        random.below(256),
        random.below(2),
      ].entries())
        bus.write(1, 0x2000 * random.below(2) + 4 * i, 4, word);
  }
}
