// SPDX-License-Identifier: MIT
// Translation tables against descriptors derived by hand from DDI 0487 section D8.3.

import { describe, expect, it } from 'vitest';
import {
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  PageTable,
  S1_READ_ONLY,
  S1_READ_WRITE,
  S2_READ_WRITE,
  stage1StartLevel,
  stage2StartLevel,
} from '../../../devices/tables/index.ts';
import { ArrayMemory } from './array-memory.ts';

const BASE = 0x8000_0000;
const memory = () => new ArrayMemory(BASE, 0x40_0000);

describe('geometry', () => {
  it.each<[Granule, number, number]>([
    [GRANULE_4K, 48, 0],
    [GRANULE_4K, 39, 1],
    [GRANULE_4K, 32, 1],
    [GRANULE_4K, 25, 2],
    [GRANULE_16K, 48, 0],
    [GRANULE_16K, 47, 1],
    [GRANULE_16K, 36, 2],
    [GRANULE_64K, 48, 1],
    [GRANULE_64K, 42, 2],
    [GRANULE_64K, 29, 3],
  ])('stage 1 with granule %i and %i bits starts at level %i', (granule, bits, level) => {
    expect(stage1StartLevel(granule, bits)).toBe(level);
  });

  it.each<[Granule, number, number]>([
    [GRANULE_4K, 48, 0],
    [GRANULE_4K, 44, 0],
    [GRANULE_4K, 42, 1],
    [GRANULE_4K, 40, 1],
    [GRANULE_16K, 48, 1],
    [GRANULE_16K, 40, 2],
    [GRANULE_64K, 48, 1],
    [GRANULE_64K, 42, 2],
  ])('stage 2 with granule %i and %i bits starts at level %i', (granule, bits, level) => {
    expect(stage2StartLevel(granule, bits)).toBe(level);
  });
});

