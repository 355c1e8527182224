// SPDX-License-Identifier: MIT
// Where the MSIs of the board `virt` end: those of the DMA engine, which its SMMU translates, and the SMMU's own. What a kernel's accesses
// would do is done to the bus here. Offsets and encodings are literal.

import { describe, expect, it } from 'vitest';
import { guestMemoryOf } from '../../../../devices/bus/index.ts';
import type { Gicv3 } from '../../../../devices/gicv3/index.ts';
import { type VirtMsi, type VirtRole, virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { checkedModules } from '../../../support/findings.ts';
import { HELLO } from './virt-programs.ts';

const modules = await checkedModules();

const RAM = 0x4000_0000;
const GICD = 0x0800_0000;
const GICR = 0x080a_0000;
const ITS = 0x0808_0000;
const SMMU = 0x0905_0000;
const ENGINE = 0x0920_0000;
const DOORBELL = { its: 0x0809_0040, v2m: 0x0802_0040 };
const ENGINE_ID = 8;
const SMMU_ID = 0xffff;
const HPPIR1 = 0xc662;
const IAR1 = 0xc660;

async function boardOf(role: VirtRole, msi: VirtMsi) {
  const host = await VmHost.create({ modules });
  const board = await virtBoard({ role, msi }).create({
    host,
    name: 'vm0',
    index: 0,
    guest: HELLO,
    memorySize: 0x100_0000,
    onOutput: () => undefined,
  });
  const { machine } = board;
  const { bus } = machine.devices;
  const ram = guestMemoryOf(machine.memory, machine.regions);
  const gic = machine.devices.placements[0]?.device as Gicv3;
  gic.writeInterface(0, 0xc230, 0xf0n);
  gic.writeInterface(0, 0xc667, 1n);
  bus.write(GICD, 4, 0x13);
  const write64 = (gpa: number, value: number) => {
    bus.write(gpa, 8, (value % 2 ** 32) | 0, Math.floor(value / 2 ** 32));
  };
  return {
    bus,
    ram,
    write64,
    /** The work at a safe point: events are written to the SMMU's queue. */
    safePoint() {
      host.service(true);
      machine.devices.poll();
    },
    hppir: () => Number(gic.readInterface(0, HPPIR1)),
    iar: () => Number(gic.readInterface(0, IAR1)),
    /** The engine writes a word. What its STATUS says: 1 done, 3 the write was refused. */
    fill(iova: number, word: number): number {
      write64(ENGINE + 0x18, iova);
      bus.write(ENGINE + 0x0c, 4, 4);
      bus.write(ENGINE + 0x20, 4, word);
      bus.write(ENGINE + 0x04, 4, 2);
      return bus.read(ENGINE + 0x08, 4);
    },
  };
}

type Board = Awaited<ReturnType<typeof boardOf>>;

/** Each DeviceID has its events from INTID 8192 on, at vCPU 0. */
function mapEvents({ bus, ram, write64 }: Board, deviceIds: readonly number[]): void {
  const valid = 2 ** 63;
  const [properties, queue, collections, devices] = [1, 2, 3, 4].map(
    (i) => RAM + 0x40_0000 + 0x10_0000 * i,
  ) as [number, number, number, number];
  for (let i = 0; i < 64; i++) ram.store64(properties + 8 * i, 0xa1a1_a1a1_a1a1_a1a1n);
  write64(GICR + 0x70, properties + 15);
  write64(GICR + 0x78, RAM + 0x20_0000);
  bus.write(GICR, 4, 1);
  bus.write(ITS + 0x100, 8, devices | 0x207, 0x8000_0000 | 0);
  bus.write(ITS + 0x108, 8, collections | 0x200, 0x8000_0000 | 0);
  bus.write(ITS + 0x80, 8, queue | 0, 0x8000_0000 | 0);
  bus.write(ITS, 4, 1);
  const commands = [[0x09n, 0n, BigInt(valid)]];
  deviceIds.forEach((id, i) => {
    const device = BigInt(id) << 32n;
    commands.push([0x08n | device, 4n, BigInt(valid) | BigInt(RAM + 0x30_0000 + 0x1000 * i)]);
    commands.push([0x0an | device, 1n | (BigInt(8192 + i) << 32n), 0n]);
  });
  commands.forEach((words, i) => {
    words.forEach((word, at) => {
      ram.store64(queue + 32 * i + 8 * at, word);
    });
  });
  bus.write(ITS + 0x88, 4, 32 * commands.length);
  expect(bus.read(ITS + 0x90, 4)).toBe(32 * commands.length);
}

/** The SMMU is on, its one stream aborts and records, and events and errors are interrupts. */
function faulting({ bus, write64 }: Board, doorbell: number, data: number): void {
  write64(SMMU + 0x080, RAM + 0x80_0000);
  bus.write(SMMU + 0x088, 4, 4);
  write64(SMMU + 0x0a0, RAM + 0x81_0000 + 4);
  write64(SMMU + 0x0b0, doorbell);
  bus.write(SMMU + 0x0b8, 4, data);
  bus.write(SMMU + 0x050, 4, 4);
  bus.write(SMMU + 0x020, 4, 0x5);
}

describe.each(['guest', 'host'] as const)('in the role %s', (role) => {
  it('a bus master’s MSI is an LPI of its StreamID, by the ITS', async () => {
    const board = await boardOf(role, 'its');
    mapEvents(board, [SMMU_ID, ENGINE_ID]);
    expect([board.fill(DOORBELL.its, 1), board.iar()]).toEqual([1, 8193]);
    // No event of the engine's, no register for a message, no frame of that board.
    expect([board.fill(DOORBELL.its, 0), board.hppir()]).toEqual([1, 1023]);
    expect([board.fill(DOORBELL.its + 4, 1), board.fill(DOORBELL.v2m, 208)]).toEqual([3, 3]);
  });

  it('a bus master’s MSI is an SPI, by a GICv2m frame', async () => {
    const board = await boardOf(role, 'v2m');
    const { bus } = board;
    expect(bus.read(0x0802_0008, 4)).toBe(0x00e0_0040);
    // INTID 230: of group 1, an edge, enabled.
    bus.write(GICD + 0x80 + 28, 4, 1 << 6);
    bus.write(GICD + 0xc00 + 4 * 14, 4, 2 << 12);
    bus.write(GICD + 0x100 + 28, 4, 1 << 6);
    bus.write(GICD + 0x400 + 230, 1, 0xa0);
    expect([board.fill(DOORBELL.v2m, 230), board.iar()]).toEqual([1, 230]);
    expect([board.fill(DOORBELL.v2m, 223), board.fill(DOORBELL.its, 1)]).toEqual([1, 3]);
    expect(board.hppir()).toBe(1023);
  });

  it('a bus master’s MSI is an abort if nothing accepts it', async () => {
    const board = await boardOf(role, 'none');
    expect([board.fill(DOORBELL.its, 1), board.fill(DOORBELL.v2m, 230)]).toEqual([3, 3]);
    expect(board.bus.read(GICD + 4, 4) & 0x20000).toBe(0);
  });

  it('a CMD_SYNC and a global error are MSIs of the SMMU', async () => {
    const board = await boardOf(role, 'its');
    mapEvents(board, [ENGINE_ID, SMMU_ID]);
    const { bus, ram, write64, iar } = board;
    const queue = RAM + 0x82_0000;
    ram.store64(queue, 0x1_0000_1046n);
    ram.store64(queue + 8, BigInt(DOORBELL.its));
    ram.store64(queue + 16, 0xffn);
    write64(SMMU + 0x068, DOORBELL.its);
    bus.write(SMMU + 0x070, 4, 1);
    bus.write(SMMU + 0x050, 4, 1);
    write64(SMMU + 0x090, queue + 4);
    bus.write(SMMU + 0x020, 4, 8);
    bus.write(SMMU + 0x098, 4, 1);
    board.safePoint();
    expect([bus.read(SMMU + 0x09c, 4), iar()]).toEqual([1, 8193]);
    bus.write(SMMU + 0x098, 4, 2);
    board.safePoint();
    expect([bus.read(SMMU + 0x060, 4), board.hppir()]).toEqual([1, 8193]);
  });

  it('the SMMU’s own MSIs have a DeviceID, and stores to RAM stay those', async () => {
    const board = await boardOf(role, 'its');
    mapEvents(board, [SMMU_ID, ENGINE_ID]);
    faulting(board, DOORBELL.its, 1);
    expect(board.fill(0x1000, 1)).toBe(3);
    board.safePoint();
    expect(board.iar()).toBe(8192);
    const polled = await boardOf(role, 'its');
    faulting(polled, RAM + 0x90_0000, 0x5a);
    expect(polled.fill(0x1000, 1)).toBe(3);
    polled.safePoint();
    expect(polled.hppir()).toBe(1023);
    expect(polled.ram.load64(RAM + 0x90_0000)).toBe(0x5an);
  });
});

it('refuses another controller', () => {
  expect(() => virtBoard({ msi: 'gicv4' as VirtMsi })).toThrow(
    'virtBoard: msi must be one of its, v2m, none, not "gicv4"',
  );
});
