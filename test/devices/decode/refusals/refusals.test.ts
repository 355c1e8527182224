// SPDX-License-Identifier: MIT
// Why STEs and CDs are refused: there is a reason exactly where the core refuses them,
// for all ID registers; and each reason names its field.

import { describe, expect, it } from 'vitest';
import * as CD from '../../../../assembly/layout/cd.ts';
import { C_BAD_CD, C_BAD_STE } from '../../../../assembly/layout/events.ts';
import {
  SMMU_AT_IDR0,
  SMMU_AT_IDR1,
  SMMU_AT_IDR5,
} from '../../../../assembly/layout/smmu-memory.ts';
import * as REGISTERS from '../../../../assembly/layout/smmu-registers.ts';
import * as STE from '../../../../assembly/layout/ste.ts';
import { cdRefusals, steRefusals } from '../../../../devices/decode/refusals/index.ts';
import { type Field, setField, withBits } from '../../../../devices/plugin/index.ts';
import { contextDescriptor, nestedSte } from '../../../../devices/tables/index.ts';
import { Random } from '../../../../devices/testing/index.ts';
import { steps } from '../../../support/thorough.ts';
import {
  type Harness,
  harness,
  IDR0,
  IDR1,
  IDR3,
  IDR5,
  RAM_GPA,
  WINDOW,
} from '../../../support/unit-harness.ts';

const SID = 5;
const CD_GPA = RAM_GPA + 0x100000;
const CD_PA = WINDOW * 2 ** 32 + CD_GPA;
const CFGI_ALL = [0x04n, 31n] as const;
const TLBI_NSNH_ALL = [0x30n, 0n] as const;
const ROUNDS = steps(1500, 40_000);

interface Ids {
  idr0: number;
  idr1: number;
  idr3: number;
  idr5: number;
}

const IDS: Ids = { idr0: IDR0, idr1: IDR1, idr3: IDR3, idr5: IDR5 };

const FIELDS: Readonly<Record<string, Field>> = REGISTERS;

/** Fields of ID registers that decide; all values of each are tried. */
const DECIDING: readonly (readonly [keyof Ids, Field])[] = [
  ...(
    [
      'S1P',
      'S2P',
      'HTTU',
      'HYP',
      'ATS',
      'ASID16',
      'VMID16',
      'CD2L',
      'TTENDIAN',
      'STALL_MODEL',
      'TERM_MODEL',
    ] as const
  ).map((name) => ['idr0', FIELDS[`IDR0_${name}`] ?? 0] as const),
  ['idr1', REGISTERS.IDR1_SSIDSIZE],
  ...(['OAS', 'GRAN4K', 'GRAN16K', 'GRAN64K', 'DS', 'VAX'] as const).map(
    (name) => ['idr5', FIELDS[`IDR5_${name}`] ?? 0] as const,
  ),
];

/** All fields of a structure, by the names in its layout. */
const fieldsOf = (layout: Readonly<Record<string, number>>, prefix: string): Field[] =>
  Object.entries(layout)
    .filter(([name, value]) => name.startsWith(prefix) && value > 0xff && name !== `${prefix}SIZE`)
    .map(([, value]) => value);

function randomIds(random: Random): Ids {
  const ids = { ...IDS };
  for (let left = random.below(4); left > 0; left--) {
    const [register, field] = random.pick(DECIDING);
    ids[register] = withBits(ids[register], field, random.word());
  }
  return ids;
}

function change(random: Random, words: Uint32Array, fields: readonly Field[], most: number): void {
  for (let left = random.below(most + 1); left > 0; left--)
    setField(words, random.pick(fields), random.word());
}

const validCd = () =>
  contextDescriptor({
    asid: 1,
    outputBits: 48,
    lower: { ttb: CD_PA, inputBits: 39 },
    upper: { ttb: CD_PA, inputBits: 39 },
  });
const validSte = () => nestedSte({ contextPtr: CD_PA }, { vmid: 1, ttb: 0x40000, inputBits: 40 });

/** The event of an access by the stream; 0 for none. */
function eventOf(h: Harness, ids: Ids, ste: Uint32Array, cd: Uint32Array): number {
  h.set(SMMU_AT_IDR0, ids.idr0);
  h.set(SMMU_AT_IDR1, ids.idr1);
  h.set(SMMU_AT_IDR5, ids.idr5);
  h.ste(SID, [...new BigUint64Array(ste.slice().buffer)]);
  [...new BigUint64Array(cd.slice().buffer)].forEach((word, i) => {
    h.guestRam64(CD_GPA + 8 * i, word);
  });
  h.mainCommand(...CFGI_ALL);
  h.mainCommand(...TLBI_NSNH_ALL);
  h.translate(SID, 0x1000n);
  const [record] = h.events();
  return Number(BigInt(`0x${record?.[0] ?? '0'}`) & 0xffn);
}

const reasons = (found: Iterable<{ readonly text: string }>) => [...found].map(({ text }) => text);

