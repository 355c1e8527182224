// SPDX-License-Identifier: MIT
// Past bugs of QEMU's SMMUv3 (its change log and review threads), one test each: this
// model does not have them.

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_WRITE } from '../../assembly/layout/access.ts';
import { PHYSICAL_ID_REGISTERS } from '../../devices/smmuv3/index.ts';
import {
  CD,
  CD0,
  PhysicalBoard,
  RING,
  SID,
  STE,
  STE0,
  STE1,
  STE2,
  STREAMS,
  TABLES,
  TABLES2,
} from '../support/physical-smmu.ts';

let board: PhysicalBoard;
beforeEach(() => {
  board = new PhysicalBoard();
});

const store = (pa: number, word: bigint) => board.ram.store64(pa, word);
const page = (n: number) => BigInt(n) << 12n;

/**
 * Maps pages, caches them, and removes them from the table: later translations come from
 * the IOTLB.
 */
function cachePages(first: number, last: number): void {
  for (let n = first; n <= last; n++) board.map(n, 0x80_0000n + page(n));
  for (let n = first; n <= last; n++) expect(board.pa(page(n))).toBe(0x80_0000n + page(n));
  for (let n = first; n <= last; n++) store(TABLES[2] + 8 * n, 0n);
}

/** The pages that are still cached. */
function cached(first: number, last: number, sid = SID): number[] {
  const pages = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return pages.filter((n) => board.pa(page(n), { sid }) !== undefined);
}

