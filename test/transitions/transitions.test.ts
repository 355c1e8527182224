// SPDX-License-Identifier: MIT
// Changes of STEs and CDs while the stream's device does DMA: an access after every store
// and after every CFGI. A hitless change has no effect on accesses; the others cause only
// C_BAD_STE or C_BAD_CD. And when one CFGI is omitted, the sanitizer names it.

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_WRITE } from '../../assembly/layout/access.ts';
import { SMMU_AT_IDR0 } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { prepare } from '../reference/judge.ts';
import { type Harness, harness } from '../support/unit-harness.ts';
import { type Image, type Layout, writesOf } from './entry-writer.ts';

const SID = 5;
const STE = 0x10000 + 64 * SID;
const CD = 0x32000;
const OTHER_CD = 0x33000;
const STAGE1 = 0x30000;
const STAGE2 = 0x31000;
/** Everything is mapped to itself: a block of 1 GiB in each stage. */
const IOVA = 0x1_8070_0123n;
const BLOCK = 0x1_8000_0000n;

const SHCFG_INCOMING = 1n << 44n;
const MEV = 1n << 19n;
const S1STALLD = 1n << 27n;
const EATS = 3n << 28n;
const FULL = 1n << 28n;
/** In doubleword 2. */
const S2S = 1n << 57n;
/** CIR, COR, CSH. */
const CACHED = 0xd4n;

const image = (...doublewords: bigint[]): Image =>
  Array.from({ length: 8 }, (_, i) => doublewords[i] ?? 0n);
/** S1CDMax 2, Config 5. */
const stage1 = (dss: bigint, cd = CD, more = 0n) =>
  image((2n << 59n) | BigInt(cd) | 0xbn, CACHED | dss | more);
/** T0SZ 25, SL0 1, 48 bits, AArch64, PTW, R. */
const VTCR = 0x044d_3559n << 32n;
const stage2 = (more = 0n) => image(0xdn, SHCFG_INCOMING | more, VTCR, BigInt(STAGE2));

const STALLING_STAGE2 = image(...stage2().slice(0, 2), VTCR | S2S, BigInt(STAGE2));
const nested = (more: bigint) =>
  image((2n << 59n) | BigInt(CD) | 0xfn, CACHED | 2n | SHCFG_INCOMING | more, VTCR, BigInt(STAGE2));

const ABORT = image(1n);
const BYPASS = image(9n, SHCFG_INCOMING);
const CDTABLE = stage1(2n);
const DSS_BYPASS = stage1(1n, CD, SHCFG_INCOMING);
const NESTED_DSS_BYPASS = image(
  (2n << 59n) | BigInt(CD) | 0xfn,
  CACHED | 1n | SHCFG_INCOMING | MEV,
  VTCR,
  BigInt(STAGE2),
);

const CD_IMAGE = image(
  (0x0001_6205n << 32n) | (1n << 31n) | (1n << 30n) | 25n,
  BigInt(STAGE1),
  0n,
  0xf404_ff44n,
);
const CD_ASID2 = image((CD_IMAGE[0] ?? 0n) ^ (3n << 48n), ...CD_IMAGE.slice(1));
/** EPD0: T0SZ and TTB0 are no longer used. */
const CD_RELEASED = image(((CD_IMAGE[0] ?? 0n) & ~0x3fffn) | (1n << 14n), 0n, 0n, 0xf404_ff44n);

