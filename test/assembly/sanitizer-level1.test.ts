// SPDX-License-Identifier: MIT
// The checked SMMU core on level-1 descriptors of stream tables and CD tables: a CFGI
// with Leaf = 1 does not invalidate cached ones.

import { beforeEach, describe, expect, it } from 'vitest';
import { SMMU_AT_STRTAB_CFG } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { prepare } from '../reference/judge.ts';
import { RAM_PA, Scenario, type Shape } from '../reference/scenario.ts';
import { checkedModules } from '../support/findings.ts';
import { Harness } from '../support/unit-harness.ts';

const SID = 5;
const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
/** Target of the copied level-2 CD table, 64 KiB at most. */
const COPY = 0x150000n;
const LEAF = 1n;

const checked = await checkedModules();
let h: Harness;

const offset = (pa: bigint) => Number(pa & 0xffff_ffffn);

beforeEach(() => {
  h = new Harness(checked, {});
  prepare(h);
});

const cfgiCd = (ssid: bigint, leaf: bigint) =>
  h.mainCommand((BigInt(SID) << 32n) | (ssid << 12n) | 0x5n, leaf);
const cfgiSte = (sid: number, leaf: bigint) => h.mainCommand((BigInt(sid) << 32n) | 0x3n, leaf);

describe.each([
  ['64 KiB', 2n, 10n],
  ['4 KiB', 1n, 6n],
] as const)('a CD table of two levels, %s', (_name, cdFormat, leafBits) => {
  const SSID = 3n;
  const shape = (mode: Shape['mode']): Shape => ({
    mode,
    stage1: geometry,
    stage2: geometry,
    cdFormat,
    ssid: SSID,
  });
  const missing = (leaf: bigint) =>
    `CFGI_CD SubstreamID=0x3 StreamID=0x5 Leaf=0x${leaf.toString(16)}`;

  function install(mode: Shape['mode'] = 'stage 1'): Scenario {
    const scenario = new Scenario(shape(mode));
    for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
    h.ste(SID, scenario.ste);
    return scenario;
  }
  const access = (scenario: Scenario) =>
    h.translate(SID, scenario.address, 0, Number(SSID)).status === TRANSLATE_OK;
  const level1 = (scenario: Scenario, value: bigint) =>
    h.guestRam64(offset(scenario.level1Cd), value);

  /** The level-2 table at another address. */
  function copied(scenario: Scenario): bigint {
    for (let i = 0n; i < 64n; i += 8n)
      h.guestRam64(offset(RAM_PA + COPY + SSID * 64n + i), scenario.get(scenario.cd + i));
    return scenario.pointer(COPY) | 1n;
  }

  it.each([
    ['Leaf = 1', SSID, 1n, 1],
    ['Leaf = 0', SSID, 0n, 0],
    ['Leaf = 0 of another SubstreamID of the table', SSID + 1n, 0n, 0],
    ['Leaf = 0 of another table', SSID + (1n << leafBits), 0n, 1],
  ])('a descriptor that became valid: %s', (_what, ssid, leaf, found) => {
    const scenario = install();
    level1(scenario, 0n);
    expect(access(scenario)).toBe(false);
    expect(h.events().map(([dw0 = '']) => dw0.slice(-2))).toEqual(['08']);
    level1(scenario, scenario.get(scenario.level1Cd));
    // The CD itself, and the level-1 descriptor.
    cfgiCd(SSID, LEAF);
    cfgiCd(ssid, leaf);
    expect(access(scenario)).toBe(true);
    const findings = h.findings();
    expect(findings.map(({ kind, command }) => [kind, command.text])).toEqual(
      Array.from({ length: found }, () => ['CD', missing(0n)]),
    );
    for (const { because, changes } of findings) {
      expect(because).toContain('no CFGI_CD with Leaf=0');
      expect(changes).toEqual([
        {
          what: 'level-1 CD descriptor',
          address: `0x${scenario.level1Cd.toString(16)}`,
          old: '0x0000000000000000',
          now: `0x${scenario.get(scenario.level1Cd).toString(16).padStart(16, '0')}`,
        },
      ]);
    }
    // Reported once; an entry that another CFGI removes is not reported.
    cfgiCd(SSID, LEAF);
    expect([access(scenario), h.missing()]).toEqual([true, []]);
  });

  it.each(['stage 1'] as const)('no CFGI at all is one finding, with Leaf = 0', (mode) => {
    const scenario = install(mode);
    level1(scenario, 0n);
    expect(access(scenario)).toBe(false);
    h.events();
    level1(scenario, scenario.get(scenario.level1Cd));
    expect([access(scenario), h.missing()]).toEqual([true, [missing(0n)]]);
  });

  it('another level-2 table under a cached CD needs Leaf = 0', () => {
    const scenario = install();
    expect(access(scenario)).toBe(true);
    level1(scenario, copied(scenario));
    // Another ASID in it.
    h.guestRam64(offset(RAM_PA + COPY + SSID * 64n), scenario.get(scenario.cd) ^ (2n << 48n));
    expect([access(scenario), h.missing()]).toEqual([true, [missing(0n)]]);
  });

  it.each([
    ['CFGI_CD with Leaf = 1', (SSID << 12n) | 0x5n, LEAF, 1],
    ['CFGI_CD with Leaf = 0', (SSID << 12n) | 0x5n, 0n, 0],
    ['CFGI_CD_ALL', 0x6n, 0n, 0],
    ['CFGI_STE with Leaf = 1', 0x3n, LEAF, 0],
    ['CFGI_STE_RANGE', 0x4n, 1n, 0],
    ['CFGI_ALL', 0x4n, 31n, 0],
  ])('another level-2 table: %s', (_what, op, d1, found) => {
    const scenario = install();
    expect(access(scenario)).toBe(true);
    level1(scenario, copied(scenario));
    h.mainCommand((BigInt(SID) << 32n) | op, d1);
    expect([access(scenario), h.missing()]).toEqual([
      true,
      Array.from({ length: found }, () => missing(0n)),
    ]);
  });

  it('the sequence of Linux: descriptor, CFGI_CD with Leaf = 0, CD, CFGI_CD with Leaf = 1', () => {
    const scenario = install();
    const cd = (index: bigint) => scenario.get(scenario.cd + index * 8n);
    level1(scenario, 0n);
    for (let i = 0n; i < 8n; i++) h.guestRam64(offset(scenario.cd + i * 8n), 0n);
    expect(access(scenario)).toBe(false);
    level1(scenario, scenario.get(scenario.level1Cd));
    cfgiCd(SSID, 0n);
    expect(access(scenario)).toBe(false);
    for (let i = 1n; i < 8n; i++) h.guestRam64(offset(scenario.cd + i * 8n), cd(i));
    cfgiCd(SSID, LEAF);
    expect(access(scenario)).toBe(false);
    h.guestRam64(offset(scenario.cd), cd(0n));
    cfgiCd(SSID, LEAF);
    expect(access(scenario)).toBe(true);
    h.events();
    h.judgesSteps = true;
    expect(h.missing()).toEqual([]);
  });
});

