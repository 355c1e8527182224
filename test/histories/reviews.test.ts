// SPDX-License-Identifier: MIT
// Findings of reviews of other models and of a driver (cloud-hypervisor 8805, bao 382,
// axvisor 193), one test each.

import { beforeEach, describe, expect, it } from 'vitest';
import { GERROR_LINE, PhysicalBoard, RING } from '../support/physical-smmu.ts';

let board: PhysicalBoard;
beforeEach(() => {
  board = new PhysicalBoard();
});

/** CMDQ_CONS as CERROR and index, and the GERROR interrupts, after one command. */
function outcome(d0: bigint, d1 = 0n): [number, number, number] {
  board.command(d0, d1);
  const cons = board.bus.read32(0x9c);
  return [cons >>> 24, cons & 0xfffff, board.host.pulses(GERROR_LINE)];
}

describe('reviews', () => {
  it('an unknown opcode is CERROR_ILL and CONS stays on it; PREFETCH_CFG and PREFETCH_ADDR do nothing', () => {
    expect(outcome(0x0000_0005_0000_0001n)).toEqual([0, 1, 0]);
    expect(outcome(0x0000_0005_0000_0002n, 0x1000n)).toEqual([0, 2, 0]);
    expect(outcome(0xffn)).toEqual([1, 2, 1]);
    expect(board.bus.read32(0x60)).toBe(1);
  });

  it('a command for a Secure stream is CERROR_ILL on a Non-secure queue', () => {
    expect(outcome(0x0000_0005_0000_0403n, 1n)).toEqual([1, 0, 1]);
    // Corrected in place, it is fetched again when the error is acknowledged.
    board.ram.store64(RING, 0x0000_0005_0000_0003n);
    board.bus.write32(0x64, 1);
    expect(board.bus.read32(0x9c) & 0xfffff).toBe(1);
  });

  it('a CMD_SYNC is complete when CONS has passed it, wrap bit included', () => {
    // The ring is full, so that PROD and CONS have equal indexes; another unit's access
    // delays the CMD_SYNC at its end.
    for (let n = 0; n < 3; n++) board.ram.store64(RING + 16 * n, 0x30n);
    board.ram.store64(RING + 48, 0x46n);
    board.unit.core.accessBegin();
    board.bus.write32(0x98, 4);
    expect(board.bus.read32(0x9c)).toBe(3);
    board.unit.core.accessEnd();
    board.host.poll();
    expect(board.bus.read32(0x9c)).toBe(4);
  });

  it('a base that is not aligned to the size acts as aligned: a driver that does not align finds its mistake', () => {
    board.bus.write32(0x20, 0);
    // Rings of 64 and 128 bytes, and a table of 4 KiB.
    board.bus.write64(0x90, BigInt(RING + 0x20 + 2));
    board.bus.write64(0xa0, BigInt(0x8060 + 2));
    board.bus.write64(0x80, 0x10fc0n);
    board.bus.write32(0x20, 0xd);
    expect(board.pa(0x1000n)).toBe(0x40000n);
    board.access(0x2000n);
    expect(board.record(0)).toMatch(/^0000000500000010 /);
    // The driver's supposed first command is the third.
    board.ram.store64(RING, 0xffn);
    board.ram.store64(RING + 0x20, 0x46n);
    board.bus.write32(0x98, 1);
    expect(board.bus.read32(0x9c)).toBe(0x0100_0000);
  });
});
