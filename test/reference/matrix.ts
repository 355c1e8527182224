// SPDX-License-Identifier: MIT
// The matrix: shapes of tables, times twists (a permission, a fault, a format), times
// accesses.

import { DS_SHAPES, DS_STAGE2, STAGE1, STAGE2, WIDE_SHAPES } from './geometries.ts';
import { type Access, type Geometry, levelShift, Scenario, type Shape } from './scenario.ts';

export interface Point {
  /**
   * Mode, granules, start and leaf levels, sizes, twist, access: unique for each point.
   */
  readonly key: string;
  readonly scenario: () => Scenario;
  readonly access: Access;
}

/** A twist of a point: its name, and its change. */
export type Twist = readonly [
  name: string,
  apply: (scenario: Scenario) => void,
  accesses?: readonly Access[],
];

const READ: Access = {};
const WRITE: Access = { write: true };
const BOTH = [READ, WRITE];
/** Every kind of access. */
export const ACCESSES: readonly Access[] = [
  ...BOTH,
  { privileged: true },
  { privileged: true, write: true },
  { instruction: true },
  { instruction: true, privileged: true },
  { instruction: true, write: true },
];
export const bit = (n: number) => 1n << BigInt(n);
const NOWHERE = 0x7_0000_0000n;
/** CD.DS, in TTB1's doubleword. */
const DS = bit(58);

export const leaf1 = (s: Scenario) => s.slots1.get(s.shape.stage1.leaf) ?? 0n;
export const leaf2 = (s: Scenario) => s.slots2.get(s.shape.stage2.leaf) ?? 0n;
const first1 = (s: Scenario) => s.slots1.get(s.shape.stage1.start) ?? 0n;
const first2 = (s: Scenario) => s.slots2.get(s.shape.stage2.start) ?? 0n;
export const cd0 = (s: Scenario, set: bigint, clear = 0n) => s.change(s.cd, set, clear);
export const ste = (s: Scenario, word: number, set: bigint, clear = 0n) => {
  s.ste[word] = ((s.ste[word] ?? 0n) & ~clear) | set;
};
const hasTable1 = (s: Scenario) => s.shape.stage1.leaf > s.shape.stage1.start;
const ttbs = (s: Scenario, set: bigint) => {
  s.change(s.cd + 8n, set);
  s.change(s.cd + 16n, set);
};
/** HTTU of stage 1: HA, HD. */
const [HA, HD] = [bit(43), bit(42)];
const [S2HA, S2HD] = [bit(56), bit(55)];

/** Flips bits of the address. */
const moved = (bits: (scenario: Scenario) => bigint) => (scenario: Scenario) => {
  scenario.address ^= bits(scenario);
};

/**
 * Permissions and faults of stage 1. A twist of a table does not change a shape without
 * that table.
 */