describe('a stream table of two levels', () => {
  /** FMT 2-level, SPLIT 6, 2^8 StreamIDs; the level-1 table replaces the linear one. */
  const TWO_LEVEL = 0x10188;
  const [TABLE, FIRST, SECOND] = [0x10000, 0x20000, 0x24000];
  const SPAN = 7n;

  function install(): Scenario {
    const scenario = new Scenario({ mode: 'stage 1', stage1: geometry, stage2: geometry });
    for (const [pa, value] of scenario.words) h.guestRam64(offset(pa), value);
    for (const table of [FIRST, SECOND])
      scenario.ste.forEach((word, i) => {
        for (const sid of [SID, SID + 1]) h.hostRam64(table + sid * 64 + i * 8, word);
      });
    h.set(SMMU_AT_STRTAB_CFG, TWO_LEVEL);
    return scenario;
  }
  const descriptor = (value: bigint) => h.hostRam64(TABLE, value);
  const access = (scenario: Scenario, sid = SID) =>
    h.translate(sid, scenario.address).status === TRANSLATE_OK;

  it.each([
    ['CFGI_STE with Leaf = 1', SID, 0x3n, LEAF, 1],
    ['CFGI_STE with Leaf = 0', SID, 0x3n, 0n, 0],
    ['CFGI_STE with Leaf = 0 of a neighbour', SID + 1, 0x3n, 0n, 0],
    ['CFGI_STE with Leaf = 0 of another table', SID + 64, 0x3n, 0n, 1],
    ['CFGI_STE_RANGE of neighbours', SID + 3, 0x4n, 0n, 0],
    ['CFGI_ALL', SID, 0x4n, 31n, 0],
  ])('another level-2 table: %s', (_what, sid, op, d1, found) => {
    const scenario = install();
    descriptor(BigInt(FIRST) | SPAN);
    expect(access(scenario)).toBe(true);
    descriptor(BigInt(SECOND) | SPAN);
    cfgiSte(SID, LEAF);
    h.mainCommand((BigInt(sid) << 32n) | op, d1);
    expect(access(scenario)).toBe(true);
    const findings = h.findings();
    expect(findings.map(({ kind, command }) => [kind, command.text])).toEqual(
      Array.from({ length: found }, () => ['STE', 'CFGI_STE StreamID=0x5 Leaf=0x0']),
    );
    for (const { changes } of findings)
      expect(changes.map(({ what, address }) => [what, address])).toEqual([
        ['level-1 stream table descriptor', '0x10000'],
      ]);
  });

  it('a removed one needs Leaf = 0', () => {
    const scenario = install();
    for (const [leaf, found] of [
      [LEAF, ['CFGI_STE StreamID=0x5 Leaf=0x0']],
      [0n, []],
    ] as const) {
      descriptor(BigInt(FIRST) | SPAN);
      cfgiSte(SID, 0n);
      expect(access(scenario)).toBe(true);
      descriptor(0n);
      cfgiSte(SID, leaf);
      expect([access(scenario), h.missing()]).toEqual([false, found]);
    }
    h.events();
  });

  it('one that became valid needs no command, as Linux has none', () => {
    const scenario = install();
    descriptor(0n);
    expect(access(scenario)).toBe(false);
    descriptor(BigInt(FIRST) | SPAN);
    cfgiSte(SID, LEAF);
    expect([access(scenario), h.missing()]).toEqual([true, []]);
    h.events();
  });
});
