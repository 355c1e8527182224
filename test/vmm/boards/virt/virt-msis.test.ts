// SPDX-License-Identifier: MIT
// The targets of the MSIs of the board `virt`: those of the DMA engine, which its SMMU
// translates, and the SMMU's own. The test replaces the kernel's accesses by accesses to
// the bus. Offsets and encodings are literal.

import { describe, expect, it } from 'vitest';
import { type VirtMsi, virtBoard } from '../../../../vmm/boards/virt/index.ts';
import {
  type Board,
  boardOf,
  DOORBELL,
  ENGINE_ID,
  enableSpi,
  GICD,
  mapEvents,
  RAM,
  SMMU,
  SMMU_ID,
} from './msi-board.ts';

/**
 * The SMMU is enabled, its only stream aborts and records, and events and errors are
 * interrupts.
 */
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
    // An address that is neither an event of the engine, nor a register for messages, nor
    // a frame of that board.
    expect([board.fill(DOORBELL.its, 0), board.hppir()]).toEqual([1, 1023]);
    expect([board.fill(DOORBELL.its + 4, 1), board.fill(DOORBELL.v2m, 208)]).toEqual([3, 3]);
  });

  it('a bus master’s MSI is an SPI, by a GICv2m frame', async () => {
    const board = await boardOf(role, 'v2m');
    const { bus } = board;
    expect(bus.read(0x0802_0008, 4)).toBe(0x00e0_0040);
    enableSpi(board);
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
