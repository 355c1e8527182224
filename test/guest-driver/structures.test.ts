// SPDX-License-Identifier: MIT
// Structures that the driver writes for the SMMU, against literal images derived by hand
// from the architecture.

import { describe, expect, it } from 'vitest';
import type { FakeSmmu } from '../support/fake-smmu.ts';
import {
  bootDriver,
  type DriverExports,
  RESULT_BAD_ARGUMENT,
  RESULT_EXISTS,
  RESULT_OK,
} from '../support/guest-driver.ts';

function dwords(fake: FakeSmmu, at: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => fake.view.getBigUint64(at + 8 * i, true));
}

const gpaOf = (offset: number) => BigInt(offset) + 0x80000000n;

describe('stream table entry and context descriptor', () => {
  it('writes the CD of a 48-bit address space', async () => {
    const { driver, fake } = await bootDriver();
    const table = driver.newTable();
    const cd = driver.newContextDescriptor(table, 1);
    expect(cd % 64).toBe(0);
    expect(dwords(fake, cd, 8)).toEqual([
      0x0001e205_c0003510n,
      gpaOf(table),
      0n,
      0x00000000_f404ff44n,
      0n,
      0n,
      0n,
      0n,
    ]);
    expect(dwords(fake, driver.newContextDescriptor(table, 0xabcd), 1)).toEqual([
      0xabcde205_c0003510n,
    ]);
  });

  it('changes an aborting STE to stage 1 in two steps, each followed by CFGI_STE and CMD_SYNC', async () => {
    const { driver, fake } = await bootDriver();
    const cd = driver.newContextDescriptor(driver.newTable(), 1);
    const ste = driver.streamTableEntry(8);
    const images: bigint[][] = [];
    fake.errorOf = ({ op }) => {
      if (op === 3) images.push(dwords(fake, ste, 2));
      return 0;
    };
    expect(driver.attachStream(8, cd, 0)).toBe(RESULT_OK);
    expect(images).toEqual([
      [1n, 0xd6n],
      [gpaOf(cd) | 0xbn, 0xd6n],
    ]);
    expect(dwords(fake, ste, 8).slice(2)).toEqual([0n, 0n, 0n, 0n, 0n, 0n]);
    expect(fake.order).toEqual(['0:3', '0:46', '0:3', '0:46']);
    expect(fake.taken[0]).toMatchObject({ dw0: 0x00000008_00000003n, dw1: 1n });
    expect(driver.detach(8)).toBe(RESULT_OK);
    expect(images.slice(2).map(([dw0]) => dw0)).toEqual([1n]);
    expect(fake.order.slice(4)).toEqual(['0:3', '0:46']);
    expect(fake.taken[4]).toMatchObject({ dw0: 0x00000008_00000003n, dw1: 1n });
    expect(dwords(fake, ste, 1)).toEqual([1n]);
    expect(driver.attachStream(256, cd, 0)).toBe(RESULT_BAD_ARGUMENT);
  });

  it('writes a CD for each SubstreamID of a stream', async () => {
    const { driver, fake } = await bootDriver();
    const table = driver.newTable();
    const cds = driver.newContextDescriptors(2);
    expect(cds % 256).toBe(0);
    driver.setContextDescriptor(cds, 3, table, 0xabcd);
    expect(dwords(fake, cds + 192, 2)).toEqual([0xabcde205_c0003510n, gpaOf(table)]);
    expect(dwords(fake, cds, 1)).toEqual([0n]);
    expect(driver.attachStream(8, cds, 2)).toBe(RESULT_OK);
    // S1CDMax 2, S1DSS 2.
    expect(dwords(fake, driver.streamTableEntry(8), 2)).toEqual([
      0x10000000_00000000n | gpaOf(cds) | 0xbn,
      0xd6n,
    ]);
  });
});

