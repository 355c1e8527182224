import { describe, expect, it } from 'vitest';
import { checkedModules } from '../../support/findings.ts';
import { deinitLvcmdq, deinitVintf0, resetHardware } from '../../support/linux-cmdqv.ts';
import { PhysicalBoard } from '../../support/physical-cmdqv.ts';
import { VirtualBoard } from '../../support/virtual-cmdqv.ts';

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

  it.each([
    ['physical', () => new PhysicalBoard(modules).bus],
    ['guest', () => new VirtualBoard(modules).bus],
  ] as const)('may touch the slots of a %s CMDQV before they are allocated', (_role, make) => {
    const bus = make();
    expect(deinitLvcmdq(bus, 0)).toBe(0);
    expect(deinitLvcmdq(bus, 1)).toBe(0);
  });
});
