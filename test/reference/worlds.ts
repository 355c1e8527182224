// SPDX-License-Identifier: MIT
// Features of an SMMU like Grace's that the other points do not have: EL2 and EL2-E2H,
// tables of either endianness, XNX.

import { STAGE1, STAGE2 } from './geometries.ts';
import {
  ACCESSES,
  bit,
  cd0,
  leaf1,
  leaf2,
  name,
  type Point,
  points,
  ste,
  TWISTS1,
  TWISTS2,
  type Twist,
} from './matrix.ts';
import type { Geometry, Scenario, Shape } from './scenario.ts';

const [EPD0, ENDI, EPD1] = [bit(14), bit(15), bit(30)];
const [S2ENDI, HA, HD, S2HA] = [bit(52), bit(43), bit(42), bit(56)];

const bigEndian1 = (s: Scenario) => {
  s.bigEndian.add(1);
  cd0(s, ENDI);
};
const bigEndian2 = (s: Scenario) => {
  s.bigEndian.add(2);
  ste(s, 2, S2ENDI);
};

/** StreamWorlds: STE fields that select them, and their effect on a CD. */
const OF_STAGE1: readonly Twist[] = [
  ['STRW 0', (s) => ste(s, 1, 0n, 3n << 30n), ACCESSES],
  ['STRW 1', (s) => ste(s, 1, 1n << 30n, 3n << 30n)],
  ['STRW 3', (s) => ste(s, 1, 3n << 30n)],
  ['ASID 0x101', (s) => cd0(s, 0x100n << 48n)],
  ['S2VMID 0xff07', (s) => ste(s, 2, 0xff00n)],
  ['EPD0 1', (s) => cd0(s, EPD0)],
  ['EPD1 0', (s) => cd0(s, 0n, EPD1)],
  ['EPD1 0, a table of its own', (s) => cd0(s, (2n << 22n) | (25n << 16n), EPD1 | (0xffn << 16n))],
  [
    'EPD1 0, a TTB1 beyond IPS',
    (s) => {
      cd0(s, (2n << 22n) | (25n << 16n), EPD1 | (0xffn << 16n));
      s.change(s.cd + 16n, bit(50));
    },
  ],
  [
    'the upper half',
    (s) => {
      cd0(s, (2n << 22n) | (25n << 16n), EPD1 | (0xffn << 16n));
      s.address |= 0xffff_8000_0000_0000n;
    },
  ],
  [
    'TBI1 in the upper half',
    (s) => {
      cd0(s, bit(39));
      s.address |= 0xffff_8000_0000_0000n;
    },
  ],
  ['big-endian', bigEndian1, ACCESSES],
  ['ENDI, little-endian tables', (s) => cd0(s, ENDI)],
  ['ENDI, EPD0, EPD1', (s) => cd0(s, ENDI | EPD0 | EPD1)],
  [
    'big-endian, AF clear, HA',
    (s) => {
      bigEndian1(s);
      cd0(s, HA);
      s.change(leaf1(s), 0n, bit(10));
    },
    ACCESSES,
  ],
  [
    'big-endian, clean, HD',
    (s) => {
      bigEndian1(s);
      cd0(s, HA | HD);
      s.change(leaf1(s), bit(51) | bit(7));
    },
    ACCESSES,
  ],
];

/** XN[1:0] of a stage-2 leaf. */
const xn = (value: bigint): Twist => [
  `S2 XN ${value}`,
  (s) => s.change(leaf2(s), value << 53n, 3n << 53n),
  ACCESSES,
];
const OF_STAGE2: readonly Twist[] = [
  ...[0n, 1n, 2n, 3n].map(xn),
  ['S2 big-endian', bigEndian2, ACCESSES],
  ['S2ENDI, little-endian tables', (s) => ste(s, 2, S2ENDI)],
  [
    'S2 big-endian, AF clear, S2HA',
    (s) => {
      bigEndian2(s);
      ste(s, 2, S2HA);
      s.change(leaf2(s), 0n, bit(10));
    },
    ACCESSES,
  ],
];
const OF_BOTH: readonly Twist[] = [
  ...[1n, 2n, 3n].map(
    (strw): Twist => [`STRW ${strw} beside stage 2`, (s) => ste(s, 1, strw << 30n, 3n << 30n)],
  ),
  [
    'both big-endian',
    (s) => {
      bigEndian1(s);
      bigEndian2(s);
    },
    ACCESSES,
  ],
  [
    'both big-endian, AF clear, HA and S2HA',
    (s) => {
      bigEndian1(s);
      bigEndian2(s);
      cd0(s, HA);
      ste(s, 2, S2HA);
      for (const leaf of [leaf1(s), leaf2(s)]) s.change(leaf, 0n, bit(10));
    },
    ACCESSES,
  ],
];

/** Twists of tables of a shape of such an SMMU, in addition to `twistsOf`. */
export function worldTwistsOf({ mode, world }: Shape): readonly Twist[] {
  if (world === undefined) return [];
  if (mode === 'stage 1') return OF_STAGE1;
  return mode === 'stage 2' ? OF_STAGE2 : [...OF_STAGE1, ...OF_STAGE2, ...OF_BOTH];
}

/** The points of such an SMMU: its own twists, and those of all SMMUs. */
export function* worlds(): Generator<Point> {
  const some = (all: readonly Geometry[]) => all.filter((_, i) => i % 5 === 0);
  const [small1, small2] = [STAGE1, STAGE2].map((all) =>
    all.find(({ granule, leaf }) => granule === 12n && leaf === 3),
  );
  if (!small1 || !small2) throw new Error('no geometry');
  for (const world of ['NS-EL1', 'EL2', 'EL2-E2H'] as const) {
    for (const stage1 of some(STAGE1)) {
      for (const upper of [false, true])
        yield* points(
          { mode: 'stage 1', stage1, stage2: small2, upper, world },
          `stage 1, ${world}, ${upper ? 'TTB1' : 'TTB0'}, ${name(stage1)}`,
          [...OF_STAGE1, ...TWISTS1],
        );
    }
  }
  for (const stage2 of some(STAGE2)) {
    yield* points(
      { mode: 'stage 2', stage1: small1, stage2, world: 'NS-EL1' },
      `stage 2, XNX, ${name(stage2)}`,
      [...OF_STAGE2, ...TWISTS2],
    );
    yield* points(
      { mode: 'nested', stage1: small1, stage2, world: 'EL2-E2H' },
      `nested, XNX, ${name(stage2)}`,
      [...OF_STAGE2, ...OF_BOTH],
    );
  }
}
