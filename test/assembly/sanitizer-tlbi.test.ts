// SPDX-License-Identifier: MIT
// The checked SMMU core and what a TLBI covers: granule and level hints, alignment, stage
// 2; and how many remembered entries it has to compare.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  SHADOW_AT_VISITED,
  SHADOW_ENTRIES,
  SHADOW_WAYS,
  SMMU_AT_SHADOW,
} from '../../assembly/layout/shadow-memory.ts';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { ContextBlock } from '../../devices/unit/index.ts';
import { prepare } from '../reference/judge.ts';
import { type Geometry, Scenario, type Shape } from '../reference/scenario.ts';
import { checkedModules } from '../support/findings.ts';
import { Harness } from '../support/unit-harness.ts';

const SID = 5;
const VMID = 7n;
const GEOMETRIES: Record<string, Geometry> = {
  '4K': { granule: 12n, bits: 39n, start: 1, leaf: 3 },
  '16K': { granule: 14n, bits: 36n, start: 2, leaf: 3 },
  '64K': { granule: 16n, bits: 42n, start: 2, leaf: 3 },
};
const FOUR = GEOMETRIES['4K'] as Geometry;
const VALID = 1n;
const LEAF = 1n;
const tg = (value: number) => BigInt(value) << 10n;
const ttl = (level: number) => BigInt(level) << 8n;
const NUM = (value: bigint) => value << 12n;

const checked = await checkedModules();
let h: Harness;

const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);

beforeEach(() => {
  h = new Harness(checked, {});
  prepare(h);
  // OAS 48 and every granule.
  h.set(SMMU_AT_IDR5, 0x75);
  // The SMMU's own queue uses VMIDs as written.
  new ContextBlock(h.hostMemory, 0, 0).hypOwn = true;
});

function install(shape: Shape): Scenario {
  const scenario = new Scenario(shape);
  for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
  h.ste(SID, scenario.ste);
  return scenario;
}
function clear(scenario: Scenario, pa: bigint | undefined): void {
  h.guestRam64(offset(pa ?? 0n), scenario.get(pa ?? 0n) & ~VALID);
}
const access = (address: bigint) => h.translate(SID, address).status === TRANSLATE_OK;
const nhVa = (va: bigint, bits: bigint, d0 = 0n) =>
  h.mainCommand((1n << 48n) | (VMID << 32n) | d0 | 0x12n, (va & ~0xfffn) | bits);
const s2Ipa = (ipa: bigint, bits: bigint, d0 = 0n) =>
  h.mainCommand((VMID << 32n) | d0 | 0x2an, (ipa & ~0xfffn) | bits);
const nhAll = () => h.mainCommand((VMID << 32n) | 0x10n);
const missing = () => {
  h.events();
  return h.missing();
};

