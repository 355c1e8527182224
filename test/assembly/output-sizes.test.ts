// SPDX-License-Identifier: MIT
// The size of addresses in tables: IDR5.OAS, CD.IPS and STE.S2PS, the granule, DS (IHI
// 0070 sections 3.4, 5.2 and 5.4; DDI 0487 section D8.3), and the result of a larger
// address: C_BAD_CD or C_BAD_STE in TTBs, F_ADDR_SIZE in descriptors. The rules are
// implemented again here; the core and the reference walker both have to follow them, and
// descriptors with 52 bits are literal.

import { beforeEach, describe, expect, it } from 'vitest';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { IDR0, IDR1, IDR3, LINEAR, prepare } from '../reference/judge.ts';
import { ReferenceWalker } from '../reference/reference-walker.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

const SID = 5;
const [CD, ROOT, LEVEL3] = [0x20000, 0x40000, 0x50000];
const [S2_ROOT, S2_LEVEL3, S2_LEVEL3_UP] = [0x80000, 0x90000, 0xa0000];
/** OAS, IPS and S2PS by encoding; for 7 the model uses 52. */
const SIZES = [32, 36, 40, 42, 44, 48, 52, 52];
/** 4, 16 and 64 KiB; VAX (52-bit VAs) does not matter here. */
const IDR5_GRANULES = 0x70;
const IDR5_DS = 0x80;
const [DS, S2DS] = [1n << 58n, 8n];
/** Address bits on either side of a size, among those that are checked. */
const edgesOf = ({ oas, ps }: Sizes) =>
  new Set(
    [SIZES[oas] ?? 0, SIZES[ps] ?? 0, 48, 52].flatMap((size) => [size - 1, size < 52 ? size : 50]),
  );
const EVENTS = { badSte: 4, badCd: 10, walkAbort: 11, translation: 0x10, addressSize: 0x11 };
/** Classes of an event: what was being read. */
const [OF_CD, OF_TABLE, OF_INPUT] = [0, 1, 2];

interface Granule {
  readonly log2: bigint;
  readonly tg: bigint;
  /** S2SL0 of start level 2. */
  readonly sl0: bigint;
}
const GRANULES: readonly (readonly [string, Granule])[] = [
  ['4 KiB', { log2: 12n, tg: 0n, sl0: 0n }],
  ['16 KiB', { log2: 14n, tg: 2n, sl0: 1n }],
  ['64 KiB', { log2: 16n, tg: 1n, sl0: 1n }],
];
const [K4, K16, K64] = GRANULES.map(([, granule]) => granule) as [Granule, Granule, Granule];
/** Inputs have 30 bits, so that a walk starts at level 2 with every granule. */
const TSZ = 34n;
/**
 * The second entry of the level-2 table, the third of the level-3 table, and an offset.
 */
const inputOf = ({ log2 }: Granule) => (1n << (2n * log2 - 3n)) | (2n << log2) | 0x123n;

interface Sizes {
  readonly oas: number;
  /** IPS or S2PS. */
  readonly ps: number;
  /** DS in IDR5, and in the CD or STE. */
  readonly ds?: readonly [idr5: boolean, used: boolean];
}
const lpa2 = ({ log2 }: Granule, { ds = [false, false] }: Sizes) => log2 !== 16n && ds[0] && ds[1];

/** Number of legal address bits. */
function reach(granule: Granule, sizes: Sizes): number {
  const most = granule.log2 === 16n || lpa2(granule, sizes) ? 52 : 48;
  return Math.min(SIZES[sizes.oas] ?? 0, SIZES[sizes.ps] ?? 0, most);
}

/** An address as encoded in a descriptor; undefined when it cannot be. */
function encoded(address: bigint, granule: Granule, sizes: Sizes): bigint | undefined {
  const low = address & 0xffff_ffff_ffffn;
  const high = address >> 48n;
  if (lpa2(granule, sizes)) return low | ((high & 3n) << 48n) | ((high >> 2n) << 8n);
  if (high === 0n) return low;
  return granule.log2 === 16n && SIZES[sizes.oas] === 52 ? low | (high << 12n) : undefined;
}

/** AF, unprivileged and valid at stage 1; AF, readable and valid at stage 2. */
const [LEAF1, LEAF2, TABLE] = [0x443n, 0x443n, 3n];

let h: Harness;
beforeEach(async () => {
  h = await harness();
  prepare(h);
});