export const TWISTS1: readonly Twist[] = [
  ['read-write', () => undefined, ACCESSES],
  ['read-only', (s) => s.change(leaf1(s), bit(7)), ACCESSES],
  ['privileged', (s) => s.change(leaf1(s), 0n, bit(6)), ACCESSES],
  ['UXN', (s) => s.change(leaf1(s), bit(54)), ACCESSES],
  ['PXN, read-only', (s) => s.change(leaf1(s), bit(53) | bit(7)), ACCESSES],
  ['PAN', (s) => cd0(s, bit(40)), ACCESSES],
  ['WXN', (s) => cd0(s, bit(36)), ACCESSES],
  ['contiguous', (s) => s.change(leaf1(s), bit(52))],
  ['APTable read-only', (s) => hasTable1(s) && s.change(first1(s), bit(62)), BOTH],
  [
    'APTable privileged',
    (s) => hasTable1(s) && s.change(first1(s), bit(61)),
    [READ, { privileged: true }],
  ],
  ['XNTable', (s) => hasTable1(s) && s.change(first1(s), bit(60)), ACCESSES],
  [
    'PXNTable, read-only',
    (s) => {
      if (hasTable1(s)) s.change(first1(s), bit(59));
      s.change(leaf1(s), bit(7));
    },
    ACCESSES,
  ],
  [
    'APTable, HAD',
    (s) => {
      if (hasTable1(s)) s.change(first1(s), bit(61) | bit(62));
      ttbs(s, 2n);
    },
    BOTH,
  ],
  ['AF clear', (s) => s.change(leaf1(s), 0n, bit(10))],
  ['AF clear, read-only', (s) => s.change(leaf1(s), bit(7), bit(10)), [WRITE]],
  [
    'AF clear, AFFD',
    (s) => {
      cd0(s, bit(35));
      s.change(leaf1(s), 0n, bit(10));
    },
  ],
  [
    'AF clear, HA',
    (s) => {
      cd0(s, HA);
      s.change(leaf1(s), 0n, bit(10));
    },
    BOTH,
  ],
  [
    'clean, HD',
    (s) => {
      cd0(s, HA | HD);
      s.change(leaf1(s), bit(51) | bit(7));
    },
    BOTH,
  ],
  [
    'clean, AF clear, HD',
    (s) => {
      cd0(s, HA | HD);
      s.change(leaf1(s), bit(51) | bit(7), bit(10));
    },
    BOTH,
  ],
  [
    'clean, HA only',
    (s) => {
      cd0(s, HA);
      s.change(leaf1(s), bit(51) | bit(7));
    },
    [WRITE],
  ],
  [
    'clean, HD, APTable read-only',
    (s) => {
      cd0(s, HA | HD);
      s.change(leaf1(s), bit(51) | bit(7));
      if (hasTable1(s)) s.change(first1(s), bit(62));
    },
    [WRITE],
  ],
  ['invalid leaf', (s) => s.set(leaf1(s), 0n), BOTH],
  ['invalid first', (s) => s.set(first1(s), 0n)],
  [
    'other type of leaf',
    (s) =>
      s.change(leaf1(s), s.shape.stage1.leaf === 3 ? 1n : 0n, s.shape.stage1.leaf === 3 ? 2n : 1n),
  ],
  ['block at the first level', (s) => s.change(first1(s), 0xf41n, 2n)],
  [
    'leaf beyond IPS',
    (s) => {
      cd0(s, 1n << 32n, 7n << 32n);
      s.change(leaf1(s), 0x20_0000_0000n);
    },
  ],
  [
    'table beyond IPS',
    (s) => {
      cd0(s, 1n << 32n, 7n << 32n);
      s.change(first1(s), 0x20_0000_0000n);
    },
  ],
  ['table nowhere', (s) => hasTable1(s) && s.set(first1(s), NOWHERE | 3n)],
  [
    'TTB nowhere',
    (s) => {
      for (const ttb of [s.cd + 8n, s.cd + 16n]) s.set(ttb, NOWHERE | (s.get(ttb) & DS));
    },
  ],
  ['EPD', (s) => cd0(s, bit(14) | bit(30))],
  ['address beyond TxSZ', moved((s) => 1n << s.shape.stage1.bits)],
  ['top byte', moved(() => 0x5an << 56n)],
  [
    'top byte, TBI',
    (s) => {
      cd0(s, bit(38) | bit(39));
      s.address ^= 0x5an << 56n;
    },
  ],
  [
    'no record',
    (s) => {
      cd0(s, 0n, bit(45));
      s.set(leaf1(s), 0n);
    },
  ],
  ['CD invalid', (s) => cd0(s, 0n, bit(31))],
  ['CD AArch32', (s) => cd0(s, 0n, bit(41))],
  ['TxSZ 15', (s) => cd0(s, 15n | (15n << 16n), 0x3fn | (0x3fn << 16n))],
  ['TxSZ 40', (s) => cd0(s, 40n | (40n << 16n), 0x3fn | (0x3fn << 16n))],
  ['TG reserved', (s) => cd0(s, 3n << 6n, 3n << 22n)],
  [
    'TTB beyond IPS',
    (s) => {
      cd0(s, 0n, 7n << 32n);
      ttbs(s, bit(32));
    },
  ],
  ['TTB not aligned', (s) => ttbs(s, 0x30n)],
  ['STRW 2', (s) => ste(s, 1, 2n << 30n)],
  ['S1STALLD', (s) => ste(s, 1, bit(27))],
];