describe('TG of a TLBI', () => {
  const cases = Object.keys(GEOMETRIES).flatMap((name, of) =>
    [0, 1, 2, 3].map((named) => [name, named, of] as const),
  );

  it.each(cases)('of a page of %s: TG = %i', (name, named, of) => {
    const geometry = GEOMETRIES[name] as Geometry;
    const scenario = install({ mode: 'stage 1', stage1: geometry, stage2: geometry });
    const va = scenario.address & ~((1n << 16n) - 1n);
    expect(access(scenario.address)).toBe(true);
    clear(scenario, scenario.slots1.get(3));
    // A range that contains the page, for every granule.
    nhVa(va, tg(named) | LEAF, named === 0 ? 0n : NUM(31n));
    if (named === 0) nhVa(scenario.address, LEAF);
    expect(access(scenario.address)).toBe(false);
    const right = named === 0 || named === of + 1;
    expect(missing().length).toBe(right ? 0 : 1);
  });

  it.each([
    ['64K', tg(3), 0x1000n, 1],
    ['64K', tg(3), 0n, 0],
    ['64K', tg(3) | ttl(3), 0x1000n, 1],
    ['16K', tg(2), 0x1000n, 1],
    ['16K', tg(2) | ttl(3), 0n, 0],
  ] as const)(
    'of a page of %s: hints and an address that fit, or do not',
    (name, hints, off, found) => {
      const geometry = GEOMETRIES[name] as Geometry;
      const scenario = install({ mode: 'stage 1', stage1: geometry, stage2: geometry });
      const va = scenario.address & ~((1n << geometry.granule) - 1n);
      expect(access(scenario.address)).toBe(true);
      clear(scenario, scenario.slots1.get(3));
      nhVa(va + off, hints | LEAF, NUM(1n));
      expect(access(scenario.address)).toBe(false);
      expect(missing().length).toBe(found);
    },
  );

  it.each([
    ['no level', tg(1), 0],
    ['level 3', tg(1) | ttl(3), 0],
    ['level 2', tg(1) | ttl(2), 1],
    ['another granule', tg(3), 1],
  ] as const)('and TTL with Leaf = 0 name the tables above: %s', (_name, hints, found) => {
    const scenario = install({ mode: 'stage 1', stage1: FOUR, stage2: FOUR });
    expect(access(scenario.address)).toBe(true);
    clear(scenario, scenario.slots1.get(2));
    const aligned = scenario.address & ~((1n << 21n) - 1n);
    nhVa(aligned, hints, NUM(31n) | (5n << 20n));
    // Its leaf is certainly gone.
    nhVa(scenario.address, LEAF);
    expect(access(scenario.address)).toBe(false);
    expect(h.findings().map(({ kind }) => kind)).toEqual(
      Array.from({ length: found }, () => 'table'),
    );
    h.events();
  });
});

describe('stage 2', () => {
  const NESTED: Shape = { mode: 'nested', stage1: FOUR, stage2: FOUR };
  const STAGE2: Shape = { mode: 'stage 2', stage1: FOUR, stage2: FOUR };
  /** TARGET of the scenario, as IPA. */
  const IPA = 0x70_0000n;
  const S2_LEAF = `TLBI_S2_IPA VMID=0x7 Leaf=0x1 Address=0x${IPA.toString(16)}`;

  it.each([
    ['TLBI_NH_ALL alone', () => nhAll(), [S2_LEAF]],
    [
      'TLBI_S2_IPA, then TLBI_NH_ALL',
      () => {
        s2Ipa(IPA, LEAF);
        nhAll();
      },
      [],
    ],
    [
      'TLBI_S2_IPA of another page',
      () => {
        s2Ipa(IPA + 0x1000n, LEAF);
        nhAll();
      },
      [S2_LEAF],
    ],
    [
      'TLBI_S2_IPA of another granule',
      () => {
        s2Ipa(IPA, tg(3) | LEAF, NUM(1n));
        nhAll();
      },
      [S2_LEAF],
    ],
    [
      'TLBI_S2_IPA of another level',
      () => {
        s2Ipa(IPA & ~0x1f_ffffn, tg(1) | ttl(2) | LEAF, NUM(31n) | (5n << 20n));
        nhAll();
      },
      [S2_LEAF],
    ],
    [
      'TLBI_S2_IPA of a range with its level, as Linux sends it',
      () => {
        s2Ipa(IPA, tg(1) | ttl(3) | LEAF, NUM(3n));
        nhAll();
      },
      [],
    ],
    ['TLBI_S12_VMALL', () => h.mainCommand((VMID << 32n) | 0x28n), []],
    ['TLBI_NSNH_ALL', () => h.mainCommand(0x30n), []],
  ] as const)('a leaf under stage 1: %s', (_name, invalidate, found) => {
    const scenario = install(NESTED);
    expect(access(scenario.address)).toBe(true);
    clear(scenario, scenario.slots2.get(3));
    invalidate();
    expect([access(scenario.address), missing()]).toEqual([false, found]);
  });

  it('a leaf with another address or fewer permissions is a finding; one with more permissions is not', () => {
    for (const [set, clearBits, found] of [
      [1n << 12n, 0n, 1],
      [0n, 1n << 7n, 1],
      [0n, 0n, 0],
    ] as const) {
      const scenario = install(NESTED);
      h.mainCommand(0x30n);
      expect(access(scenario.address)).toBe(true);
      const leaf = scenario.slots2.get(3) ?? 0n;
      h.guestRam64(offset(leaf), (scenario.get(leaf) | set) & ~clearBits);
      nhAll();
      expect([access(scenario.address), missing().length]).toEqual([true, found]);
      h.mainCommand(0x30n);
    }
    const scenario = install(NESTED);
    const leaf = scenario.slots2.get(3) ?? 0n;
    h.guestRam64(offset(leaf), scenario.get(leaf) & ~(1n << 7n));
    expect(access(scenario.address)).toBe(true);
    h.guestRam64(offset(leaf), scenario.get(leaf));
    nhAll();
    expect([access(scenario.address), missing()]).toEqual([true, []]);
  });

  it.each([
    ['stage 2 alone', STAGE2, LEAF, 1],
    ['stage 2 alone', STAGE2, 0n, 0],
    ['both stages', NESTED, LEAF, 1],
    ['both stages', NESTED, 0n, 0],
  ] as const)('a table of %s: TLBI_S2_IPA with Leaf = %s', (_name, shape, leaf, found) => {
    const scenario = install(shape);
    const ipa = shape.mode === 'nested' ? IPA : scenario.address;
    expect(access(scenario.address)).toBe(true);
    clear(scenario, scenario.slots2.get(2));
    s2Ipa(ipa, leaf);
    nhAll();
    expect(access(scenario.address)).toBe(false);
    h.events();
    const aligned = ipa & ~0x1f_ffffn;
    expect(
      h.findings().map(({ kind, text, command }) => [kind, text.slice(0, 19), command.text]),
    ).toEqual(
      Array.from({ length: found }, () => [
        'table',
        'stale stage-2 table',
        `TLBI_S2_IPA VMID=0x7 Leaf=0x0 Address=0x${aligned.toString(16)}`,
      ]),
    );
  });
});

