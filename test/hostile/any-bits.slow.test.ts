// SPDX-License-Identifier: MIT
// No bit pattern in an STE, a CD, a descriptor or a command makes the core or the drain
// trap, and the work of each is bounded. The decoder accepts any bit pattern as well.

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { QUEUE_MAIN } from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_EVENTQ_CONS,
  SMMU_AT_EVENTQ_PROD,
  SMMU_AT_IDR0,
  SMMU_AT_IDR5,
  SMMU_AT_STRTAB_BASE,
  SMMU_AT_STRTAB_CFG,
} from '../../assembly/layout/smmu-memory.ts';
import {
  type Decoded,
  decodeCd,
  decodeCommand,
  decodeEvent,
  decodePte,
  decodeSte,
} from '../../devices/decode/index.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K } from '../../devices/tables/index.ts';
import { smmuBase } from '../../devices/unit/index.ts';
import { DS_SHAPES, DS_STAGE2, STAGE1, STAGE2, WIDE_SHAPES } from '../reference/geometries.ts';
import { IDR0, idr5Of, LINEAR, prepare } from '../reference/judge.ts';
import { Scenario, type Shape } from '../reference/scenario.ts';
import { streamTables } from '../reference/stream-tables.ts';
import { separateCheckedModules } from '../support/findings.ts';
import { Harness } from '../support/unit-harness.ts';

/**
 * Maximum loads of guest memory by one translation, with four levels of stage 2 for each
 * word of a nested one: a CD and its level-1 descriptor, read again when they change in
 * the meantime; four levels of stage 1, the output, and the updated descriptor.
 */
const LOADS = 200;
/** STALL_MODEL 0 and STALL_MAX 16 instead of the terminate model. */
const [TERMINATES, STALL_MAX] = [0x01000000, 16 << 16];

let h: Harness;
let loads = 0;
/** Maximum of all translations so far. */
let most = 0;

const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const MODES = ['stage 1', 'stage 2', 'nested'] as const;
const widths = fc.oneof(
  fc.record({
    stage1: fc.constantFrom(...STAGE1, ...WIDE_SHAPES),
    stage2: fc.constantFrom(...STAGE2, ...WIDE_SHAPES),
    wide: fc.boolean(),
  }),
  fc.record({
    stage1: fc.constantFrom(...DS_SHAPES),
    stage2: fc.constantFrom(...DS_STAGE2),
    wide: fc.constant(true),
    ds: fc.constant(true),
  }),
);
/**
 * Every mode, granule and start level; either half; every CD format with SubstreamIDs;
 * 48-bit and 52-bit addresses, of every granule.
 */
const shape = fc
  .record({
    mode: fc.constantFrom(...MODES),
    sizes: widths,
    upper: fc.boolean(),
    cdFormat: fc.constantFrom(0n, 1n, 2n),
  })
  .chain(({ sizes, ...others }) => {
    const chosen = { ...sizes, ...others };
    // The space for a scenario's tables: 64 CDs in a linear table, otherwise a level-1
    // table of a page.
    const most = chosen.cdFormat === 0n ? 63 : chosen.cdFormat === 1n ? 0x7fff : 0x7ffff;
    return fc
      .option(fc.integer({ min: 0, max: most }))
      .map((ssid): Shape => (ssid === null ? chosen : { ...chosen, ssid: BigInt(ssid) }));
  });
/**
 * Flips of single bits, so that most of the structure stays valid, or all of it becomes
 * valid again.
 */
const change = fc.oneof(
  fc
    .array(fc.integer({ min: 0, max: 63 }), { maxLength: 4 })
    .map((bits) => (old: bigint) => bits.reduce((value, bit) => value ^ (1n << BigInt(bit)), old)),
  word.map((value) => () => value),
);
const access = fc.record({
  shape,
  attributes: fc.integer({ min: 0, max: 7 }),
  // HA, HD, S2HA, S2HD, and a model that stalls.
  updates: fc.integer({ min: 0, max: 15 }),
  stalls: fc.boolean(),
});
type Point = typeof access extends fc.Arbitrary<infer T> ? T : never;

// A guest port whose loads are counted.
async function counting(): Promise<Harness> {
  const made = new Harness(await separateCheckedModules(), {});
  const core = made.unit.coreLoading((offset, real) => {
    loads++;
    return real(offset);
  });
  Object.defineProperty(made.unit, 'core', { value: core });
  return made;
}

function put(pa: bigint, value: bigint): void {
  if (pa >> 32n === 1n) h.guestRam64(Number(pa & 0xffff_ffffn), value);
  else h.hostRam64(Number(pa), value);
}

/** The tables of a point, with hardware updates enabled. */
function build({ shape: made, updates }: Point): Scenario {
  const scenario = new Scenario(made);
  if (made.mode !== 'stage 2') scenario.change(scenario.cd, BigInt(updates & 3) << 42n);
  if (made.mode !== 'stage 1')
    scenario.ste[2] = (scenario.ste[2] ?? 0n) | (BigInt(updates >> 2) << 55n);
  return scenario;
}