const stage1Cd = (granule: Granule, { ps, ds }: Sizes, ttb: bigint) => [
  // ASID 1, A, R, AA64, V, EPD1.
  (0x0001_6200n << 32n) |
    (BigInt(ps) << 32n) |
    (1n << 31n) |
    (1n << 30n) |
    (granule.tg << 6n) |
    TSZ,
  ttb,
  ds?.[1] ? DS : 0n,
];
const stage2Ste = (granule: Granule, { ps, ds }: Sizes, ttb: bigint) => [
  // VMID 7, S2AA64, S2R.
  7n |
    (TSZ << 32n) |
    (granule.sl0 << 38n) |
    (granule.tg << 46n) |
    (BigInt(ps) << 48n) |
    (1n << 51n) |
    (1n << 58n),
  ttb | (ds?.[1] ? S2DS : 0n),
];
const put = (pa: number, words: readonly bigint[]) => {
  for (const [i, word] of words.entries()) h.hostRam64(pa + 8 * i, word);
};

/** The access by both models: a PA, or "event, stage, class". */
function outcomes(input: bigint, { oas, ds }: Sizes): readonly [core: string, reference: string] {
  const idr5 = IDR5_GRANULES | oas | (ds?.[0] ? IDR5_DS : 0);
  h.set(SMMU_AT_IDR5, idr5);
  h.mainCommand(4n, 31n);
  h.mainCommand(0x30n);
  const { status, pa } = h.translate(SID, input);
  const { event } = h.unit.threadBlock;
  const [id, word3] = [(event[0] ?? 0) & 0xff, event[3] ?? 0];
  const shown = (id: number, stage2: boolean, kind: number) =>
    `event ${id}, stage ${stage2 ? 2 : 1}, class ${kind}`;
  const core =
    status === 0 ? `PA ${pa.toString(16)}` : shown(id, (word3 & 0x80) !== 0, (word3 >>> 8) & 3);
  h.events();
  const smmu = {
    idr0: BigInt(IDR0),
    idr1: BigInt(IDR1),
    idr3: BigInt(IDR3),
    idr5: BigInt(idr5),
    e2h: false,
    strtabBase: LINEAR.base,
    strtabCfg: BigInt(LINEAR.config),
    recinvsid: true,
  };
  const read = (at: bigint) =>
    at < 0x200000n ? h.hostBytes.getBigUint64(h.ramBase + Number(at), true) : undefined;
  const found = ReferenceWalker.translate(smmu, read, { sid: BigInt(SID), address: input });
  return [
    core,
    found.pa === undefined
      ? shown(found.event, found.stage2, found.class ?? 0)
      : `PA ${found.pa.toString(16)}`,
  ];
}

/** The place of the address that may be too large. */
type Place = 'TTB' | 'table' | 'leaf';
const PLACES: readonly Place[] = ['TTB', 'table', 'leaf'];

/** Tables of one stage in which one address has an additional bit. */
function build(stage: 1 | 2, granule: Granule, sizes: Sizes, place: Place, far: bigint): boolean {
  const [root, level3] = stage === 1 ? [ROOT, LEVEL3] : [S2_ROOT, S2_LEVEL3];
  const at = (where: Place, address: number) => BigInt(address) | (where === place ? far : 0n);
  const table = encoded(at('table', level3), granule, sizes);
  const leaf = encoded(at('leaf', 0x100000), granule, sizes);
  if (table === undefined || leaf === undefined) return false;
  put(root + 8, [table | TABLE]);
  put(level3 + 16, [leaf | (stage === 1 ? LEAF1 : LEAF2)]);
  const ttb = at('TTB', root);
  if (stage === 1) {
    put(CD, stage1Cd(granule, sizes, ttb));
    h.ste(SID, [BigInt(CD) | 0xbn, 0xd6n, 7n, 0n]);
  } else {
    h.ste(SID, [0xdn, 0n, ...stage2Ste(granule, sizes, ttb)]);
  }
  return true;
}

/**
 * The architecture's result: no memory exists at that address, so a legal table cannot be
 * read.
 */
function ruled(stage: 1 | 2, granule: Granule, sizes: Sizes, place: Place, bit: number): string {
  if (bit < reach(granule, sizes)) {
    if (place !== 'leaf') return `event ${EVENTS.walkAbort}, stage ${stage}, class ${stage}`;
    return `PA ${((1n << BigInt(bit)) | 0x100123n).toString(16)}`;
  }
  if (place !== 'TTB') return `event ${EVENTS.addressSize}, stage ${stage}, class ${OF_INPUT}`;
  return `event ${stage === 1 ? EVENTS.badCd : EVENTS.badSte}, stage 1, class ${OF_CD}`;
}