describe('translation tables', () => {
  /** The four descriptors of the walk for an iova. */
  function walk(fake: FakeSmmu, table: number, indexes: readonly number[]): bigint[] {
    let at = table;
    return indexes.map((index) => {
      const descriptor = fake.view.getBigUint64(at + 8 * index, true);
      at = Number(descriptor & 0xffff_ffff_f000n) - 0x80000000;
      return descriptor;
    });
  }

  it('maps through four levels', async () => {
    const { driver, fake } = await bootDriver();
    const table = driver.newTable();
    // 0x8081_8283_0000: bits [47:39] 0x101, [38:30] 6, [29:21] 0x14, [20:12] 0x30.
    expect(driver.map(table, 0x81828000 | 0x3000, 0x8081, 0x80700000, 1, 1)).toBe(RESULT_OK);
    const iova = 0x8081_8182_b000n;
    const indexes = [39n, 30n, 21n, 12n].map((shift) => Number((iova >> shift) & 0x1ffn));
    expect(indexes).toEqual([0x101, 0x6, 0xc, 0x2b]);
    const descriptors = walk(fake, table, indexes);
    expect(descriptors.slice(0, 3).map((descriptor) => descriptor & 0xfffn)).toEqual([3n, 3n, 3n]);
    expect(descriptors[3]).toBe(0x80700f47n);
  });

  it('writes pages as Linux does: read-write 0xf47, read-only 0xfc7', async () => {
    const { driver } = await bootDriver();
    const table = driver.newTable();
    driver.map(table, 0x1000, 0, 0x80400000, 2, 1);
    driver.map(table, 0x3000, 0, 0x80500000, 1, 0);
    expect(
      [0x1000, 0x2000, 0x3000, 0x4000].map((iova) => driver.descriptor(table, iova, 0) >>> 0),
    ).toEqual([0x80400f47, 0x80401f47, 0x80500fc7, 0]);
  });

  it('crosses the end of a table', async () => {
    const { driver, fake } = await bootDriver();
    const table = driver.newTable();
    expect(driver.map(table, 0x3ffff000, 0, 0x80400000, 2, 1)).toBe(RESULT_OK);
    expect(walk(fake, table, [0, 0, 511, 511])[3]).toBe(0x80400f47n);
    expect(walk(fake, table, [0, 1, 0, 0])[3]).toBe(0x80401f47n);
  });

  it('clears what it unmaps and nothing else', async () => {
    const { driver } = await bootDriver();
    const table = driver.newTable();
    driver.map(table, 0x10000, 1, 0x80400000, 4, 1);
    expect(driver.unmap(table, 0x11000, 1, 2)).toBe(2);
    expect(
      [0x10000, 0x11000, 0x12000, 0x13000].map((iova) => driver.descriptor(table, iova, 1) !== 0),
    ).toEqual([true, false, false, true]);
    expect(driver.unmap(table, 0x11000, 1, 2)).toBe(0);
    expect(driver.unmap(table, 0, 0x7000, 3)).toBe(0);
    // With bits above 48, or within the page, it is not an address of these tables.
    for (const [lo, hi] of [
      [0x10000, 0x10001],
      [0x10000, 0x80000001],
      [0x10008, 1],
    ] as const)
      expect(driver.unmap(table, lo, hi, 1)).toBe(0);
    expect(driver.descriptor(table, 0x10000, 1)).not.toBe(0);
  });

  it('refuses what is mapped, not aligned, or beyond 48 bits', async () => {
    const { driver } = await bootDriver();
    const table = driver.newTable();
    expect(driver.map(table, 0x1000, 0, 0x80400000, 1, 1)).toBe(RESULT_OK);
    expect(driver.map(table, 0x1000, 0, 0x80500000, 1, 1)).toBe(RESULT_EXISTS);
    expect(driver.map(table, 0x2800, 0, 0x80500000, 1, 1)).toBe(RESULT_BAD_ARGUMENT);
    expect(driver.map(table, 0x2000, 0, 0x80500800, 1, 1)).toBe(RESULT_BAD_ARGUMENT);
    expect(driver.map(table, 0xfffff000, 0xffff, 0x80500000, 2, 1)).toBe(RESULT_BAD_ARGUMENT);
    expect(driver.map(table, 0xfffff000, 0xffff, 0x80500000, 1, 1)).toBe(RESULT_OK);
  });
});