/** The same for stage 2. */
export const TWISTS2: readonly Twist[] = [
  ['S2 read-write', () => undefined, ACCESSES],
  ['S2 read-only', (s) => s.change(leaf2(s), 0n, bit(7)), ACCESSES],
  ['S2 write-only', (s) => s.change(leaf2(s), 0n, bit(6)), BOTH],
  ['S2 XN', (s) => s.change(leaf2(s), bit(54)), ACCESSES],
  ['S2 AF clear', (s) => s.change(leaf2(s), 0n, bit(10)), BOTH],
  [
    'S2 AF clear, S2AFFD',
    (s) => {
      ste(s, 2, bit(53));
      s.change(leaf2(s), 0n, bit(10));
    },
  ],
  [
    'S2 AF clear, S2HA',
    (s) => {
      ste(s, 2, S2HA);
      s.change(leaf2(s), 0n, bit(10));
    },
    BOTH,
  ],
  [
    'S2 clean, S2HD',
    (s) => {
      ste(s, 2, S2HA | S2HD);
      s.change(leaf2(s), bit(51), bit(7));
    },
    BOTH,
  ],
  ['S2 invalid leaf', (s) => s.set(leaf2(s), 0n), BOTH],
  ['S2 invalid first', (s) => s.set(first2(s), 0n)],
  [
    'S2 leaf beyond S2PS',
    (s) => {
      ste(s, 2, 1n << 48n, 7n << 48n);
      s.change(leaf2(s), 0x20_0000_0000n);
    },
  ],
  [
    'S2 table nowhere',
    (s) => s.shape.stage2.leaf > s.shape.stage2.start && s.set(first2(s), NOWHERE | 3n),
  ],
  [
    'S2TTB nowhere',
    (s) => {
      s.ste[3] = NOWHERE | ((s.ste[3] ?? 0n) & 0xfn);
    },
  ],
  ['S2TTB beyond S2PS', (s) => ste(s, 2, 0n, 7n << 48n)],
  [
    'no record of S2',
    (s) => {
      ste(s, 2, 0n, bit(58));
      s.set(leaf2(s), 0n);
    },
  ],
  ['S2AA64 0', (s) => ste(s, 2, 0n, bit(51))],
  ['S2SL0 3', (s) => ste(s, 2, 3n << 38n)],
  ['S2T0SZ 40', (s) => ste(s, 2, 40n << 32n, 0x3fn << 32n)],
  ['S2T0SZ 16', (s) => ste(s, 2, 16n << 32n, 0x3fn << 32n)],
  ['S2TG 3', (s) => ste(s, 2, 3n << 46n)],
];
const TWISTS2_ONLY: readonly Twist[] = [
  ['address beyond OAS', moved(() => bit(50))],
  ['address beyond S2T0SZ', moved((s) => 1n << s.shape.stage2.bits)],
];

const NESTED: readonly Twist[] = [
  ['table that S2 does not map', (s) => s.set(s.tableLeaf2, 0n)],
  ['table that S2 does not let read', (s) => s.change(s.tableLeaf2, 0n, bit(6))],
  [
    'AF clear, HA, table that S2 does not let write',
    (s) => {
      cd0(s, HA);
      s.change(leaf1(s), 0n, bit(10));
      s.change(s.tableLeaf2, 0n, bit(7));
    },
  ],
  ['IPA beyond S2T0SZ', (s) => s.change(leaf1(s), 1n << s.shape.stage2.bits)],
  [
    'clean in both stages',
    (s) => {
      cd0(s, HA | HD);
      ste(s, 2, S2HA | S2HD);
      s.change(leaf1(s), bit(51) | bit(7));
      s.change(leaf2(s), bit(51), bit(7));
    },
    BOTH,
  ],
  ['CD that S2 does not map', (s) => ste(s, 0, 0x1f0_0000n, 0xfff_ffc0n)],
];

/**
 * 52-bit addresses: beyond IPS and S2PS, in tables, in granules that do not support them.
 */
const WIDE: readonly Twist[] = [
  ['IPS 48 bits', (s) => cd0(s, 5n << 32n, 7n << 32n)],
  ['IPS 7', (s) => cd0(s, 7n << 32n)],
  ['table beyond 2^48', (s) => hasTable1(s) && s.change(first1(s), 0x5000n)],
  ['TTB beyond 2^48', (s) => ttbs(s, bit(50))],
  ['TTB not aligned to 64 bytes', (s) => ttbs(s, 0x30n)],
  ['TxSZ 11', (s) => cd0(s, 11n | (11n << 16n), 0x3fn | (0x3fn << 16n))],
  ['TxSZ 12', (s) => cd0(s, 12n | (12n << 16n), 0x3fn | (0x3fn << 16n))],
  ['S2PS 48 bits', (s) => ste(s, 2, 5n << 48n, 7n << 48n)],
  ['S2 table beyond 2^48', (s) => s.change(first2(s), 0x5000n)],
  ['S2TTB beyond 2^48', (s) => ste(s, 3, bit(50))],
  ['S2T0SZ 11', (s) => ste(s, 2, 11n << 32n, 0x3fn << 32n)],
  ['S2T0SZ 12', (s) => ste(s, 2, 12n << 32n, 0x3fn << 32n)],
];