/** Every size of the SMMU and of the CD or STE; DS where 52 bits are possible. */
function* allSizes(): Generator<Sizes> {
  for (let oas = 0; oas <= 6; oas++)
    for (let ps = 0; ps <= 7; ps++) {
      yield { oas, ps };
      if (oas !== 6) continue;
      yield { oas, ps, ds: [true, true] };
      yield { oas, ps, ds: [true, false] };
      yield { oas, ps, ds: [false, true] };
    }
}

describe.each([1, 2] as const)('an address of stage %i', (stage) => {
  it.each(GRANULES)('of %s granules is limited by OAS and its size', (_name, granule) => {
    const differences: string[] = [];
    const seen = new Map<string, number>();
    for (const sizes of allSizes())
      for (const place of PLACES)
        for (const bit of edgesOf(sizes)) {
          if (!build(stage, granule, sizes, place, 1n << BigInt(bit))) continue;
          const want = ruled(stage, granule, sizes, place, bit);
          const kind = want.startsWith('PA') ? 'PA' : want;
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
          const got = outcomes(inputOf(granule), sizes);
          if (got[0] !== want || got[1] !== want)
            differences.push(
              `${JSON.stringify(sizes)} ${place} bit ${bit}: ${want}, not ${got.join(' / ')}`,
            );
        }
    expect(differences).toEqual([]);
    // Each of the four outcomes of a walk occurs often.
    expect([seen.size, Math.min(...seen.values()) > 40]).toEqual([4, true]);
  });
});

describe('a descriptor with 52 bits', () => {
  const wide: Sizes = { oas: 6, ps: 6, ds: [true, true] };
  it.each([
    // Bits [51:50] of the address in bits [9:8], [49:48] in place.
    ['a page of 4 KiB', K4, 3, 0x0003_edcb_a987_6343n | 0x400n, 0xf_edcb_a987_6123n],
    ['a page of 16 KiB', K16, 3, 0x0002_5a5a_5a5a_4243n | 0x400n, 0xa_5a5a_5a5a_4123n],
    ['a block of 2 MiB', K4, 2, 0x0001_2345_6780_0141n | 0x400n, 0x5_2345_6780_2123n],
    ['a block of 32 MiB', K16, 2, 0x0000_2345_6600_0141n | 0x400n, 0x4_2345_6600_8123n],
    // Bits [51:48] of the address in bits [15:12].
    ['a page of 64 KiB', K64, 3, 0x0000_5a5a_5a5a_c043n | 0x400n, 0xc_5a5a_5a5a_0123n],
    ['a block of 512 MiB', K64, 2, 0x0000_5a5a_4000_9041n | 0x400n, 0x9_5a5a_4002_0123n],
  ] as const)('%s', (_name, granule, level, descriptor, pa) => {
    for (const stage of [1, 2] as const) {
      build(stage, granule, wide, 'leaf', 0n);
      const [root, level3] = stage === 1 ? [ROOT, LEVEL3] : [S2_ROOT, S2_LEVEL3];
      put(level === 2 ? root + 8 : level3 + 16, [descriptor]);
      const want = `PA ${pa.toString(16)}`;
      expect(outcomes(inputOf(granule), wide)).toEqual([want, want]);
      // With one bit less, the address is too large.
      const fault = `event ${EVENTS.addressSize}, stage ${stage}, class ${OF_INPUT}`;
      for (const less of [
        { ...wide, ps: 5 },
        { ...wide, oas: 5 },
      ]) {
        // An SMMU with 48 bits reads no further bits of a descriptor of 64 KiB granules.
        if (granule === K64 && less.oas === 5) continue;
        build(stage, granule, less, 'leaf', 0n);
        put(level === 2 ? root + 8 : level3 + 16, [descriptor]);
        expect(outcomes(inputOf(granule), less)).toEqual([fault, fault]);
      }
    }
  });

  it('of a table is the address of the next one', () => {
    for (const stage of [1, 2] as const)
      for (const granule of [K4, K16]) {
        build(stage, granule, wide, 'leaf', 0n);
        const root = stage === 1 ? ROOT : S2_ROOT;
        const level3 = BigInt(stage === 1 ? LEVEL3 : S2_LEVEL3);
        // Bits 50 and 48; there is no memory.
        put(root + 8, [level3 | 0x0001_0000_0000_0103n]);
        const abort = `event ${EVENTS.walkAbort}, stage ${stage}, class ${stage}`;
        expect(outcomes(inputOf(granule), wide)).toEqual([abort, abort]);
        // The fetch address of the event: 0x5'0000'0005'0010 or similar.
        const { event } = h.unit.threadBlock;
        const fetched = (BigInt(event[7] ?? 0) << 32n) | BigInt((event[6] ?? 0) >>> 0);
        expect(fetched).toBe(0x5_0000_0000_0000n | (level3 + 16n));
      }
  });
});