describe('the cost of a TLBI', () => {
  const visited = () =>
    Number(h.hostBytes.getBigInt64(h.smmu + SMMU_AT_SHADOW + SHADOW_AT_VISITED, true));
  function costOf(command: () => void): number {
    const before = visited();
    command();
    return visited() - before;
  }

  it('follows what it can match, and has a bound', () => {
    const scenario = install({ mode: 'stage 1', stage1: FOUR, stage2: FOUR });
    const leaf = scenario.slots1.get(3) ?? 0n;
    const table = leaf & ~0xfffn;
    for (let i = 0; i < 512; i++) h.guestRam64(offset(table) + 8 * i, scenario.get(leaf));
    const base = scenario.address & ~0x1f_ffffn;
    for (let i = 0n; i < 512n; i++) expect(access(base + (i << 12n))).toBe(true);
    const other = 0x40_0000_0000n - 0x4000_0000n;
    // One size of leaves; two of tables above them.
    expect(costOf(() => nhVa(other, LEAF))).toBe(SHADOW_WAYS);
    expect(costOf(() => nhVa(other, 0n))).toBe(3 * SHADOW_WAYS);
    expect(costOf(() => nhVa(other, tg(1) | LEAF, NUM(7n)))).toBe(8 * SHADOW_WAYS);
    // 2^32 pages.
    expect(costOf(() => nhVa(0n, tg(1), NUM(1n) | (31n << 20n)))).toBe(SHADOW_ENTRIES);
    // No entry of stage 2 exists.
    expect(costOf(() => h.mainCommand((VMID << 32n) | 0x28n))).toBeLessThan(SHADOW_ENTRIES / 4);
    // A command without an address: only a generation.
    expect(costOf(() => h.mainCommand((VMID << 32n) | (1n << 48n) | 0x11n))).toBe(0);
  });

  it('and all of a table of pages is found, one by one', () => {
    const scenario = install({ mode: 'stage 1', stage1: FOUR, stage2: FOUR });
    const leaf = scenario.slots1.get(3) ?? 0n;
    const table = leaf & ~0xfffn;
    const pages = 256;
    for (let i = 0; i < pages; i++) h.guestRam64(offset(table) + 8 * i, scenario.get(leaf));
    const base = scenario.address & ~0x1f_ffffn;
    const page = (i: number) => base + (BigInt(i) << 12n);
    for (let i = 0; i < pages; i++) expect(access(page(i))).toBe(true);
    for (let i = 0; i < pages; i++) h.guestRam64(offset(table) + 8 * i, 0n);
    // Every second one by its level, the others by another level.
    for (let i = 0; i < pages; i++)
      nhVa(page(i) & ~0x1f_ffffn, tg(1) | ttl(2) | LEAF, NUM(31n) | (4n << 20n));
    for (let i = 0; i < pages; i += 2) nhVa(page(i), tg(1) | ttl(3) | LEAF);
    let found = 0;
    for (let i = 0; i < pages; i++) {
      expect(access(page(i))).toBe(false);
      const now = missing().length;
      expect([i, now]).toEqual([i, i % 2]);
      found += now;
    }
    expect(found).toBe(pages / 2);
  });
});