/** @param sid default that of the stream table. */
function attempt(
  scenario: Scenario,
  { shape: made, attributes, stalls }: Point,
  table = LINEAR,
  sid = table.sid,
): void {
  h.set(SMMU_AT_IDR0, stalls ? IDR0 & ~TERMINATES : IDR0);
  h.set(SMMU_AT_IDR5, idr5Of(made) | (stalls ? STALL_MAX : 0));
  h.hostBytes.setBigUint64(h.smmu + SMMU_AT_STRTAB_BASE, table.base, true);
  h.set(SMMU_AT_STRTAB_CFG, table.config);
  for (const [pa, value] of [...scenario.words, ...table.words]) put(pa, value);
  scenario.ste.forEach((value, i) => {
    put(table.ste + BigInt(8 * i), value);
  });
  h.mainCommand(0x04n, 31n);
  h.mainCommand(0x30n);
  const { ssid } = made;
  loads = 0;
  expect([0, 1, 2, ...(stalls ? [3, 4] : [])]).toContain(
    h.translate(sid, scenario.address, attributes, ssid === undefined ? -1 : Number(ssid)).status,
  );
  expect(loads).toBeLessThanOrEqual(LOADS);
  most = Math.max(most, loads);
  h.set(SMMU_AT_EVENTQ_CONS, h.get(SMMU_AT_EVENTQ_PROD));
}

beforeAll(async () => {
  h = await counting();
  prepare(h);
});

/**
 * Errors in the fields of a decoded structure: a bit in two fields, or a set bit in none.
 */
function misplaced(words: readonly number[], { fields }: Decoded): string[] {
  const found: string[] = [];
  const seen = Array.from({ length: Math.ceil(words.length / 2) }, () => 0n);
  for (const { name, doubleword, high, low } of fields) {
    const bits = ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
    if ((seen[doubleword] ?? -1n) & bits) found.push(`${name} at ${doubleword}[${high}:${low}]`);
    seen[doubleword] = (seen[doubleword] ?? 0n) | bits;
  }
  words.forEach((value, i) => {
    const rest = (BigInt(value >>> 0) << BigInt(32 * (i % 2))) & ~(seen[i >> 1] ?? 0n);
    if (rest !== 0n) found.push(`bits ${rest.toString(16)} of doubleword ${i >> 1}`);
  });
  return found;
}

describe('decoding any bits', () => {
  // Words as in a Uint32Array, and as in an Int32Array.
  const word32 = fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 });
  const structure = (count: number) => fc.array(word32, { minLength: count, maxLength: count });
  const place = fc.record({
    granule: fc.constantFrom(GRANULE_4K, GRANULE_16K, GRANULE_64K),
    level: fc.integer({ min: 0, max: 3 }),
    stage: fc.constantFrom(1, 2),
  });

  it.each<[string, number, (words: number[]) => Decoded]>([
    ['STE', 16, decodeSte],
    ['CD', 16, decodeCd],
    ['command', 4, decodeCommand],
    ['event', 8, decodeEvent],
  ])('of a %s throws nothing, loses no bit and has no bit twice', (_name, count, decode) => {
    fc.assert(
      fc.property(structure(count), (words) => {
        expect(misplaced(words, decode(words))).toEqual([]);
        expect(decode(words.slice(0, 1)).name).not.toBe('');
      }),
    );
  });

  it.each([
    ['command', 4, decodeCommand],
    ['event', 8, decodeEvent],
  ] as const)('of a %s of each number', (_name, count, decode) => {
    for (let id = 0; id < 256; id++) {
      const words = [0xffffff00 + id, ...Array.from({ length: count - 1 }, () => 0xffffffff)];
      expect(misplaced(words, decode(words))).toEqual([]);
    }
  });

  it('of a descriptor throws nothing, loses no bit and has no bit twice', () => {
    fc.assert(
      fc.property(structure(2), place, (words, options) => {
        expect(misplaced(words, decodePte(words, options))).toEqual([]);
      }),
    );
  });
});

describe('any bits', () => {
  it('in an STE', () => {
    const property = fc.property(
      access,
      fc.array(change, { minLength: 8, maxLength: 8 }),
      (point, changes) => {
        const scenario = build(point);
        changes.forEach((apply, i) => {
          scenario.ste[i] = apply(scenario.ste[i] ?? 0n);
        });
        attempt(scenario, point);
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it('in a CD, a level-1 CD descriptor or a translation table', () => {
    const property = fc.property(
      access,
      fc.array(fc.tuple(fc.nat(), change), { maxLength: 4 }),
      (point, changes) => {
        const scenario = build(point);
        const places = [...scenario.words.keys()];
        for (const [at, apply] of changes) {
          const pa = places[at % places.length] ?? 0n;
          scenario.set(pa, apply(scenario.get(pa)));
        }
        attempt(scenario, point);
      },
    );
    fc.assert(property, { numRuns: 4000 });
    // The deepest walks were among them.
    expect(most).toBeGreaterThan(40);
  });

  it('in a level-1 stream table descriptor, STRTAB_BASE, STRTAB_BASE_CFG or a StreamID', () => {
    const tables = [...streamTables()].map(({ table }) => table);
    const keep = (old: bigint) => old;
    const property = fc.property(
      access,
      fc.constantFrom(...tables),
      fc.tuple(
        fc.oneof(fc.constant(keep), change),
        fc.oneof(fc.constant(keep), change),
        fc.oneof(fc.constant(keep), change),
        change,
      ),
      (point, table, [level1, base, config, sid]) => {
        const changed = {
          ...table,
          words: new Map([...table.words].map(([pa, value]) => [pa, level1(value)])),
          base: base(table.base) & 0x000f_ffff_ffff_ffc0n,
          config: Number(config(BigInt(table.config)) & 0xffff_ffffn),
        };
        attempt(build(point), point, changed);
        attempt(build(point), point, changed, Number(sid(BigInt(table.sid)) & 0xffff_ffffn));
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it('in a command', () => {
    const property = fc.property(
      word,
      word,
      fc.integer({ min: 0, max: 0x46 }),
      (d0, d1, opcode) => {
        h.mainCommand((d0 & ~0xffn) | BigInt(opcode), d1);
        h.mainCommand(d0, d1);
        expect(h.unit.drain.resume(smmuBase(0), QUEUE_MAIN)).toBe(1);
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });
});