describe('stage 1 on stage 2', () => {
  const sizes: Sizes = { oas: 5, ps: 5 };
  const small: Sizes = { oas: 5, ps: 0 };
  /**
   * The tables and the CD at the IPAs of their own addresses plus 512 MiB, all in one
   * level-3 table; the target at IPA 0x30000000.
   */
  function nest(ips: Sizes, leaf: bigint, change: (descriptor: bigint) => bigint): void {
    const up = 0x2000_0000;
    for (const [i, pa] of [CD, ROOT, LEVEL3].entries()) {
      const entry = (0x20000 + 0x1000 * i) >> 12;
      put(S2_LEVEL3 + 8 * entry, [change(BigInt(pa)) | 0x4c3n]);
    }
    put(S2_ROOT + 8 * (up >> 21), [BigInt(S2_LEVEL3) | TABLE]);
    put(S2_ROOT + 8 * (0x3000_0000 >> 21), [BigInt(S2_LEVEL3_UP) | TABLE]);
    put(S2_LEVEL3_UP, [0x100000n | 0x4c3n]);
    put(CD, stage1Cd(K4, ips, 0x2002_1000n));
    put(ROOT + 8, [0x2002_2000n | TABLE]);
    put(LEVEL3 + 16, [leaf | LEAF1]);
    h.ste(SID, [0x2002_0000n | 0xfn, 0xd6n, ...stage2Ste(K4, sizes, BigInt(S2_ROOT))]);
  }
  const far = (of: number) => (pa: bigint) => (pa === BigInt(of) ? pa | (1n << 32n) : pa);
  const event = (id: number, stage: number, kind: number) =>
    `event ${id}, stage ${stage}, class ${kind}`;

  it.each([
    ['both fit', sizes, 0x3000_0000n, 0, 'PA 100123'],
    ['an IPA beyond IPS', small, 1n << 32n, 0, event(EVENTS.addressSize, 1, OF_INPUT)],
    [
      'an IPA within IPS, beyond S2T0SZ',
      sizes,
      1n << 32n,
      0,
      event(EVENTS.translation, 2, OF_INPUT),
    ],
    ['a CD', sizes, 0x3000_0000n, CD, event(EVENTS.addressSize, 2, OF_CD)],
    ['the first table', sizes, 0x3000_0000n, ROOT, event(EVENTS.addressSize, 2, OF_TABLE)],
    ['the last table', sizes, 0x3000_0000n, LEVEL3, event(EVENTS.addressSize, 2, OF_TABLE)],
  ] as const)('%s', (_name, ips, leaf, beyond, want) => {
    nest(ips, leaf, beyond === 0 ? (pa) => pa : far(beyond));
    // S2PS is 32 bits where stage 2 contains the address that is too large.
    if (beyond !== 0)
      h.ste(SID, [0x2002_0000n | 0xfn, 0xd6n, ...stage2Ste(K4, small, BigInt(S2_ROOT))]);
    expect(outcomes(inputOf(K4), sizes)).toEqual([want, want]);
  });

  it('a TTB beyond IPS is an error of the CD, regardless of stage 2', () => {
    nest(small, 0x3000_0000n, (pa) => pa);
    put(CD + 8, [1n << 32n]);
    const want = event(EVENTS.badCd, 1, OF_CD);
    expect(outcomes(inputOf(K4), sizes)).toEqual([want, want]);
    // An address that exceeds only S2T0SZ is refused by stage 2.
    put(CD, stage1Cd(K4, sizes, 1n << 32n));
    const fault = event(EVENTS.translation, 2, OF_TABLE);
    expect(outcomes(inputOf(K4), sizes)).toEqual([fault, fault]);
  });
});