const steLayout: Layout = {
  used([dw0 = 0n, dw1 = 0n]) {
    const config = (dw0 >> 1n) & 7n;
    const used = [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
    const use = (i: number, bits: bigint) => {
      used[i] = (used[i] ?? 0n) | bits;
    };
    use(0, (dw0 & 1n) === 0n ? 1n : 0xfn);
    if ((dw0 & 1n) === 0n || config < 4n) return used;
    if (config === 4n) use(1, 3n << 44n);
    if (config === 5n || config === 7n) {
      use(0, 0xf80f_ffff_ffff_fff0n);
      use(1, 0xffn | MEV | (0x1fn << 27n));
      use(2, 0xffffn);
      if ((dw1 & 3n) === 1n) use(1, 3n << 44n);
    }
    if (config === 6n || config === 7n) {
      use(1, MEV | (1n << 25n) | (3n << 28n) | (3n << 44n));
      use(2, (0x07ffn << 48n) | 0xffff_0000_ffffn);
      use(3, 0x000f_ffff_ffff_fff0n);
    }
    return used;
  },
  // EATS only allows the device's requests; but S2S forbids full ATS.
  safe(from, to) {
    const stalls = [from, to].some(([, , dw2 = 0n]) => (dw2 & S2S) !== 0n);
    return image(0n, MEV | (stalls ? 0n : EATS));
  },
};

const cdLayout: Layout = {
  used([dw0 = 0n]) {
    if ((dw0 & (1n << 31n)) === 0n) return image(1n << 31n);
    const all = image(~0n & (2n ** 64n - 1n), 0x000f_ffff_ffff_fff2n, 0n, 2n ** 64n - 1n);
    return (dw0 & (1n << 14n)) === 0n
      ? all
      : all.map((bits, i) => (i === 0 ? bits & ~0x3fffn : i === 1 ? 0n : bits));
  },
  safe: () => image(),
};

/**
 * Name, the two images, the number of CFGIs, whether it is hitless, and the steps (from
 * 1) that affect an SMMU with the old image cached.
 */
type Row = readonly [
  name: string,
  from: Image,
  to: Image,
  syncs: number,
  hitless: boolean,
  telling: readonly number[],
];

const STE_ROWS: readonly Row[] = [
  ['bypass to abort', BYPASS, ABORT, 2, true, [1]],
  // An STE that aborts may be cached as well.
  ['abort to bypass', ABORT, BYPASS, 2, true, [2]],
  ['CD table to abort', CDTABLE, ABORT, 2, true, [1]],
  ['abort to CD table', ABORT, CDTABLE, 2, true, [2]],
  ['CD table to bypass', CDTABLE, BYPASS, 3, true, [2]],
  ['bypass to CD table', BYPASS, CDTABLE, 3, true, [2]],
  ['S1DSS from CD 0 to bypass', CDTABLE, DSS_BYPASS, 1, true, [1]],
  ['S1DSS from bypass to CD 0', DSS_BYPASS, CDTABLE, 1, true, [1]],
  // Both bypass, and nothing else of either is cached.
  ['S1DSS bypass to bypass', DSS_BYPASS, BYPASS, 2, true, []],
  ['bypass to S1DSS bypass', BYPASS, DSS_BYPASS, 2, true, []],
  ['stage 2 to abort', stage2(), ABORT, 2, true, [1]],
  ['abort to stage 2', ABORT, stage2(), 2, true, [2]],
  ['stage 2 to bypass', stage2(), BYPASS, 2, true, [1]],
  ['bypass to stage 2', BYPASS, stage2(), 2, true, [2]],
  ['stage 1 to stage 2', CDTABLE, stage2(), 3, true, [2]],
  ['stage 2 to stage 1', stage2(), CDTABLE, 3, true, [2]],
  ['stage 1 that may not stall to stage 2', stage1(2n, CD, S1STALLD), stage2(), 3, true, [2]],
  ['stage 2 to stage 1 that may not stall', stage2(), stage1(2n, CD, S1STALLD), 3, true, [2]],
  // An invalid STE, too.
  [
    'S1ContextPtr and S1DSS together',
    CDTABLE,
    stage1(1n, OTHER_CD, SHCFG_INCOMING),
    3,
    false,
    [1, 3],
  ],
  [
    'S1ContextPtr and S1DSS together, back',
    stage1(1n, OTHER_CD, SHCFG_INCOMING),
    CDTABLE,
    3,
    false,
    [1, 3],
  ],
  // The CD stalls, if its STE allows it.
  ['stage 1 to stage 2 that stalls', CDTABLE, STALLING_STAGE2, 3, true, [2]],
  ['stage 2 that stalls to stage 1', STALLING_STAGE2, CDTABLE, 3, true, [2]],
  // EATS is used, and may change at any time.
  ['ATS on', CDTABLE, stage1(2n, CD, FULL), 1, true, [1]],
  ['ATS off', stage1(2n, CD, FULL), CDTABLE, 1, true, [1]],
  ['stage 1 with ATS to stage 2', stage1(2n, CD, FULL), stage2(), 3, true, [1, 2]],
  ['stage 2 to stage 1 with ATS', stage2(), stage1(2n, CD, FULL), 3, true, [1, 2]],
  ['nested with ATS to stage 2', nested(FULL), stage2(), 3, true, [1, 2]],
  ['stage 2 to nested with ATS', stage2(), nested(FULL), 2, true, [1, 2]],
  // Not with a stage 2 that stalls. (The model has no split stage.)
  [
    'stage 1 with ATS to stage 2 that stalls',
    stage1(2n, CD, FULL),
    STALLING_STAGE2,
    3,
    false,
    [1, 3],
  ],
  [
    'stage 2 that stalls to stage 1 with ATS',
    STALLING_STAGE2,
    stage1(2n, CD, FULL),
    3,
    false,
    [1, 3],
  ],
  // MEV is used, and may change at any time.
  ['nested S1DSS bypass to stage 2', NESTED_DSS_BYPASS, stage2(), 3, true, [1]],
  ['stage 2 to nested S1DSS bypass', stage2(), NESTED_DSS_BYPASS, 2, true, [1]],
];
const CD_ROWS: readonly Row[] = [
  ['CD to none', CD_IMAGE, image(), 2, false, [1]],
  ['another ASID', CD_IMAGE, CD_ASID2, 1, true, [1]],
  ['an address space that ends', CD_IMAGE, CD_RELEASED, 2, true, [1]],
];

const CFGI_STE = [0x0000_0005_0000_0003n, 1n] as const;
const CFGI_CD = [0x0000_0005_0000_0005n, 1n] as const;
const TLBI_ASID = [0x0001_0000_0000_0011n, 0n] as const;
const SYNC = [0x46n, 0n] as const;

let h: Harness;

function store(at: number, words: Image): void {
  words.forEach((word, i) => {
    h.hostRam64(at + 8 * i, word);
  });
}

beforeEach(async () => {
  h = await harness();
  h.judgesSteps = true;
  prepare(h);
  // STALL_MODEL 0: a stream may have S1STALLD.
  h.set(SMMU_AT_IDR0, 0x0c4c349b);
  h.hostRam64(STAGE1 + 8 * 6, BLOCK | 0xf45n);
  // The tables themselves are in the first block.
  h.hostRam64(STAGE2, 0x7fdn);
  h.hostRam64(STAGE2 + 8 * 6, BLOCK | 0x7fdn);
  store(CD, CD_IMAGE);
  store(OTHER_CD, CD_IMAGE);
});

/**
 * A read and a write of the device: true when both reached the page, false when neither
 * did.
 */
function access(): boolean {
  const results = [0, ACCESS_WRITE].map((attributes) => h.translate(SID, IOVA, attributes));
  for (const { status, pa } of results) expect(status === TRANSLATE_OK ? pa : IOVA).toBe(IOVA);
  expect(results[0]?.status).toBe(results[1]?.status);
  return results[0]?.status === TRANSLATE_OK;
}

/** IDs of the events since the last call. */
function eventIds(): string[] {
  return h.events().map(([dw0 = '']) => dw0.slice(-2));
}

interface Run {
  /** Whether an access succeeded: before, and after each store and each CFGI. */
  readonly through: boolean[];
  readonly events: string[];
}

/**
 * Omitted CFGIs: that of step `last` (from 1), where it ends, or that of step `skipped`.
 */
interface Omission {
  readonly last?: number;
  readonly skipped?: number;
}

/** Applies the steps. */
function apply(
  at: number,
  steps: readonly (readonly (readonly [number, bigint])[])[],
  cfgi: readonly [bigint, bigint],
  { last, skipped }: Omission = {},
): Run {
  const through = [access()];
  const events = eventIds();
  for (const [i, stores] of steps.entries()) {
    for (const [index, value] of stores) {
      h.hostRam64(at + 8 * index, value);
      through.push(access());
      events.push(...eventIds());
    }
    if (i + 1 === skipped) continue;
    if (i + 1 !== last) h.mainCommand(...cfgi);
    // When an address space ends, its translations are invalidated.
    if (i + 1 !== last && at === CD) h.mainCommand(...TLBI_ASID);
    h.mainCommand(...SYNC);
    through.push(access());
    events.push(...eventIds());
    if (i + 1 === last) break;
  }
  return { through, events };
}

describe.each([
  ['STE', STE_ROWS, steLayout, STE, CFGI_STE, '04', 1n, 'CFGI_STE StreamID=0x5 Leaf=0x1'],
  [
    'CD',
    CD_ROWS,
    cdLayout,
    CD,
    CFGI_CD,
    '0a',
    1n << 31n,
    'CFGI_CD SubstreamID=0x0 StreamID=0x5 Leaf=0x1',
  ],
] as const)('%s', (kind, rows, layout, at, cfgi, bad, valid, command) => {
  const begin = (from: Image) => {
    if (kind === 'CD') store(STE, CDTABLE);
    store(at, from);
  };

  it.each(rows)('%s: %#', (_name, from, to, syncs, hitless) => {
    begin(from);
    const writes = writesOf(layout, from, to, valid);
    expect([writes.steps.length, writes.hitless]).toEqual([syncs, hitless]);
    const { through, events } = apply(at, writes.steps, cfgi);
    // At most one change from the old state to the new one.
    const turns = through.filter((one, i) => i > 0 && one !== through[i - 1]).length;
    if (hitless) {
      expect(turns).toBe(through[0] === through.at(-1) ? 0 : 1);
      // Later accesses after an address space has ended: EPD0.
      expect(new Set(events)).toEqual(new Set(to === CD_RELEASED ? ['10'] : []));
    } else {
      expect(new Set(events)).toEqual(new Set([bad]));
      expect(through).toContain(false);
    }
    expect(h.missing()).toEqual([]);
    expect(h.sanitizerCounts?.compared).toBeGreaterThan(0);
  });

  it.each(
    rows.flatMap(([name, from, to, syncs, , telling]) =>
      Array.from({ length: syncs }, (_, i) => [name, i + 1, from, to, telling] as const),
    ),
  )('%s without the CFGI of step %i', (_name, step, from, to, telling) => {
    begin(from);
    apply(at, writesOf(layout, from, to, valid).steps, cfgi, { last: step });
    expect(h.missing()).toEqual(telling.includes(step) ? [command] : []);
    h.events();
  });

  // Two steps with one CFGI: at the first CFGI after them the SMMU may have seen half of
  // each.
  it.each(
    rows.flatMap(([name, from, to, syncs]) =>
      Array.from({ length: syncs - 1 }, (_, i) => [name, i + 1, from, to] as const),
    ),
  )('%s without the CFGI between step %i and the next', (_name, step, from, to) => {
    begin(from);
    const writes = writesOf(layout, from, to, valid).steps;
    apply(at, writes, cfgi, { skipped: step });
    // A step that changes only bits that may change at any time may be part of the next.
    const free = (writes[step - 1] ?? []).every(
      ([i, value]) => (((from[i] ?? 0n) ^ value) & ~(layout.safe(from, to)[i] ?? 0n)) === 0n,
    );
    expect(new Set(h.missing())).toEqual(new Set(free ? [] : [command]));
    h.events();
  });
});