/**
 * DS: the meaning of bits [9:8] and [49:48] of descriptors, start levels -1 and 0, and DS
 * switched off.
 */
const WITH_DS: readonly Twist[] = [
  ...WIDE,
  ['table beyond 2^50', (s) => hasTable1(s) && s.change(first1(s), 0x100n)],
  ['table at 2^48', (s) => hasTable1(s) && s.change(first1(s), bit(48))],
  ['block at level 0 or 1', (s) => s.change(first1(s), 0n, 2n)],
  ['CD.DS 0', (s) => s.change(s.cd + 16n, 0n, DS)],
  ['S2 table beyond 2^50', (s) => s.change(first2(s), 0x100n)],
  ['S2DS 0', (s) => ste(s, 3, 0n, 8n)],
  ['S2SL0_2 flipped', (s) => ste(s, 3, ~(s.ste[3] ?? 0n) & 4n, 4n)],
  ['S2SL0 3, S2SL0_2', (s) => ste(s, 2, 3n << 38n)],
];

const FORMATS: readonly Twist[] = [
  ['S1CDMax 21', (s) => ste(s, 0, 21n << 59n, 31n << 59n)],
  ['SubstreamID beyond S1CDMax', (s) => ste(s, 0, 3n << 59n, 31n << 59n)],
  ['S1CDMax 0', (s) => ste(s, 0, 0n, 31n << 59n)],
  ['S1DSS 0', (s) => ste(s, 1, 0n, 3n)],
  ['S1DSS 1', (s) => ste(s, 1, 1n, 3n)],
  ['S1DSS 3', (s) => ste(s, 1, 3n)],
  ['S1Fmt 3', (s) => ste(s, 0, 3n << 4n)],
  ['level-1 CD invalid', (s) => s.set(s.level1Cd, 0n)],
  ['level-1 CD to nowhere', (s) => s.set(s.level1Cd, NOWHERE | 1n)],
  ['level-1 CD not aligned', (s) => s.change(s.level1Cd, 0x1000n)],
  ['level-1 CD beyond OAS', (s) => s.set(s.level1Cd, bit(48) | 1n)],
  ['S1ContextPtr beyond OAS', (s) => ste(s, 0, bit(48))],
  ['S1ContextPtr nowhere', (s) => ste(s, 0, NOWHERE, 0xf_ffff_ffff_ffc0n)],
];
const CONFIGS: readonly Twist[] = [
  ['V 0', (s) => ste(s, 0, 0n, 1n)],
  ['Config 0', (s) => ste(s, 0, 0n, 0xen)],
  ['Config 3', (s) => ste(s, 0, 6n, 0xen)],
  ['Config 4', (s) => ste(s, 0, 8n, 0xen)],
  ['Config 6', (s) => ste(s, 0, 12n, 0xen)],
];

/** All twists of tables of a shape. */
export function twistsOf({ mode, wide = false, ds = false, ssid }: Shape): readonly Twist[] {
  const stage1 = mode !== 'stage 2';
  const stage2 = mode !== 'stage 1';
  const beyond = ds ? WITH_DS : wide ? WIDE : [];
  return [
    ...CONFIGS,
    ...(stage1 ? TWISTS1 : []),
    ...(stage2 ? TWISTS2 : []),
    ...(stage1 ? [] : TWISTS2_ONLY),
    ...(stage1 && stage2 ? NESTED : []),
    ...(stage1 && ssid !== undefined ? FORMATS : []),
    ...beyond.filter(([special]) => (special.startsWith('S2') ? stage2 : stage1)),
  ];
}

/** A geometry in a key. */
export const name = ({ granule, bits, start, leaf }: Geometry) =>
  `2^${granule} granule, ${bits} bits, level ${start} to ${leaf} (2^${levelShift(granule, leaf)})`;

/** The points of a shape. */
export function* points(shape: Shape, label: string, twists: readonly Twist[]): Generator<Point> {
  for (const [special, apply, accesses = [READ]] of twists) {
    for (const access of accesses) {
      const scenario = () => {
        const built = new Scenario(shape);
        apply(built);
        return built;
      };
      yield { key: `${label}: ${special}: ${JSON.stringify(access)}`, scenario, access };
    }
  }
}

