// SPDX-License-Identifier: MIT
// Work that takes several turns (docs/internals/architecture.md, "Bounds of one
// service"): records of events, and the STEs of many streams.

import { beforeAll, expect, it, vi } from 'vitest';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { bypassSte, cfgiSte, stage1Ste, writeSte } from '../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { atsBoard } from '../../support/ats-board.ts';
import {
  attachStage1,
  guestRam,
  IOVA,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';

const RECORDS = 16;
const STREAMS = RAM_GPA_BASE + 0x190000;
const [CR0, CR0ACK, SMMUEN, CMDQEN] = [0x20, 0x24, 1, 8];
const [GBPA, BYPASS, ABORT] = [0x44, 0x80001000, 0x80101000];

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

it('one poll of the event queue reads 16 records, and the next one continues automatically', async () => {
  const host = await VmHost.create({ modules });
  const vm = lendVm(host);
  attachStage1(vm);
  const port = host.dmaPort(vm.viommu, STREAM);
  host.service(true);
  for (let i = 0; i < 2 * RECORDS + 3; i++) port.read(IOVA + 0x1000 * (i + 1), new Uint8Array(4));
  host.service(true);
  expect(vm.events.length).toBe(RECORDS);
  // At an exit, which only checks whether attention was requested.
  host.service(false);
  expect(vm.events.length).toBe(2 * RECORDS);
  host.service(false);
  expect([vm.events.length, host.attentionWanted]).toEqual([2 * RECORDS + 3, false]);
});

async function smmuOf(count: number) {
  const host = await VmHost.create({ modules });
  const { wasm, regions, memory } = guestRam();
  const streams = Array.from({ length: count }, (_, i) => i);
  const viommu = host.createViommu(host.createVm('vm', wasm, regions), streams, {});
  const guest = new FakeHost();
  const smmu = new VirtualSmmu({ backend: viommu });
  smmu.attach(guest);
  smmu.reset();
  for (const sid of streams) writeSte(memory, STREAMS, sid, bypassSte());
  const bus = new DeviceBus(smmu);
  bus.write64(0x80, BigInt(STREAMS));
  bus.write32(0x88, 5);
  /** Devices that are attached to another HWPT in the meantime: the host's work. */
  const attached = vi.spyOn(viommu.fd, 'replace');
  const attaches = (service: () => void) => {
    attached.mockClear();
    service();
    return attached.mock.calls.length;
  };
  const stage1 = () => {
    for (const sid of streams) writeSte(memory, STREAMS, sid, stage1Ste({ contextPtr: STREAMS }));
  };
  const turn = () => guest.poll();
  return { guest, smmu, bus, attaches, stage1, turn, acknowledged: () => bus.read32(CR0ACK) };
}

it('SMMUEN of up to four streams is acknowledged at once', async () => {
  const { bus, acknowledged } = await smmuOf(4);
  bus.write32(CR0, SMMUEN);
  expect(acknowledged()).toBe(SMMUEN);
});

it('SMMUEN of more streams is acknowledged when the last of them has its STE', async () => {
  const { guest, bus, acknowledged } = await smmuOf(10);
  bus.write32(CR0, SMMUEN);
  expect(acknowledged()).toBe(0);
  guest.poll();
  expect(acknowledged()).toBe(0);
  // Other bits written in the meantime are acknowledged, but SMMUEN is not.
  bus.write32(CR0, SMMUEN | CMDQEN);
  bus.write32(CR0, SMMUEN | CMDQEN);
  expect(acknowledged()).toBe(CMDQEN);
  guest.poll();
  expect(acknowledged()).toBe(SMMUEN | CMDQEN);
});

it('SMMUEN that is cleared again is forgotten', async () => {
  const { guest, bus, acknowledged } = await smmuOf(10);
  bus.write32(CR0, SMMUEN);
  bus.write32(CR0, 0);
  for (let i = 0; i < 3; i++) guest.poll();
  expect(acknowledged()).toBe(0);
});

it('SMMUEN that was saved before its acknowledgement is acknowledged where it is restored', async () => {
  const [from, to] = [await smmuOf(10), await smmuOf(10)];
  from.bus.write32(CR0, SMMUEN);
  to.smmu.restore(from.smmu.save());
  expect(to.acknowledged()).toBe(0);
  for (let i = 0; i < 3; i++) to.guest.poll();
  expect(to.acknowledged()).toBe(SMMUEN);
});

it('clearing SMMUEN with 16 streams that have their own HWPTs handles four per turn', async () => {
  const { bus, attaches, stage1, turn, acknowledged } = await smmuOf(16);
  stage1();
  bus.write32(CR0, SMMUEN);
  for (let i = 0; i < 4; i++) turn();
  expect(acknowledged()).toBe(SMMUEN);
  expect(attaches(() => bus.write32(CR0, CMDQEN))).toBe(4);
  expect(acknowledged()).toBe(SMMUEN | CMDQEN);
  expect([attaches(turn), attaches(turn)]).toEqual([4, 4]);
  expect(acknowledged()).toBe(SMMUEN | CMDQEN);
  expect(attaches(turn)).toBe(4);
  expect(acknowledged()).toBe(CMDQEN);
  expect(attaches(turn)).toBe(0);
});

it('GBPA with 16 streams handles four per turn, and keeps UPDATE until the last', async () => {
  const { bus, attaches, turn } = await smmuOf(16);
  expect(attaches(() => bus.write32(GBPA, ABORT))).toBe(4);
  expect(bus.read32(GBPA)).toBe(ABORT);
  expect([attaches(turn), attaches(turn)]).toEqual([4, 4]);
  expect(bus.read32(GBPA)).toBe(ABORT);
  expect(attaches(turn)).toBe(4);
  expect([bus.read32(GBPA), attaches(turn)]).toEqual([0x00101000, 0]);
});

it('the last value wins when GBPA is written during an update', async () => {
  const { bus, attaches, turn } = await smmuOf(10);
  bus.write32(GBPA, ABORT);
  expect(attaches(() => bus.write32(GBPA, BYPASS))).toBe(4);
  expect(attaches(() => [turn(), turn()])).toBe(0);
  expect([bus.read32(GBPA), bus.read32(CR0ACK)]).toEqual([0x00001000, 0]);
});

it('SMMUEN that is set while GBPA is followed ends the update', async () => {
  const { bus, turn, acknowledged } = await smmuOf(10);
  bus.write32(GBPA, ABORT);
  bus.write32(CR0, SMMUEN);
  expect([bus.read32(GBPA), acknowledged()]).toEqual([0x00101000, 0]);
  turn();
  turn();
  expect([bus.read32(GBPA), acknowledged()]).toEqual([0x00101000, SMMUEN]);
});

it('setting SMMUEN again before all streams have left their STEs reads the STEs again', async () => {
  const { bus, attaches, stage1, turn, acknowledged } = await smmuOf(10);
  stage1();
  bus.write32(CR0, SMMUEN);
  turn();
  turn();
  bus.write32(CR0, 0);
  expect(acknowledged()).toBe(SMMUEN);
  bus.write32(CR0, SMMUEN);
  expect(acknowledged()).toBe(0);
  expect(attaches(() => [turn(), turn()])).toBe(6);
  expect(acknowledged()).toBe(SMMUEN);
});

it('a configuration command that waits for the next turn is not fetched by the host again', async () => {
  const { bus, guest, send, vm } = await atsBoard();
  const COMMANDS = 5;
  bus.write32(CR0, SMMUEN);
  send(...Array.from({ length: COMMANDS }, () => cfgiSte(STREAM)));
  const handedOver = vi.spyOn(vm.viommu.fd, 'hwptInvalidateQueue');
  bus.write32(CR0, SMMUEN | CMDQEN);
  expect(bus.read32(0x9c)).toBe(3);
  guest.poll();
  expect([bus.read32(0x9c), bus.read32(0x60)]).toEqual([COMMANDS, 0]);
  // Once from the beginning, and once behind each command.
  expect(handedOver).toHaveBeenCalledTimes(1 + COMMANDS);
});

it.each([
  ['SMMUEN that is cleared', SMMUEN, CR0, 0, [SMMUEN, 0]],
  ['GBPA', 0, GBPA, ABORT, [0, 0]],
])(
  '%s, saved on its way, is followed where it is restored',
  async (_name, before, at, value, acks) => {
    const [from, to] = [await smmuOf(10), await smmuOf(10)];
    from.bus.write32(CR0, before);
    for (let i = 0; i < 3; i++) from.turn();
    from.bus.write32(at, value);
    to.smmu.restore(from.smmu.save());
    const pending = to.bus.read32(GBPA);
    expect([to.acknowledged(), pending >= 2 ** 31]).toEqual([acks[0], at === GBPA]);
    for (let i = 0; i < 3; i++) to.turn();
    expect([to.acknowledged(), to.bus.read32(GBPA)]).toEqual([acks[1], pending % 2 ** 31]);
  },
);
