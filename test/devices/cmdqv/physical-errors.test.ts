// SPDX-License-Identifier: MIT
// Errors of a VCMDQ in the physical role: maps, masks, edges, acknowledgement
// (docs/cmdqv.md, "Errors").

import { describe, expect, it } from 'vitest';
import { checkedModules } from '../../support/findings.ts';
import { PhysicalBoard } from '../../support/physical-cmdqv.ts';

const modules = await checkedModules();

/** A board whose VCMDQ 0 has stopped at an illegal command. */
function failed(hypOwn = true, options = {}): PhysicalBoard {
  const board = new PhysicalBoard(modules, options);
  board.bringUp({ hypOwn });
  board.put(0, 0xff);
  board.bus.write32(0x30004, 1);
  return board;
}

/** VINTF_ERR_MAP, CMDQ_ERR_MAP(0), VINTF 0's LVCMDQ_ERR_MAP, its STATUS.STATUS. */
function maps({ bus }: PhysicalBoard): number[] {
  return [
    bus.read32(0x0014),
    bus.read32(0x0024),
    bus.read32(0x10c0),
    (bus.read32(0x1004) >>> 1) & 7,
  ];
}

describe('a bad command on a VCMDQ', () => {
  it('stops the queue at the command, with the code, GERROR.0 and one edge', () => {
    const board = failed();
    expect([board.bus.read32(0x30000), board.bus.read32(0x30010)]).toEqual([0x01000000, 1]);
    expect(board.host.log).toEqual(['pulse 0']);
  });

  it('sets its bit in every map, and none else', () => {
    expect(maps(failed())).toEqual([1, 1, 1, 1]);
  });

  it('of a queue of a VINTF without HYP_OWN stays private until a policy publishes it', () => {
    const board = failed(false, { reportErrors: 'hypervisor' });
    expect(maps(board)).toEqual([0, 0, 0, 0]);
    expect([board.bus.read32(0x30000), board.bus.read32(0x30010), board.host.log]).toEqual([
      0,
      0,
      [],
    ]);
    board.unit.drain.publishError(board.queue(0).smmu, 0);
    board.device.checkErrors();
    expect(maps(board)).toEqual([1, 1, 1, 1]);
    expect(board.host.log).toEqual(['pulse 0']);
  });

  it("is reported at once for every VINTF, where a kernel's own interrupt handler is what is above", () => {
    expect(maps(failed(false))).toEqual([1, 1, 1, 1]);
  });

  it('of a lent VINTF is found by the reads of Linux’s handler, and acknowledged by the guest', () => {
    const board = new PhysicalBoard(modules);
    const { bus, host, unit } = board;
    // VINTF 1 with VMID 9, whose LVCMDQ 0 is VCMDQ 2; page 0 is in guest memory, at
    // 0x20000.
    bus.write32(0x1100, (9 << 1) | 1);
    bus.write32(0x0208, (1 << 15) | 1);
    bus.write64(0x60000, 0x1004n);
    bus.write32(0x50008, 1);
    board.context(1).window = 1;
    board.context(1).mapPage0(host.guestMemory, 0x20000);
    const guest = new Int32Array(host.guestMemory.buffer, 0x20000, 6);
    const ring = (prod: number) => {
      guest[1] = prod;
      unit.drain.doorbell(1, 4);
      host.poll();
    };
    /**
     * tegra241_cmdqv_isr: VINTF_ERR_MAP, high word first, then the maps of each VINTF
     * that is not 0.
     */
    const handler = () => [
      bus.read32(0x0018),
      bus.read32(0x0014),
      bus.read64(0x11c0),
      bus.read64(0x11c8),
    ];
    board.put(0, 0xff);
    ring(1);
    expect([host.pulses(0), handler()]).toEqual([1, [0, 2, 1n, 0n]]);
    expect([guest[0], guest[4]]).toEqual([0x01000000, 1]);
    // The kernel acknowledges nothing: the guest skips the command and acknowledges.
    board.put(0, 0x46);
    guest[5] = 1;
    ring(1);
    expect([host.pulses(0), handler(), guest[0]]).toEqual([1, [0, 0, 0n, 0n], 1]);
    board.put(1, 0xff);
    ring(2);
    expect([host.pulses(0), handler()]).toEqual([2, [0, 2, 1n, 0n]]);
  });

  it('is acknowledged when GERRORN equals GERROR: the maps clear and the queue fetches the command again', () => {
    const board = failed();
    board.put(0, 0x46);
    board.bus.write32(0x30014, 1);
    expect(maps(board)).toEqual([0, 0, 0, 0]);
    expect(board.bus.read32(0x30000)).toBe(1);
  });

  it('raises an edge for each new error, even if the map bit of the VINTF is already set', () => {
    const board = failed();
    board.bus.write32(0x0204, (1 << 1) | 1);
    board.bus.write64(0x40080, 0x2004n);
    board.bus.write32(0x30088, 1);
    board.ram.setBigUint64(0x2000, 0xffn, true);
    board.bus.write32(0x30084, 1);
    expect(maps(board)).toEqual([1, 3, 3, 1]);
    expect(board.host.pulses(0)).toBe(2);
  });

  it('raises no interrupt while VINTF_INT_MASK is set, but shows in the maps', () => {
    const board = new PhysicalBoard(modules);
    board.bus.write32(0x001c, 1);
    board.bringUp({ hypOwn: true });
    board.put(0, 0xff);
    board.bus.write32(0x30004, 1);
    expect(maps(board)).toEqual([1, 1, 1, 1]);
    expect(board.host.log).toEqual([]);
  });

  it('is noticed by the background loop when it results from a doorbell', () => {
    const board = new PhysicalBoard(modules);
    board.bringUp({ hypOwn: true });
    board.context(0).window = 1;
    board.context(0).mapPage0(board.host.guestMemory, 0x10000);
    board.put(0, 0xff);
    new Int32Array(board.host.guestMemory.buffer)[0x10004 >> 2] = 1;
    board.unit.drain.doorbell(0, 4);
    expect(board.host.log).toEqual([]);
    board.host.poll();
    expect(board.host.log).toEqual(['pulse 0']);
    expect(maps(board)).toEqual([1, 1, 1, 1]);
  });
});