describe('commands', () => {
  it.each<[string, (driver: DriverExports) => number, bigint, bigint]>([
    ['PREFETCH_CFG', (driver) => driver.addPrefetchConfig(0x10), 0x00000010_00000001n, 0n],
    ['CFGI_STE', (driver) => driver.addCfgiSte(0x12345), 0x00012345_00000003n, 1n],
    ['CFGI_ALL', (driver) => driver.addCfgiAll(), 0x04n, 31n],
    ['CFGI_CD', (driver) => driver.addCfgiCd(8, 0), 0x00000008_00000005n, 1n],
    ['CFGI_CD', (driver) => driver.addCfgiCd(8, 0xabcde), 0x00000008_abcde005n, 1n],
    ['TLBI_NH_ALL', (driver) => driver.addTlbiNhAll(0x1234), 0x00001234_00000010n, 0n],
    ['TLBI_NH_ASID', (driver) => driver.addTlbiNhAsid(0x1234, 0xabcd), 0xabcd1234_00000011n, 0n],
    [
      'TLBI_NH_VA',
      (driver) => driver.addTlbiNhVa(2, 3, 0x9abcd000, 0x1234),
      0x00030002_00000012n,
      0x00001234_9abcd001n,
    ],
    // TG = 1, TTL = 3, LEAF; NUM = 4, SCALE = 2: (4 + 1) << 2 = 20 pages.
    [
      'TLBI_NH_VA with a range',
      (driver) => driver.addTlbiNhVaRange(1, 0x10000, 0, 5, 2),
      0x00010000_00204012n,
      0x10701n,
    ],
    ['TLBI_S12_VMALL', (driver) => driver.addTlbiS12Vmall(7), 0x00000007_00000028n, 0n],
    [
      'TLBI_S2_IPA',
      (driver) => driver.addTlbiS2Ipa(7, 0x80001000, 1),
      0x00000007_0000002an,
      0x00000001_80001001n,
    ],
    ['TLBI_NSNH_ALL', (driver) => driver.addTlbiNsnhAll(), 0x30n, 0n],
    ['ATC_INV', (driver) => driver.addAtcInv(8, 0x10000, 0, 4), 0x00000008_00000040n, 0x10004n],
  ])('builds %s', async (_name, add, dw0, dw1) => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    add(driver);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.taken[0]).toMatchObject({ dw0, dw1 });
  });

  it('splits a range of 33 pages as Linux does: one page, then 32', async () => {
    const { driver, fake } = await bootDriver();
    expect(driver.invalidate(1, 0x20000, 0, 33)).toBe(RESULT_OK);
    expect(fake.taken.slice(0, -1).map(({ dw0, dw1 }) => [dw0, dw1])).toEqual([
      [0x00010000_00000012n, 0x20701n],
      [0x00010000_00500012n, 0x21701n],
    ]);
  });

  it('sends one command for each page without range invalidation', async () => {
    const { driver, fake } = await bootDriver({ idr3: 0 });
    expect(driver.invalidate(1, 0x20000, 0, 3)).toBe(RESULT_OK);
    expect(fake.taken.slice(0, -1).map(({ dw1 }) => dw1)).toEqual([0x20001n, 0x21001n, 0x22001n]);
  });
});

describe('memory', () => {
  it('is aligned, zeroed and never allocated twice', async () => {
    const { driver, fake } = await bootDriver();
    const first = driver.allocateBytes(100, 64);
    const second = driver.allocateBytes(4096, 4096);
    new Uint8Array(fake.memory.buffer).fill(0xff, second + 4096);
    const third = driver.allocateBytes(64, 64);
    expect([first % 64, second % 4096, third % 64]).toEqual([0, 0, 0]);
    expect(second).toBeGreaterThanOrEqual(first + 100);
    expect(third).toBeGreaterThanOrEqual(second + 4096);
    expect(new Uint8Array(fake.memory.buffer, third, 64).every((byte) => byte === 0)).toBe(true);
  });

  it('ends where RAM ends', async () => {
    const { driver } = await bootDriver();
    expect(driver.allocateBytes(512 * 65536, 4096)).toBe(0);
    expect(driver.allocateBytes(0xfffffff0, 64)).toBe(0);
    const last = driver.allocateBytes(16 * 1024 * 1024, 4096);
    expect(last).toBeGreaterThan(0x100000);
    expect(driver.allocateBytes(16 * 1024 * 1024, 4096)).toBe(0);
  });
});
