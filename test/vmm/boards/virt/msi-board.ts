// SPDX-License-Identifier: MIT
// A board `virt` without a kernel, to test the targets of its MSIs: the test replaces the
// kernel's accesses by accesses to the bus. Offsets and encodings are literal.

import { expect } from 'vitest';
import { guestMemoryOf } from '../../../../devices/bus/index.ts';
import type { Gicv3 } from '../../../../devices/gicv3/index.ts';
import { type VirtMsi, type VirtRole, virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { checkedModules } from '../../../support/findings.ts';
import { HELLO } from './virt-programs.ts';

const modules = await checkedModules();

export const RAM = 0x4000_0000;
export const GICD = 0x0800_0000;
export const GICR = 0x080a_0000;
const ITS = 0x0808_0000;
export const SMMU = 0x0905_0000;
const ENGINE = 0x0920_0000;
export const DOORBELL = { its: 0x0809_0040, v2m: 0x0802_0040 };
export const ENGINE_ID = 8;
export const SMMU_ID = 0xffff;
const HPPIR1 = 0xc662;
const IAR1 = 0xc660;

export async function boardOf(role: VirtRole, msi: VirtMsi) {
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
    /** The engine writes a word. Returns its STATUS: 1 done, 3 the write was refused. */
    fill(iova: number, word: number): number {
      write64(ENGINE + 0x18, iova);
      bus.write(ENGINE + 0x0c, 4, 4);
      bus.write(ENGINE + 0x20, 4, word);
      bus.write(ENGINE + 0x04, 4, 2);
      return bus.read(ENGINE + 0x08, 4);
    },
  };
}

export type Board = Awaited<ReturnType<typeof boardOf>>;

/** The events of each DeviceID are the INTIDs from 8192 on, on vCPU 0. */
export function mapEvents({ bus, ram, write64 }: Board, deviceIds: readonly number[]): void {
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

/** INTID 230, an SPI of the GICv2m frame: of group 1, an edge, enabled. */
export function enableSpi({ bus }: Board): number {
  bus.write(GICD + 0x80 + 28, 4, 1 << 6);
  bus.write(GICD + 0xc00 + 4 * 14, 4, 2 << 12);
  bus.write(GICD + 0x100 + 28, 4, 1 << 6);
  bus.write(GICD + 0x400 + 230, 1, 0xa0);
  return 230;
}