describe('the reasons of C_BAD_STE', () => {
  it('exist exactly where the core refuses', async () => {
    const h = await harness();
    const random = new Random(20);
    const fields = fieldsOf(STE, 'STE_');
    const cd = validCd();
    const counts = { refused: 0, taken: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const [ids, ste] = [randomIds(random), validSte()];
      setField(ste, STE.STE_CONFIG, random.pick([4, 5, 5, 6, 6, 7, 7]));
      change(random, ste, fields, 3);
      const found = reasons(steRefusals(ste, ids));
      const isRefused = eventOf(h, ids, ste, cd) === C_BAD_STE;
      const about = `${JSON.stringify(ids)} ${[...ste].map((word) => word.toString(16)).join(' ')}`;
      expect(isRefused ? found.length > 0 : found, about).toEqual(isRefused ? true : []);
      counts[isRefused ? 'refused' : 'taken']++;
    }
    expect(Math.min(counts.refused, counts.taken)).toBeGreaterThan(ROUNDS / 5);
  });

  it.each<[string, Partial<Ids>, readonly (readonly [Field, number])[]]>([
    ['STE.V = 0', {}, [[STE.STE_V, 0]]],
    ['STE.S2TG = 2, 16 KiB, but IDR5.GRAN16K = 0', {}, [[STE.STE_S2TG, 2]]],
    ['STE.S2TG = 3 is reserved', {}, [[STE.STE_S2TG, 3]]],
    [
      'STE.S2T0SZ = 10 is not from 16 to 39, with OAS 48 and this granule',
      {},
      [[STE.STE_S2T0SZ, 10]],
    ],
    ['STE.EATS = 2: split-stage ATS is not implemented (IDR0.NS1ATS = 1)', {}, [[STE.STE_EATS, 2]]],
    [
      'STE.S1CDMax = 7 but IDR1.SSIDSIZE = 6',
      { idr1: withBits(IDR1, REGISTERS.IDR1_SSIDSIZE, 6) },
      [[STE.STE_S1CDMAX, 7]],
    ],
    [
      'STE.S2VMID = 256 but IDR0.VMID16 = 0',
      { idr0: withBits(IDR0, REGISTERS.IDR0_VMID16, 0) },
      [[STE.STE_S2VMID, 256]],
    ],
    [
      'STE.S1ContextPtr = 0xf000000000000 is beyond the 48 bits of IDR5.OAS',
      {},
      [
        [STE.STE_S1CONTEXTPTR_HI, 0xf0000],
        [STE.STE_S1CONTEXTPTR_LO, 0],
      ],
    ],
  ])('say %s', (text, ids, changes) => {
    const ste = validSte();
    for (const [field, value] of changes) setField(ste, field, value);
    expect(reasons(steRefusals(ste, { ...IDS, ...ids }))).toEqual([text]);
  });
});

describe('the reasons of C_BAD_CD', () => {
  it('exist exactly where the core refuses', async () => {
    const h = await harness();
    const random = new Random(21);
    const fields = fieldsOf(CD, 'CD_');
    const counts = { refused: 0, taken: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const [ids, ste, cd] = [randomIds(random), validSte(), validCd()];
      setField(ste, STE.STE_CONFIG, STE.STE_CONFIG_S1);
      if (random.below(4) === 0) setField(ste, STE.STE_S1STALLD, 1);
      change(random, cd, fields, 3);
      const event = eventOf(h, ids, ste, cd);
      // An error of the STE is not a reason of the CD.
      if (event === C_BAD_STE) continue;
      const found = reasons(cdRefusals(cd, ste, ids));
      const isRefused = event === C_BAD_CD;
      const about = `${JSON.stringify(ids)} ${[...cd].map((word) => word.toString(16)).join(' ')}`;
      expect(isRefused ? found.length > 0 : found, about).toEqual(isRefused ? true : []);
      counts[isRefused ? 'refused' : 'taken']++;
    }
    expect(Math.min(counts.refused, counts.taken)).toBeGreaterThan(ROUNDS / 6);
  });

  it.each<[string, readonly (readonly [Field, number])[]]>([
    ['CD.V = 0', [[CD.CD_V, 0]]],
    ['CD.TG0 = 2, 16 KiB, but IDR5.GRAN16K = 0', [[CD.CD_TG0, 2]]],
    ['CD.TG1 = 0 is reserved', [[CD.CD_TG1, 0]]],
    ['CD.T0SZ = 40 is not from 16 to 39', [[CD.CD_T0SZ, 40]]],
    ['CD.A = 0 but IDR0.TERM_MODEL = 1', [[CD.CD_A, 0]]],
    ['CD.HA = 1 but IDR0.HTTU = 0', [[CD.CD_HA, 1]]],
    [
      'CD.TTB0 = 0x100080100000 is beyond 40 bits: CD.IPS = 2 (40 bits), IDR5.OAS has 48, and 4 KiB without DS 48',
      [
        [CD.CD_IPS, 2],
        [CD.CD_TTB0_HI, 0x1000],
      ],
    ],
  ])('say %s', (text, changes) => {
    const cd = validCd();
    for (const [field, value] of changes) setField(cd, field, value);
    expect(reasons(cdRefusals(cd, validSte(), IDS))).toEqual([text]);
  });
});
