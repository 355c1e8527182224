// SPDX-License-Identifier: MIT
// Situations that CMDQV drivers are known to handle wrongly, through the quirks of
// `vsmmu/testing` and through regular behaviour.

import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBus, FakeHost, QuirkyCmdqv } from '../../../devices/testing/index.ts';
import { deinitLvcmdq, resetHardware } from '../../support/drivers/cmdqv-registers.ts';
import { checkedModules } from '../../support/findings.ts';
import { PhysicalBoard } from '../../support/physical-cmdqv.ts';

const modules = await checkedModules();
const BASES = [0x4004n, 0x8004n];

let board: PhysicalBoard;
let quirky: QuirkyCmdqv;
let bus: DeviceBus;
let host: FakeHost;
beforeEach(() => {
  board = new PhysicalBoard(modules);
  quirky = new QuirkyCmdqv(board.device);
  host = new FakeHost();
  quirky.attach(host);
  quirky.reset();
  bus = new DeviceBus(quirky);
});

describe('a CMDQV without quirks', () => {
  it('behaves like the device that it wraps', () => {
    expect(resetHardware(bus, BASES)).toBe(true);
    expect([bus.read32(0x0004), bus.read32(0x3000c), host.log]).toEqual([
      board.bus.read32(0x0004),
      1,
      [],
    ]);
    expect(quirky.save()).toEqual(board.device.save());
    expect(quirky.registerName(0, 0x30000)).toBe(board.device.registerName(0, 0x30000));
  });
});

describe('an interrupt', () => {
  it('arrives before the driver has set anything up', () => {
    quirky.quirks.earlyInterrupts = 2;
    expect(host.log).toEqual([]);
    bus.read32(0x0004);
    bus.read32(0x0004);
    expect(host.log).toEqual(['pulse 0', 'pulse 0']);
    // Its handler finds no bit set.
    expect([bus.read32(0x0014), bus.read32(0x0018)]).toEqual([0, 0]);
    quirky.reset();
    bus.read32(0x0004);
    expect(host.log.length).toBe(4);
  });

  it('arrives while a queue or a VINTF is disabled', () => {
    resetHardware(bus, BASES);
    quirky.quirks.interruptOnDisable = true;
    deinitLvcmdq(bus, 0);
    expect(host.log).toEqual(['pulse 0']);
    bus.write32(0x1000, 0);
    expect(host.log).toEqual(['pulse 0', 'pulse 0']);
    // What is not enabled cannot be disabled.
    bus.write32(0x1000, 0);
    expect(host.log.length).toBe(2);
  });

  it('arrives without a cause whenever a test requests it', () => {
    quirky.interrupt();
    expect([host.log, bus.read32(0x0014)]).toEqual([['pulse 0'], 0]);
  });
});

describe('EN_OK', () => {
  it('is late: after n reads of STATUS', () => {
    quirky.quirks.enableDelay = 3;
    bus.write32(0x0000, 0);
    bus.write32(0x0000, 1);
    expect([1, 2, 3, 4, 5].map(() => bus.read32(0x0008) & 1)).toEqual([0, 0, 0, 1, 1]);
    bus.write32(0x1000, 1);
    expect([1, 2, 3, 4].map(() => bus.read32(0x1004) & 1)).toEqual([0, 0, 0, 1]);
  });

  it('never becomes set: the driver’s poll fails with an error', () => {
    quirky.quirks.enableDelay = Infinity;
    bus.write32(0x0000, 0);
    expect(() => resetHardware(bus, BASES)).toThrow('failed to enable CMDQV');
  });

  it('of a queue stays while its EN is cleared', () => {
    resetHardware(bus, BASES);
    quirky.quirks.disableDelay = Infinity;
    expect(() => deinitLvcmdq(bus, 1)).toThrow('failed to disable LVCMDQ 1');
    expect(bus.read32(0x3008c) & 1).toBe(1);
    // The VINTF still stops.
    bus.write32(0x1000, 0);
    expect(bus.read32(0x1004) & 1).toBe(0);
  });
});

describe('CONS', () => {
  it('sticks while the queue continues', () => {
    board.bringUp({ hypOwn: true });
    quirky.quirks.stuckCons = true;
    expect(bus.read32(0x30000)).toBe(0);
    board.put(0, 0x46);
    bus.write32(0x30004, 1);
    expect([bus.read32(0x30000), board.queue(0).cons]).toEqual([0, 1]);
    quirky.quirks.stuckCons = false;
    expect(bus.read32(0x30000)).toBe(1);
  });
});

describe('a queue that is used again', () => {
  /**
   * VCMDQ 0 has run four commands for one owner, and is then assigned to VINTF 1, with
   * another ring.
   */
  function handOver(): void {
    board.bringUp({ hypOwn: true });
    for (let slot = 0; slot < 4; slot++) board.put(slot, 0x46);
    bus.write32(0x30004, 4);
    bus.write32(0x30008, 0);
    bus.write32(0x0200, 0);
    bus.write32(0x1100, (1 << 17) | 1);
    bus.write32(0x0200, (1 << 15) | 1);
  }
  const PAGE0 = 0x50000;

  function ringOnce(): void {
    bus.write64(0x60000, 0x2004n);
    bus.write32(PAGE0 + 0x08, 1);
    board.ram.setBigUint64(0x2000, 0x46n, true);
    // Left in the new ring's memory by its previous owner.
    for (let slot = 1; slot < 16; slot++) board.ram.setBigUint64(0x2000 + 16 * slot, 0xffn, true);
    bus.write32(PAGE0 + 0x04, 1);
  }

  it('has its last owner’s registers: a driver that does not clear them executes commands that were not written', () => {
    handOver();
    expect([bus.read32(PAGE0), bus.read32(PAGE0 + 0x04)]).toEqual([4, 4]);
    ringOnce();
    // It starts at the old CONS, at a command that has not been written.
    expect(bus.read32(PAGE0)).toBe(0x01000004);
    expect(bus.read32(PAGE0 + 0x10)).toBe(1);
  });

  it('runs its own commands for a driver that clears PROD and CONS first', () => {
    handOver();
    bus.write32(PAGE0 + 0x04, 0);
    bus.write32(PAGE0, 0);
    ringOnce();
    expect([bus.read32(PAGE0), bus.read32(PAGE0 + 0x10)]).toEqual([1, 0]);
  });
});

describe('a ring', () => {
  it.each([
    ['with a LOG2SIZE that no queue has', 0x401fn],
    ['that nobody has given it', 0n],
  ])('%s is CMDQ_INIT_ERR of this queue alone, and STATUS stays 0', (_, base) => {
    resetHardware(bus, BASES);
    deinitLvcmdq(bus, 1);
    bus.write64(0x40080, base);
    bus.write32(0x30088, 1);
    expect([
      bus.read32(0x3008c),
      bus.read32(0x30090),
      bus.read32(0x3000c),
      bus.read32(0x30010),
    ]).toEqual([0, 4, 1, 0]);
    expect([bus.read32(0x0014), bus.read32(0x0024), bus.read32(0x10c0)]).toEqual([1, 2, 2]);
  });
});