describe('CMDQ_INIT_ERR', () => {
  it.each([
    ['no BASE', 0n],
    ['a ring beyond memory', 0x0010_0004n],
    ['a window without memory', 0x9_0000_1004n],
    ['a ring larger than 19 bits of index', 0x1014n],
  ])('comes when a queue is enabled with %s', (_name, base) => {
    const board = new PhysicalBoard(modules);
    board.bus.write32(0x1000, (1 << 17) | 1);
    board.bus.write32(0x0200, 1);
    board.bus.write64(0x40000, base);
    board.bus.write32(0x30008, 1);
    expect([board.bus.read32(0x30010), board.bus.read32(0x3000c), board.host.pulses(0)]).toEqual([
      4, 0, 1,
    ]);
  });

  it('does not come back after the queue has got a ring and the error its acknowledgement', () => {
    const board = new PhysicalBoard(modules);
    board.bus.write32(0x1000, (1 << 17) | 1);
    board.bus.write32(0x0200, 1);
    board.bus.write32(0x30008, 1);
    board.bus.write32(0x30008, 0);
    board.bus.write64(0x40000, 0x1004n);
    board.bus.write32(0x30014, 4);
    board.bus.write32(0x30008, 1);
    expect([board.bus.read32(0x30010), board.bus.read32(0x3000c), board.host.pulses(0)]).toEqual([
      4, 1, 1,
    ]);
  });
});

describe('error maps', () => {
  it('never have a bit at or above the number of LVCMDQs', () => {
    const board = new PhysicalBoard(modules, { vintfs: 2, vcmdqs: 4 });
    // GERRORN of every VCMDQ differs from GERROR, whether allocated or not.
    for (let vcmdq = 0; vcmdq < 4; vcmdq++) {
      board.bus.write32(0x0200 + 4 * vcmdq, ((vcmdq >> 1) << 15) | ((vcmdq & 1) << 1) | 1);
      board.bus.write32(0x10014 + 0x80 * vcmdq, 7);
    }
    expect([
      board.bus.read32(0x0014),
      board.bus.read32(0x0018),
      board.bus.read32(0x0024),
      board.bus.read32(0x0028),
    ]).toEqual([3, 0, 15, 0]);
    expect(board.bus.read64(0x10c0)).toBe(3n);
    expect(board.bus.read64(0x10c8)).toBe(0n);
    expect(board.bus.read64(0x11c0)).toBe(3n);
  });
});