describe('4 KiB tables of 48 bits', () => {
  it('a page has one descriptor at each level', () => {
    const ram = memory();
    const table = new PageTable(ram, { stage: 1 });
    expect(table.root).toBe(BASE);
    // Indexes 1, 2, 3 and 4 of levels 0 to 3.
    table.map(0x80_8060_4000, 0x1_2345_6000, 0x1000, S1_READ_WRITE);
    expect(ram.load64(BASE + 1 * 8)).toBe(0x8000_1003n);
    expect(ram.load64(BASE + 0x1000 + 2 * 8)).toBe(0x8000_2003n);
    expect(ram.load64(BASE + 0x2000 + 3 * 8)).toBe(0x8000_3003n);
    expect(ram.load64(BASE + 0x3000 + 4 * 8)).toBe(0x1_2345_6f47n);
    expect(table.leafOf(0x80_8060_4000)).toBe(BASE + 0x3020);
  });

  it('a range uses the largest blocks that fit, and pages at its ends', () => {
    const ram = memory();
    const table = new PageTable(ram, { stage: 2 });
    table.map(0x3fff_f000, 0x7fff_f000, 0x1000 + 0x4000_0000 + 0x20_0000 + 0x1000, S2_READ_WRITE);
    expect(ram.load64(table.leafOf(0x3fff_f000) ?? 0)).toBe(0x7fff_f7ffn);
    expect(ram.load64(table.leafOf(0x4000_0000) ?? 0)).toBe(0x8000_07fdn);
    expect(table.leafOf(0x4000_0000)).toBe(table.leafOf(0x7fff_f000));
    expect(ram.load64(table.leafOf(0x8000_0000) ?? 0)).toBe(0xc000_07fdn);
    expect(ram.load64(table.leafOf(0x8020_0000) ?? 0)).toBe(0xc020_07ffn);
    expect(table.leafOf(0x8020_1000)).toBeUndefined();
  });

  it('blocks can be refused', () => {
    const ram = memory();
    const table = new PageTable(ram, { stage: 1 });
    table.map(0x20_0000, 0x40_0000, 0x20_0000, S1_READ_ONLY, { blocks: false });
    expect(ram.load64(table.leafOf(0x20_0000) ?? 0)).toBe(0x40_0fc7n);
    expect(ram.load64(table.leafOf(0x3f_f000) ?? 0)).toBe(0x5f_ffc7n);
  });

  it('unmapping clears pages, and a block as a whole', () => {
    const ram = memory();
    const table = new PageTable(ram, { stage: 1 });
    table.map(0x1000, 0x1000, 0x3000, S1_READ_WRITE);
    const slot = table.leafOf(0x2000) ?? 0;
    table.unmap(0x2000, 0x1000);
    expect(ram.load64(slot)).toBe(0n);
    expect(table.leafOf(0x2000)).toBeUndefined();
    expect(table.leafOf(0x1000)).toBeDefined();
    expect(table.leafOf(0x3000)).toBeDefined();
    table.map(0x2000, 0x7000, 0x1000, S1_READ_WRITE);
    table.map(0x4000_0000, 0, 0x20_0000, S1_READ_WRITE);
    table.unmap(0x4000_1000, 0x20_0000 - 0x1000);
    expect(table.leafOf(0x4000_0000)).toBeUndefined();
    table.unmap(0x6000_0000, 0x1000_0000);
  });

  it('refuses what is misaligned, mapped already or too large', () => {
    const table = new PageTable(memory(), { stage: 1, inputBits: 39 });
    table.map(0x20_0000, 0, 0x20_0000, S1_READ_WRITE);
    expect(() => table.map(0x20_1000, 0, 0x1000, S1_READ_WRITE)).toThrow(RangeError);
    expect(() => table.map(0x20_0000, 0, 0x20_0000, S1_READ_WRITE)).toThrow(RangeError);
    expect(() => table.map(0x800, 0, 0x1000, S1_READ_WRITE)).toThrow(RangeError);
    expect(() => table.map(0x1000, 0x800, 0x1000, S1_READ_WRITE)).toThrow(RangeError);
    expect(() => table.map(2 ** 39 - 0x1000, 0, 0x2000, S1_READ_WRITE)).toThrow(RangeError);
  });
});

describe('other granules and concatenation', () => {
  it('16 KiB tables of 48 bits: two entries at level 0', () => {
    const ram = memory();
    const table = new PageTable(ram, { stage: 1, granule: GRANULE_16K });
    table.map(2 ** 47, 0x4_0000_4000, 0x4000, S1_READ_WRITE);
    expect(ram.load64(table.root + 8)).toBe(BigInt(BASE + 0x4000) | 3n);
    expect(ram.load64(table.leafOf(2 ** 47) ?? 0)).toBe(0x4_0000_4f47n);
    table.map(0x200_0000, 0x400_0000, 0x200_0000, S1_READ_WRITE);
    expect(ram.load64(table.leafOf(0x3ff_c000) ?? 0)).toBe(0x400_0f45n);
  });

  it('64 KiB tables: blocks of 512 MiB', () => {
    const ram = memory();
    const table = new PageTable(ram, { stage: 2, granule: GRANULE_64K, inputBits: 42 });
    table.map(0x2000_0000, 0x2000_0000, 0x2001_0000, S2_READ_WRITE);
    expect(ram.load64(table.root + 8)).toBe(0x2000_07fdn);
    expect(ram.load64(table.leafOf(0x4000_0000) ?? 0)).toBe(0x4000_07ffn);
  });

  it('stage 2 of 40 bits: two concatenated level-1 tables, aligned to their size', () => {
    const ram = memory();
    ram.allocate(0x1000, 0x1000);
    const table = new PageTable(ram, { stage: 2, inputBits: 40 });
    expect(table.root).toBe(BASE + 0x2000);
    table.map(0xff_c000_0000, 0, 0x4000_0000, S2_READ_WRITE);
    expect(ram.load64(table.root + 1023 * 8)).toBe(0x7fdn);
  });
});