describe('QEMU', () => {
  it('CFGI_STE_RANGE affects exactly the streams of the aligned range', () => {
    for (let sid = 0; sid < 32; sid++) store(STREAMS + 64 * sid, 9n);
    for (let sid = 0; sid < 32; sid++) expect(board.pa(0x1000n, { sid })).toBe(0x1000n);
    for (let sid = 0; sid < 32; sid++) store(STREAMS + 64 * sid, 1n);
    // 2^(2 + 1) streams around 13.
    board.command(0x0000_000d_0000_0004n, 2n);
    const bypassing = Array.from({ length: 32 }, (_, sid) => sid).filter(
      (sid) => board.pa(0x1000n, { sid }) !== undefined,
    );
    expect(bypassing).toEqual([
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      ...Array.from({ length: 16 }, (_, i) => 16 + i),
    ]);
  });

  it('a range with a number of pages that is not a power of two is invalidated completely', () => {
    cachePages(8, 15);
    // TLBI_NH_VA, VMID 7, ASID 1: NUM 4, SCALE 0, so 5 pages of 4 KiB from page 9.
    board.command(0x0001_0007_0000_4012n, page(9) | 0x401n);
    expect(cached(8, 15)).toEqual([8, 14, 15]);
  });

  it('an invalidation without ASID removes entries of all ASIDs', () => {
    const other = CD + 0x40;
    store(other, (CD0 & ~(0xffffn << 48n)) | (0x1e20n << 48n));
    store(other + 8, BigInt(TABLES[0]));
    for (const [i, word] of [0x2004bn, STE1, 7n].entries()) store(STREAMS + 64 * 6 + 8 * i, word);
    for (const sid of [SID, 6]) {
      board.map(8, 0x80_8000n);
      expect(board.pa(page(8), { sid })).toBe(0x80_8000n);
      store(TABLES[2] + 64, 0n);
      // TLBI_NH_VAA.
      board.command(0x0000_0007_0000_0013n, page(8) | 1n);
      expect(cached(8, 8, sid)).toEqual([]);
    }
    cachePages(8, 8);
    // TLBI_NH_VA of the other ASID, then of this one.
    board.command(0x1e20_0007_0000_0012n, page(8) | 1n);
    expect(cached(8, 8)).toEqual([8]);
    board.command(0x0001_0007_0000_0012n, page(8) | 1n);
    expect(cached(8, 8)).toEqual([]);
  });

  it('a range that does not start at a multiple of its size is not rounded down', () => {
    cachePages(0, 15);
    // NUM 3, SCALE 1: 8 pages from page 3.
    board.command(0x0001_0007_0010_3012n, page(3) | 0x401n);
    expect(cached(0, 15)).toEqual([0, 1, 2, 11, 12, 13, 14, 15]);
  });

  it('an address beyond T0SZ faults', () => {
    expect(board.pa(0x1000n)).toBe(0x40000n);
    expect(board.pa(0x1000n | (1n << 39n))).toBeUndefined();
    expect(board.record(0)).toBe(
      '0000000500000010 0000020800000000 0000008000001000 0000000000000000',
    );
  });

  it('a stage-2 event has the IPA and the input address', () => {
    board.ste('nested');
    store(TABLES2[2] + 8 * 0x40, 0n);
    board.access(0x1abcn);
    expect(board.record(0).split(' ').slice(2)).toEqual(['0000000000001abc', '0000000000040000']);
  });

  it('CLASS is 0 for a CD, 1 for a table, 2 for the input', () => {
    board.ste('nested');
    for (const ipaPage of [0x40, 0x23, 0x20]) {
      store(TABLES2[2] + 8 * ipaPage, 0n);
      board.invalidateAll();
      board.access(0x1000n);
    }
    const classes = [0, 1, 2].map(
      (index) => (BigInt(`0x${board.record(index).split(' ')[1]}`) >> 40n) & 3n,
    );
    expect(classes).toEqual([2n, 1n, 0n]);
  });

  it('reserved bits of CR0 read 0, and CR0ACK follows CR0', () => {
    board.bus.write32(0x20, 0xffffffff);
    const cr0 = board.bus.read32(0x20);
    expect(cr0 & ~0x1df).toBe(0);
    expect(board.bus.read32(0x24)).toBe(cr0);
    board.bus.write32(0x20, 0xffffff2c);
    expect([board.bus.read32(0x20) & 0xf, board.bus.read32(0x24)]).toEqual([
      0xc,
      board.bus.read32(0x20),
    ]);
  });

  it('bits of STRTAB_BASE outside of its address field are ignored', () => {
    board.bus.write32(0x20, 0xc);
    board.bus.write64(0x80, 0xfff0_0000_0000_003fn | BigInt(STREAMS));
    board.bus.write32(0x20, 0xd);
    expect(board.pa(0x1000n)).toBe(0x40000n);
  });

  it('accesses in progress at a reset do not use translations from before it', () => {
    expect(board.pa(0x1000n)).toBe(0x40000n);
    board.unit.core.accessBegin();
    board.device.reset();
    board.unit.core.accessEnd();
    // GBPA bypasses them, without an event.
    expect(board.pa(0x1000n)).toBe(0x1000n);
    board.map(1, 0x99000n);
    board.bus.write64(0x80, BigInt(STREAMS));
    board.bus.write32(0x88, 6);
    board.bus.write32(0x20, 1);
    expect(board.pa(0x1000n)).toBe(0x99000n);
    expect(board.produced).toBe(0);
  });

  it('structures are little-endian, regardless of the host', () => {
    const bytes = new Uint8Array(
      board.unit.hostMemory.buffer,
      board.unit.hostMemory.buffer.byteLength - 0x100000,
    );
    const put = (pa: number, ...values: number[]) => bytes.set(values, pa);
    // The STE and the CD of the stream, its page's descriptor, CFGI_STE of stream 5, byte
    // by byte.
    put(STE, 0x0b, 0, 2, 0, 0, 0, 0, 0, 0xd6, 0, 0, 0, 0, 0, 0, 0);
    put(CD, 0x19, 0x35, 0x00, 0xc0, 0x05, 0xe2, 0x01, 0x00);
    put(TABLES[2] + 8, 0x47, 0x0f, 0x34, 0x12);
    put(RING, 0x03, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    board.bus.write32(0x98, 1);
    expect([board.bus.read32(0x9c), board.pa(0x1000n)]).toEqual([1, 0x1234_0000n]);
    board.access(0x2345n, { attributes: ACCESS_WRITE });
    const record = bytes.slice(0x8000, 0x8020);
    expect([...record.slice(0, 8), ...record.slice(13, 18)]).toEqual([
      0x10, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0x45, 0x23,
    ]);
  });

  it('S2TTB beyond S2PS is refused', () => {
    // S2PS 0: 32 bits.
    board.ste('s2', [undefined, undefined, STE2 & ~(7n << 48n)]);
    expect(board.pa(0x20000n)).toBe(0x20000n);
    store(STE + 24, 0x1_0003_0000n);
    board.invalidateAll();
    expect(board.pa(0x20000n)).toBeUndefined();
    expect(board.record(0)).toMatch(/^0000000500000004 /);
  });

  it('S2T0SZ outside of 16 to 39, or beyond OAS, is refused', () => {
    const withT0sz = (t0sz: bigint) => [
      undefined,
      undefined,
      (STE2 & ~(0x3fn << 32n)) | (t0sz << 32n),
    ];
    const event = (t0sz: bigint) => {
      board.ste('s2', withT0sz(t0sz));
      board.invalidateAll();
      board.bus.write32(0x100ac, board.produced);
      const produced = board.produced;
      board.access(0x20000n);
      return board.produced === produced ? 'translated' : board.record(produced % 4).slice(14, 16);
    };
    // Within the limits, a walk from level 1 allows 21 to 33.
    expect([15n, 33n, 34n, 40n, 0n, 63n].map(event)).toEqual([
      '04',
      'translated',
      '04',
      '04',
      '04',
      '04',
    ]);
    board = new PhysicalBoard({
      ...PHYSICAL_ID_REGISTERS,
      idr5: (PHYSICAL_ID_REGISTERS.idr5 & ~7) | 2,
    });
    // 40 bits of OAS.
    expect([23n, 24n, 25n].map(event)).toEqual(['04', 'translated', 'translated']);
  });

  it('more than 16 concatenated tables are refused', () => {
    // From level 1 a table has 39 bits; 43 bits are 16 tables, 44 bits 32.
    for (const [t0sz, pa] of [
      [21n, 0x20000n],
      [20n, undefined],
    ] as const) {
      board.ste('s2', [undefined, undefined, (STE2 & ~(0x3fn << 32n)) | (t0sz << 32n)]);
      board.invalidateAll();
      expect(board.pa(0x20000n)).toBe(pa);
    }
    expect(board.record(0)).toMatch(/^0000000500000004 /);
  });

  it('a SubstreamID is refused in a stream without substreams', () => {
    expect(board.pa(0x1000n, { ssid: 1 })).toBeUndefined();
    board.ste('s1', [STE0.s1 | (1n << 59n)]);
    board.invalidateAll();
    store(CD + 0x40, CD0);
    store(CD + 0x48, BigInt(TABLES[0]));
    expect(board.pa(0x1000n, { ssid: 1 })).toBe(0x40000n);
  });
});
