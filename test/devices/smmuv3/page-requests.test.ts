// SPDX-License-Identifier: MIT
// How a guest's SMMU handles page requests (IHI 0070 sections 8.1 and 8.2): it adds them
// to the PRI queue, or answers for the guest.

import { expect, it } from 'vitest';
import {
  PAGE_REQUEST_GUEST_ID_REGISTERS,
  type PageRequest,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { TestViommuBackend } from '../../support/viommu-backend.ts';

const modules = await checkedModules();
const RAM = 0x80000000;
const SMMUEN = 1 << 0;
const PRIQEN = 1 << 1;
const CMDQEN = 1 << 3;

/** A host whose streams request pages when a test decides so, at any time. */
class AskingBackend extends TestViommuBackend {
  ask: (request: PageRequest) => void = () => undefined;
  readonly answers: unknown[][] = [];

  onPageRequest(deliver: (request: PageRequest) => void): void {
    this.ask = deliver;
  }

  answerPageRequest(...answer: unknown[]): void {
    this.answers.push(answer);
  }
}

function setUp(idRegisters = PAGE_REQUEST_GUEST_ID_REGISTERS) {
  const host = new FakeHost();
  const backend = new AskingBackend(modules, host);
  const device = new VirtualSmmu({ backend, idRegisters });
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  bus.write64(0x90, BigInt(RAM + 0x2000 + 3));
  bus.write64(0xc0, BigInt(RAM + 0x3000 + 1));
  const ask = (group: number, last = true) =>
    backend.ask({ virtSid: 8, group, address: 0x1234000, write: true, last });
  /** PRIQ_PROD, as read in page 1. */
  const produced = () => bus.read32(0x100c8);
  return { backend, bus, host, ask, produced };
}

it('are written to the PRI queue', () => {
  const { backend, bus, host, ask, produced } = setUp();
  bus.write32(0x20, SMMUEN | PRIQEN | CMDQEN);
  ask(5);
  expect([produced(), backend.answers]).toEqual([1, []]);
  // Last, W, PRGIndex 5, page 0x1234000 (section 8.1).
  const record = [0, 8].map((at) => host.memory.load64(RAM + 0x3000 + at));
  expect(record).toEqual([0x6000_0000_0000_0008n, 0x0123_4005n]);
});

it('of a group have Last in the last one, and only that has an answer', () => {
  const { backend, bus, host, ask } = setUp();
  bus.write32(0x20, CMDQEN);
  ask(4, false);
  ask(4);
  expect(backend.answers).toEqual([[8, 4, false, undefined]]);
  bus.write32(0x20, SMMUEN | PRIQEN | CMDQEN);
  ask(5, false);
  ask(5);
  const record = [0, 16].map((at) => host.memory.load64(RAM + 0x3000 + at));
  expect(record).toEqual([0x2000_0000_0000_0008n, 0x6000_0000_0000_0008n]);
  // The queue is full.
  ask(6, false);
  ask(6);
  expect(backend.answers.slice(1)).toEqual([[8, 6, true, undefined]]);
});

it('are refused while SMMUEN is 0, regardless of PRIQEN', () => {
  const { backend, bus, ask, produced } = setUp();
  for (const cr0 of [CMDQEN, PRIQEN | CMDQEN]) {
    bus.write32(0x20, cr0);
    ask(6);
  }
  expect(produced()).toBe(0);
  const refused = [8, 6, false, undefined];
  expect(backend.answers).toEqual([refused, refused]);
});

it('are not answered by a PRI_RESP while SMMUEN is 0', () => {
  const { backend, bus, host, ask } = setUp();
  const respond = (slot: number) => {
    // Stream 8, group 5, Success.
    host.memory.store64(RAM + 0x2000 + 16 * slot, 0x0000_0008_0000_0041n);
    host.memory.store64(RAM + 0x2008 + 16 * slot, 0x2005n);
    bus.write32(0x98, slot + 1);
    expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([slot + 1, 0]);
  };
  bus.write32(0x20, SMMUEN | PRIQEN | CMDQEN);
  ask(5);
  bus.write32(0x20, PRIQEN | CMDQEN);
  respond(0);
  expect(backend.answers).toEqual([]);
  bus.write32(0x20, SMMUEN | PRIQEN | CMDQEN);
  respond(1);
  expect(backend.answers).toEqual([[8, 5, true, undefined]]);
});

it('are answered with success when the queue is full: they are lost, and come again', () => {
  const { backend, bus, ask } = setUp();
  bus.write32(0x20, SMMUEN | PRIQEN | CMDQEN);
  for (const group of [1, 2, 3]) ask(group);
  expect(backend.answers).toEqual([[8, 3, true, undefined]]);
});

it('interrupt by PRIQ_IRQ_CFG2.LO on an SMMU without MSIs as well, which has no other bit of PRIQ_IRQ_CFG', () => {
  // IDR0.MSI.
  const idr0 = PAGE_REQUEST_GUEST_ID_REGISTERS.idr0 & ~(1 << 13);
  const { bus } = setUp({ ...PAGE_REQUEST_GUEST_ID_REGISTERS, idr0 });
  bus.write64(0xd0, 0xffff_ffff_ffff_ffffn);
  bus.write32(0xd8, 0xffffffff);
  bus.write32(0xdc, 0xffffffff);
  expect([bus.read64(0xd0), bus.read32(0xd8), bus.read32(0xdc)]).toEqual([0n, 0, 0x80000000]);
});
