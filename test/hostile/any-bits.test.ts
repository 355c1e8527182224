// No bit pattern in an STE, a CD, a descriptor or a command makes the core or the drain trap, and the work that one takes is bounded. The
// decoder takes any as well.

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  QUEUE_MAIN,
  SMMU_AT_EVTQ_CONS,
  SMMU_AT_EVTQ_PROD,
  SMMU_AT_STRTAB_BASE,
  SMMU_AT_STRTAB_CFG,
} from '../../assembly/layout/host-memory.ts';
import { type Decoded, decodeCd, decodeCommand, decodeEvent, decodePte, decodeSte } from '../../devices/decode/index.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K } from '../../devices/tables/index.ts';
import { smmuBase } from '../../devices/unit/index.ts';
import { LINEAR, prepare } from '../reference/judge.ts';
import { Scenario } from '../reference/scenario.ts';
import { checkedModules } from '../support/findings.ts';
import { Harness } from '../support/unit-harness.ts';

/** Most loads of guest memory of one translation: the 8 words of a CD and its level-1 descriptor, four levels of stage 1, each tried again. */
const LOADS = 200;
const SID = 5;

let h: Harness;
let loads = 0;

const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };
const shapes = (['stage 1', 'stage 2', 'nested'] as const).map((mode) => ({ mode, stage1: geometry, stage2: { ...geometry, start: 1 } }));

/** Flips of single bits, so that most of the structure stays valid, or all of it anew. */
const change = fc.oneof(
  fc
    .array(fc.integer({ min: 0, max: 63 }), { maxLength: 4 })
    .map((bits) => (old: bigint) => bits.reduce((value, bit) => value ^ (1n << BigInt(bit)), old)),
  word.map((value) => () => value),
);
const access = fc.record({
  shape: fc.constantFrom(...shapes),
  attributes: fc.integer({ min: 0, max: 7 }),
  ssid: fc.integer({ min: -1, max: 0xfffff }),
});

// A guest port whose loads are counted.
async function counting(): Promise<Harness> {
  const modules = await checkedModules();
  const made = new Harness(modules, {});
  const port = made.unit.port as unknown as WebAssembly.ModuleImports;
  const counted = Object.fromEntries(
    Object.entries(port).map(([name, call]) => [
      name,
      name !== 'load64' || typeof call !== 'function'
        ? call
        : (offset: number) => {
            loads++;
            return call(offset) as bigint;
          },
    ]),
  );
  const global = (value: number) => new WebAssembly.Global({ value: 'i32' }, value);
  const ramSize = (made.host[3] ?? 0) >>> 0;
  const unit = {
    WINDOW: global(1),
    THREAD: global(made.unit.threadBlock),
    THREAD_ID: global(2),
    RAM_BASE: global(made.ramBase),
    RAM_SIZE: global(ramSize),
  };
  const core = new WebAssembly.Instance(modules.smmuCore, {
    env: { memory: made.hostMemory },
    port: counted,
    unit,
    clock: { now: () => 0 },
  });
  Object.defineProperty(made.unit, 'core', { value: core.exports });
  return made;
}

function put(pa: bigint, value: bigint): void {
  if (pa >> 32n === 1n) h.guestRam64(Number(pa & 0xffff_ffffn), value);
  else h.hostRam64(Number(pa), value);
}

function attempt(scenario: Scenario, attributes: number, ssid: number): void {
  h.hostBytes.setBigUint64(h.smmu + SMMU_AT_STRTAB_BASE, LINEAR.base, true);
  h.set(SMMU_AT_STRTAB_CFG, LINEAR.config);
  for (const [pa, value] of scenario.words) put(pa, value);
  scenario.ste.forEach((value, i) => {
    put(LINEAR.ste + BigInt(8 * i), value);
  });
  h.mainCommand(0x04n, 31n);
  h.mainCommand(0x30n);
  loads = 0;
  expect([0, 1, 2]).toContain(h.translate(SID, scenario.address, attributes, ssid).status);
  expect(loads).toBeLessThanOrEqual(LOADS);
  h.set(SMMU_AT_EVTQ_CONS, h.get(SMMU_AT_EVTQ_PROD));
}

beforeAll(async () => {
  h = await counting();
  prepare(h);
});

/** What is wrong with the fields of a decoded structure: a bit that two of them have, or a set bit that none has. */
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
  // Words as a Uint32Array has them, and as an Int32Array has them.
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
    const property = fc.property(access, fc.array(change, { minLength: 8, maxLength: 8 }), ({ shape, attributes, ssid }, changes) => {
      const scenario = new Scenario(shape);
      changes.forEach((apply, i) => {
        scenario.ste[i] = apply(scenario.ste[i] ?? 0n);
      });
      attempt(scenario, attributes, ssid);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it('in a CD, a level-1 CD descriptor or a translation table', () => {
    const property = fc.property(access, fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 4 }), (point, changes) => {
      const { shape, attributes, ssid } = point;
      const scenario = new Scenario({ ...shape, cdFormat: BigInt(attributes % 3), ...(ssid < 0 ? {} : { ssid: BigInt(ssid & 0x1ff) }) });
      const places = [...scenario.words.keys()];
      for (const [at, apply] of changes) {
        const pa = places[at % places.length] ?? 0n;
        scenario.set(pa, apply(scenario.get(pa)));
      }
      attempt(scenario, attributes, ssid < 0 ? -1 : ssid & 0x1ff);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('in a command', () => {
    const property = fc.property(word, word, fc.integer({ min: 0, max: 0x46 }), (d0, d1, opcode) => {
      h.mainCommand((d0 & ~0xffn) | BigInt(opcode), d1);
      h.mainCommand(d0, d1);
      expect(h.unit.drain.resume(smmuBase(0), QUEUE_MAIN)).toBe(1);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
