// SPDX-License-Identifier: MIT
// Past bugs of gem5's SMMUv3 (its change log), one test each: this model does not have
// them.

import { beforeEach, describe, expect, it } from 'vitest';
import { THREAD_IN_FLIGHT } from '../../assembly/layout/thread-memory.ts';
import { smmuBase, Unit } from '../../devices/unit/index.ts';
import { checkedModules } from '../support/findings.ts';
import {
  CD,
  CD0,
  EVENT_LINE,
  PhysicalBoard,
  RING,
  SID,
  STE1,
  STREAMS,
  TABLES,
} from '../support/physical-smmu.ts';

let board: PhysicalBoard;
beforeEach(() => {
  board = new PhysicalBoard();
});

const store = (pa: number, word: bigint) => board.ram.store64(pa, word);

/** A second stream with a CD of its own and the tables of the first. */
function secondStream(cd: number, cd0: bigint): void {
  store(cd, cd0);
  store(cd + 8, BigInt(TABLES[0]));
  for (const [i, word] of [BigInt(cd) | 0xbn, STE1].entries())
    store(STREAMS + 64 * 6 + 8 * i, word);
}

describe('gem5', () => {
  it('the index of the command queue wraps at its size', () => {
    // Nine CMD_SYNCs in a ring of four: the wrap bit is bit 2.
    for (let n = 1; n <= 9; n++) {
      board.command(0x46n);
      expect(board.bus.read32(0x9c)).toBe(n % 8);
    }
  });

  it('a queue with equal indexes and different wrap bits is full, not empty', () => {
    for (let n = 0; n < 4; n++) store(RING + 16 * n, 0x30n);
    board.bus.write32(0x98, 4);
    expect(board.bus.read32(0x9c)).toBe(4);
  });

  it('the pointer to the CDs is not shifted: its unit is 64 bytes', () => {
    secondStream(CD + 0x40, CD0);
    store(CD, 0n);
    expect(board.pa(0x1000n, { sid: 6 })).toBe(0x40000n);
    expect(board.pa(0x1000n)).toBeUndefined();
  });

  it('the address of the next 16 KiB table has the mask of its granule', () => {
    // T0SZ 28, TG0 2: 36 bits, from level 2. The table descriptor has bits 13 and 12 set,
    // which are never set for a 16 KiB table.
    store(CD, (CD0 & ~0xffn) | 28n | (2n << 6n));
    store(CD + 8, 0x50000n);
    store(0x50000, 0x5_7003n);
    store(0x54008, 0x8_0f47n);
    expect(board.pa(0x4abcn)).toBe(0x80abcn);
  });

  it('a block yields an address with the mask of its level', () => {
    store(TABLES[1] + 8, 0x1234_0020_0000n | 0xf45n);
    store(TABLES[0] + 8, 0x5678_4000_0000n | 0xf45n);
    expect(board.pa(0x3a_bcden)).toBe(0x1234_003a_bcden);
    expect(board.pa(0x7123_4567n)).toBe(0x5678_7123_4567n);
  });

  it('TxSZ is part of the cached configuration', () => {
    // 33 bits of input for stream 6, 39 for stream 5: the same tables, the same ASID.
    secondStream(CD + 0x40, (CD0 & ~0x3fn) | 31n);
    store(TABLES[0] + 8 * 8, BigInt(TABLES[1] + 3));
    const iova = 0x2_0000_1000n;
    expect([board.pa(iova), board.pa(iova - 0x2_0000_0000n, { sid: 6 })]).toEqual([
      0x40000n,
      0x40000n,
    ]);
    store(CD, (CD0 & ~0x3fn) | 32n);
    board.command(0x0000_0005_0000_0005n, 1n);
    board.command(0x30n);
    expect(board.pa(iova)).toBeUndefined();
  });

  it('invalidations by VA, VAA and ASID leave no table of a walk cached', () => {
    const [, second, third] = TABLES;
    const other = 0x24000;
    store(other + 8, 0x41f47n);
    expect(board.pa(0x1000n)).toBe(0x40000n);
    // TLBI_NH_VA, TLBI_NH_VAA and TLBI_NH_ASID of VMID 7, each after the last table was
    // replaced by the other one.
    const commands: [bigint, bigint][] = [
      [0x0001_0007_0000_0012n, 0x1000n],
      [0x0000_0007_0000_0013n, 0x1000n],
      [0x0001_0007_0000_0011n, 0n],
    ];
    for (const [i, command] of commands.entries()) {
      store(second, BigInt((i % 2 ? third : other) + 3));
      board.command(...command);
      expect(board.pa(0x1000n)).toBe(i % 2 ? 0x40000n : 0x41000n);
    }
  });

  it('a configuration that is invalidated in the SMMU is cached nowhere else', async () => {
    const other = new Unit({
      modules: await checkedModules(),
      hostMemory: board.unit.hostMemory,
      thread: 1,
    });
    const translate = () => {
      other.core.accessBegin();
      const status = other.translate(smmuBase(0), SID, -1, 0x1000, 0, 0);
      other.core.accessEnd();
      return status;
    };
    expect([translate(), board.access(0x1000n)]).toEqual([0, 0]);
    board.ste('s1', [1n]);
    expect([translate(), board.access(0x1000n)]).toEqual([0, 0]);
    board.command(0x0000_0005_0000_0003n, 1n);
    expect([translate(), board.access(0x1000n)]).toEqual([1, 1]);
  });

  it('a fault frees the slot of its translation', () => {
    for (let n = 0; n < 1000; n++) board.access(0x2000n);
    const words = new DataView(board.unit.hostMemory.buffer);
    expect(words.getBigInt64(board.unit.threadBlock.address + THREAD_IN_FLIGHT, true)).toBe(0n);
    board.command(0x46n);
    expect(board.bus.read32(0x9c)).toBe(1);
  });

  it('the wired interrupt of the event queue is raised only when the queue was empty', () => {
    const poll = () => {
      board.host.poll();
      return board.host.pulses(EVENT_LINE);
    };
    board.access(0x2000n);
    expect(poll()).toBe(1);
    board.access(0x5000n);
    expect(poll()).toBe(1);
    // One of two is consumed, and another one arrives: the queue has never been empty.
    board.bus.write32(0x100ac, 1);
    board.access(0x6000n);
    expect(poll()).toBe(1);
    board.bus.write32(0x100ac, 3);
    expect(poll()).toBe(1);
    board.access(0x2000n);
    board.access(0x5000n);
    expect(poll()).toBe(2);
  });
});
