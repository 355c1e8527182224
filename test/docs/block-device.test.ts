// SPDX-License-Identifier: MIT
// The documented bus master (docs/examples/block-device.mjs): its contract, and the
// results of its DMA.

import { describe, expect, it } from 'vitest';
import { DeviceBus, deviceContract, FakeHost } from '../../devices/testing/index.ts';
import * as disk from '../../docs/examples/block-device.mjs';

const SECTORS = 32;

/** A disk whose sector N is filled with N, in a host with RAM but no IOMMU. */
function plugIn() {
  const medium = Uint8Array.from({ length: SECTORS * disk.SECTOR_SIZE }, (_, i) =>
    Math.floor(i / disk.SECTOR_SIZE),
  );
  const host = new FakeHost();
  const device = new disk.BlockDevice(medium);
  device.attach(host);
  host.reset(device);
  const bus = new DeviceBus(device);
  const start = (command: number, sector: number, count: number, iova: number) => {
    bus.write32(disk.SECTOR, sector);
    bus.write32(disk.COUNT, count);
    bus.write64(disk.BUFFER, BigInt(iova));
    bus.write32(disk.COMMAND, command);
  };
  /** Status, bytes done, interrupts. */
  const state = () => [bus.read32(disk.STATUS), bus.read32(disk.DONE), host.pulses(0)];
  const sectorAt = (gpa: number) => {
    const at = gpa - host.ramGpa;
    return new Set(host.ram.subarray(at, at + disk.SECTOR_SIZE));
  };
  return { medium, host, device, bus, start, state, sectorAt };
}

describe('the block device', () => {
  it.each(
    deviceContract(disk.device, {
      operations: 1000,
      stimulus(bus, random, host) {
        bus.write32(disk.SECTOR, random.below(SECTORS));
        bus.write32(disk.COUNT, 1 + random.below(20));
        bus.write64(disk.BUFFER, BigInt(host.ramGpa + 8 * random.below(host.ramSize / 8)));
        bus.write32(disk.COMMAND, random.below(3));
        if (random.below(2)) host.poll();
      },
    }),
  )('keeps the contract: $name', ({ run }) => run());

  it('transfers sectors both ways, a page per turn, and raises an interrupt after the last', () => {
    const { medium, host, start, state, sectorAt } = plugIn();
    start(disk.COMMAND_READ, 3, 9, host.ramGpa);
    const states = [state()];
    for (let turn = 0; turn < 3; turn++) {
      host.poll();
      states.push(state());
    }
    expect(states).toEqual([
      [disk.STATUS_BUSY, 0, 0],
      [disk.STATUS_BUSY, 4096, 0],
      [disk.STATUS_OK, 9 * disk.SECTOR_SIZE, 1],
      [disk.STATUS_OK, 9 * disk.SECTOR_SIZE, 1],
    ]);
    expect([0, 8, 9].map((i) => sectorAt(host.ramGpa + i * disk.SECTOR_SIZE))).toEqual([
      new Set([3]),
      new Set([11]),
      new Set([0]),
    ]);

    start(disk.COMMAND_WRITE, SECTORS - 1, 1, host.ramGpa);
    host.poll();
    expect(new Set(medium.subarray(-disk.SECTOR_SIZE))).toEqual(new Set([3]));
  });

  it('reports where the DMA was refused', () => {
    const { host, start, state } = plugIn();
    start(disk.COMMAND_READ, 0, 16, host.ramGpa + host.ramSize - 4096 - 512);
    for (let turn = 0; turn < 3; turn++) host.poll();
    expect(state()).toEqual([disk.STATUS_DMA_FAULT, 4096 + 512, 1]);
  });

  it('waits for a stalled access, and continues there', () => {
    const { host, start, state, sectorAt } = plugIn();
    host.stalls = () => true;
    start(disk.COMMAND_READ, 7, 1, host.ramGpa);
    host.poll();
    expect(state()).toEqual([disk.STATUS_BUSY, 0, 0]);
    host.stalls = () => false;
    host.poll();
    expect(state()).toEqual([disk.STATUS_OK, disk.SECTOR_SIZE, 1]);
    expect(sectorAt(host.ramGpa)).toEqual(new Set([7]));
  });

  it('abandons a stalled access when the guest ends the request, and at a reset', () => {
    const { host, device, bus, start, state } = plugIn();
    host.stalls = () => true;
    for (const end of [
      () => bus.write32(disk.COMMAND, disk.COMMAND_NONE),
      () => host.reset(device),
    ]) {
      start(disk.COMMAND_READ, 7, 1, host.ramGpa);
      host.poll();
      host.log.length = 0;
      end();
      expect(host.log).toEqual(['dma abandon']);
      expect(state()).toEqual([disk.STATUS_IDLE, 0, 0]);
    }
  });

  it('does not let a request change while it is busy', () => {
    const { host, bus, start, state, sectorAt } = plugIn();
    start(disk.COMMAND_READ, 7, 1, host.ramGpa);
    bus.write32(disk.SECTOR, 8);
    bus.write32(disk.COUNT, 2);
    bus.write64(disk.BUFFER, 0n);
    host.poll();
    expect(state()).toEqual([disk.STATUS_OK, disk.SECTOR_SIZE, 1]);
    expect(sectorAt(host.ramGpa)).toEqual(new Set([7]));
  });

  it.each([
    ['a command that there is not', 3, 0, 1],
    ['no sectors', 1, 0, 0],
    ['sectors past the last', 1, SECTORS - 1, 2],
    ['sectors that wrap around', 1, 0xffffffff, 1],
  ])('refuses %s', (_, command, sector, count) => {
    const { host, start, state } = plugIn();
    start(command, sector, count, host.ramGpa);
    expect(state()).toEqual([disk.STATUS_BAD_REQUEST, 0, 1]);
  });
});
