// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { deinitLvcmdq, deinitVintf0, resetHardware } from '../support/drivers/cmdqv-registers.ts';
import { checkedModules } from '../support/findings.ts';
import { PhysicalBoard } from '../support/physical-cmdqv.ts';
import { VirtualBoard } from '../support/virtual-cmdqv.ts';

const modules = await checkedModules();

describe('the order of accesses that Linux has', () => {
  it('brings up a physical CMDQV, which the driver finds to be its own', () => {
    const { bus } = new PhysicalBoard(modules);
    expect(resetHardware(bus, [0x1004n, 0x2004n])).toBe(true);
  });

  it('brings up a guest CMDQV, which the driver finds to be lent', () => {
    const board = new VirtualBoard(modules);
    expect(resetHardware(board.bus, [0x80001004n, 0x80002004n])).toBe(false);
    expect([board.host.log.includes('map 0 0x30000'), board.host.pulses(0)]).toEqual([true, 0]);
    board.put(0, 0x1000, 0x12);
    board.put(1, 0x1000, 0x46);
    board.store(0x04, 2);
    expect(board.bus.read32(0x30000)).toBe(2);
  });

  it.each([
    ['physical', () => new PhysicalBoard(modules).bus, [0x1004n, 0x2004n]],
    ['guest', () => new VirtualBoard(modules).bus, [0x80001004n, 0x80002004n]],
  ] as const)('can be repeated on a %s CMDQV that is already up', (_role, make, bases) => {
    const bus = make();
    resetHardware(bus, bases);
    resetHardware(bus, bases);
    deinitVintf0(bus);
    expect(bus.read32(0x1004) & 1).toBe(0);
    expect(resetHardware(bus, bases)).toBe(bus.read32(0x1000) >>> 17 === 1);
  });

  /** A board, and two CMD_SYNCs at the beginning of each of its rings. */
  const guestBoard = () => {
    const board = new VirtualBoard(modules);
    for (const ring of [0x1000, 0x2000]) for (const slot of [0, 1]) board.put(slot, ring, 0x46);
    return board;
  };
  const physicalBoard = () => {
    const board = new PhysicalBoard(modules);
    for (const ring of [0x1000, 0x2000])
      for (const slot of [0, 1]) board.ram.setUint32(ring + 16 * slot, 0x46, true);
    return board;
  };
  it.each([
    ['physical', physicalBoard, [0x1004n, 0x2004n]],
    ['guest', guestBoard, [0x80001004n, 0x80002004n]],
  ] as const)(
    'finds a %s CMDQV that another kernel has left running disabled, on no old ring, and without an error',
    (_role, make, bases) => {
      const { bus, host } = make();
      resetHardware(bus, bases);
      for (const at of [0, 0x80]) {
        bus.write32(0x30004 + at, 1);
        expect(bus.read32(0x30000 + at)).toBe(1);
      }
      const config = bus.read32(0x0000);
      bus.write32(0x0000, config & ~1);
      bus.write32(0x0000, config | 1);
      for (const at of [0, 0x80]) {
        const page0 = [0x10000, 0x10004, 0x10008, 0x1000c].map((offset) => bus.read32(offset + at));
        expect([page0, bus.read64(0x20000 + at)]).toEqual([[0, 0, 0, 0], 0n]);
        bus.write32(0x10004 + at, 1);
        expect(bus.read32(0x10000 + at)).toBe(0);
      }
      resetHardware(bus, bases);
      expect([0x30010, 0x30090, 0x10c0].map((offset) => bus.read32(offset))).toEqual([0, 0, 0]);
      expect(host.pulses(0)).toBe(0);
      bus.write32(0x30084, 1);
      expect(bus.read32(0x30080)).toBe(1);
    },
  );

  it.each([
    ['physical', () => new PhysicalBoard(modules).bus],
    ['guest', () => new VirtualBoard(modules).bus],
  ] as const)('may touch the slots of a %s CMDQV before they are allocated', (_role, make) => {
    const bus = make();
    expect(deinitLvcmdq(bus, 0)).toBe(0);
    expect(deinitLvcmdq(bus, 1)).toBe(0);
  });
});