describe('a stage-1 leaf that becomes writable', () => {
  it.each([
    ['writable', 0x80n],
    ['read-only', 0n],
  ])('over a stage 2 that is %s needs no TLBI', (_, access2) => {
    const scenario = install({ mode: 'nested', stage1: FOUR, stage2: FOUR });
    const leaf1 = scenario.slots1.get(3) ?? 0n;
    const leaf2 = scenario.slots2.get(3) ?? 0n;
    const put = (pa: bigint, bits: bigint) =>
      h.guestRam64(offset(pa), (scenario.get(pa) & ~0x80n) | bits);
    put(leaf2, access2);
    // AP[2]: read-only. Without it unprivileged code may write, and privileged code may
    // not execute.
    put(leaf1, 0x80n);
    expect(access(scenario.address)).toBe(true);
    put(leaf1, 0n);
    access(scenario.address);
    expect(missing()).toEqual([]);
  });
});

describe('a table descriptor that is written', () => {
  /**
   * Findings after a bit of the level-2 table descriptor has changed, with a TLBI of only
   * the leaf.
   */
  function findings(mode: 'stage 1' | 'stage 2', granule: string, bit: bigint, first = 0n) {
    const geometry = GEOMETRIES[granule] as Geometry;
    const scenario = install({ mode, stage1: geometry, stage2: geometry });
    const slots = mode === 'stage 1' ? scenario.slots1 : scenario.slots2;
    const table = slots.get(2) ?? 0n;
    const put = (value: bigint) => h.guestRam64(offset(table), value);
    const descriptor = scenario.get(table) | first;
    put(descriptor);
    expect(access(scenario.address)).toBe(true);
    put(descriptor ^ bit);
    if (mode === 'stage 1') nhVa(scenario.address, LEAF);
    else s2Ipa(scenario.address, LEAF);
    access(scenario.address);
    return missing().length;
  }
  const bit = (number: number) => 1n << BigInt(number);

  it.each([
    ...[8, 9, 63].map((number) => ['stage 1', '4K', number] as const),
    ...[8, 63].map((number) => ['stage 1', '16K', number] as const),
    ...[12, 15, 63].map((number) => ['stage 1', '64K', number] as const),
  ])('of %s, %s, in bit %i, which is ignored, is not told', (mode, granule, number) => {
    expect(findings(mode, granule, bit(number))).toBe(0);
  });

  it.each([59, 60, 61, 62])('that removes permissions by bit %i is reported', (number) => {
    expect(findings('stage 1', '4K', bit(number))).toBe(1);
  });

  // With bit 61 set, the device has no access at first.
  it.each([59, 60, 62])('that restores permissions by bit %i is not', (number) => {
    expect(findings('stage 1', '4K', bit(number), bit(number))).toBe(0);
  });
});