/** Every point of the matrix. */
export function* matrix(): Generator<Point> {
  const [small1] = STAGE1.filter(({ granule, leaf }) => granule === 12n && leaf === 3);
  const [small2] = STAGE2.filter(({ granule, leaf }) => granule === 12n && leaf === 3);
  if (!small1 || !small2) throw new Error('no geometry');
  for (const stage1 of STAGE1) {
    for (const upper of [false, true]) {
      const half = upper ? 'TTB1' : 'TTB0';
      yield* points(
        { mode: 'stage 1', stage1, stage2: small2, upper },
        `stage 1, ${half}, ${name(stage1)}`,
        TWISTS1,
      );
    }
  }
  for (const stage2 of STAGE2)
    yield* points({ mode: 'stage 2', stage1: small1, stage2 }, `stage 2, ${name(stage2)}`, [
      ...TWISTS2,
      ...TWISTS2_ONLY,
    ]);
  for (const [i, stage1] of STAGE1.entries()) {
    for (const stage2 of STAGE2.filter((_, j) => (i + j) % 16 === 0)) {
      const label = `nested, ${name(stage1)} on ${name(stage2)}`;
      yield* points({ mode: 'nested', stage1, stage2 }, label, [
        ...TWISTS1.filter((_, t) => (t + i) % 4 === 0),
        ...TWISTS2,
        ...NESTED,
      ]);
    }
  }
  for (const stage1 of WIDE_SHAPES) {
    for (const upper of [false, true]) {
      const label = `52 bits, ${upper ? 'TTB1' : 'TTB0'}, ${name(stage1)}`;
      yield* points(
        { mode: 'stage 1', stage1, stage2: small2, upper, wide: true },
        `stage 1, ${label}`,
        [...TWISTS1, ...WIDE.slice(0, 7)],
      );
    }
  }
  for (const stage2 of WIDE_SHAPES) {
    yield* points(
      { mode: 'stage 2', stage1: small1, stage2, wide: true },
      `stage 2, 52 bits, ${name(stage2)}`,
      [...TWISTS2, ...TWISTS2_ONLY, ...WIDE.slice(7)],
    );
    for (const stage1 of WIDE_SHAPES) {
      const label = `nested, 52 bits, ${name(stage1)} on ${name(stage2)}`;
      yield* points({ mode: 'nested', stage1, stage2, wide: true }, label, [
        ...TWISTS1.slice(0, 2),
        ...NESTED,
        ...WIDE,
      ]);
    }
  }
  for (const stage1 of DS_SHAPES) {
    for (const upper of [false, true]) {
      const label = `DS, ${upper ? 'TTB1' : 'TTB0'}, ${name(stage1)}`;
      const twists = [...TWISTS1, ...WITH_DS];
      yield* points(
        { mode: 'stage 1', stage1, stage2: small2, upper, wide: true, ds: true },
        `stage 1, ${label}`,
        twists,
      );
    }
  }
  for (const stage2 of DS_STAGE2) {
    const twists = [
      ...TWISTS2,
      ...TWISTS2_ONLY,
      ...WITH_DS.filter(([special]) => special.startsWith('S2')),
    ];
    yield* points(
      { mode: 'stage 2', stage1: small1, stage2, wide: true, ds: true },
      `stage 2, DS, ${name(stage2)}`,
      twists,
    );
    for (const stage1 of DS_SHAPES.filter(({ leaf }) => leaf >= 2)) {
      const label = `nested, DS, ${name(stage1)} on ${name(stage2)}`;
      yield* points({ mode: 'nested', stage1, stage2, wide: true, ds: true }, label, [
        ...TWISTS1.slice(0, 2),
        ...NESTED,
        ...WITH_DS,
      ]);
    }
  }
  for (const mode of ['stage 1', 'nested'] as const) {
    for (const cdFormat of [0n, 1n, 2n]) {
      for (const ssid of [undefined, 0n, 1n, 0x47n, 0x3ffn, cdFormat === 2n ? 0xf_ffffn : 0x1ffn]) {
        const label = `${mode}, CD format ${cdFormat}, SubstreamID ${ssid}`;
        yield* points(
          {
            mode,
            stage1: small1,
            stage2: small2,
            cdFormat,
            ...(ssid === undefined ? {} : { ssid }),
          },
          label,
          [['plain', () => undefined], ...FORMATS, ...CONFIGS],
        );
      }
    }
  }
}
