// SPDX-License-Identifier: MIT
// A guest's SMMU on a real physical SMMU and the real hot modules, and the tables of a
// small guest. There is one board at a time: `setUp` replaces it.

import { expect } from 'vitest';
import {
  GUEST_ID_REGISTERS,
  type SmmuIdRegisters,
  type SmmuRefusal,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_ONLY,
  S1_READ_WRITE,
  stage1Ste,
  type TableMemory,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { tableMemory } from '../../support/table-memory.ts';
import { TestViommuBackend } from '../../support/viommu-backend.ts';

const modules = await checkedModules();
const RAM = 0x80000000;
export const STREAMS = RAM;
export const CDS = RAM + 0x1000;
export const RING = RAM + 0x2000;
const EVENTS = RAM + 0x3000;
const TABLES = RAM + 0x10000;
export const BUFFER = RAM + 0x40000;
/** Window 1 of the physical address map. */
export const PA = 2 ** 32;
export const EVENT_LINE = 0;
export const GERROR_LINE = 1;

export let host: FakeHost;
export let backend: TestViommuBackend;
export let device: VirtualSmmu;
export let bus: DeviceBus;

/** Guest RAM; addresses are gpa. */
export let memory: TableMemory;

/** A new board out of reset. */
export function setUp(): void {
  setUpWith(GUEST_ID_REGISTERS);
}

/** The same with other ID registers. */
export function setUpWith(
  idRegisters: SmmuIdRegisters,
  onRefusal?: (refusal: SmmuRefusal) => void,
): void {
  host = new FakeHost();
  backend = new TestViommuBackend(modules, host);
  device = new VirtualSmmu({ backend, idRegisters, onRefusal });
  device.attach(host);
  device.reset();
  bus = new DeviceBus(device);
  memory = tableMemory(host.memory, TABLES);
  backend.log.length = 0;
}

/** Stream table of 16 streams, queues of 8 commands and 4 events. */
export function enable(cr0 = 0xd): void {
  bus.write32(0x2c, 2);
  bus.write64(0x80, BigInt(STREAMS));
  bus.write32(0x88, 4);
  bus.write64(0x90, BigInt(RING + 3));
  bus.write64(0xa0, BigInt(EVENTS + 2));
  bus.write32(0x50, 5);
  bus.write32(0x20, cr0);
}

/** Puts commands into the ring at PROD and advances it. */
export function issue(...commands: Uint32Array[]): void {
  let prod = bus.read32(0x98);
  for (const command of commands) {
    writeCommand(memory, RING, prod % 8, command);
    prod = (prod + 1) % 16;
  }
  bus.write32(0x98, prod);
}

/** Everything issued has been consumed without an error. */
export function expectDone(): void {
  expect([bus.read32(0x9c) & 0xfffff, bus.read32(0x60) ^ bus.read32(0x64)]).toEqual([
    bus.read32(0x98),
    0,
  ]);
}

/** Doublewords of an event record in the guest's memory. */
export function record(index: number): bigint[] {
  return [0, 8, 16, 24].map((offset) => memory.load64(EVENTS + 32 * index + offset));
}

/**
 * A stage-1 domain of stream 8 that maps iova 0x10000 to BUFFER, read-write, and 0x11000
 * read-only.
 */
export function stage1({ stall = false, stallDisabled = false } = {}): PageTable {
  const table = new PageTable(memory, { stage: 1 });
  table.map(0x10000, BUFFER, 0x1000, S1_READ_WRITE);
  table.map(0x11000, BUFFER + 0x1000, 0x1000, S1_READ_ONLY);
  writeCd(
    memory,
    CDS,
    0,
    contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 48 }, stall }),
  );
  writeSte(memory, STREAMS, 8, stage1Ste({ contextPtr: CDS, stallDisabled }));
  return table;
}
