// SPDX-License-Identifier: MIT
// Accesses through stream tables, CDs and translation tables that are almost valid: the
// core and the reference walker agree about the address, the event, and the updated
// descriptors of each. And streams that share entries of the IOTLB, or must not.

import { Random } from '../../../devices/testing/index.ts';
import { DS_SHAPES, DS_STAGE2, STAGE1, STAGE2, WIDE_SHAPES } from '../../reference/geometries.ts';
import { judge, prepare } from '../../reference/judge.ts';
import { ACCESSES, twistsOf } from '../../reference/matrix.ts';
import { Scenario, type Shape } from '../../reference/scenario.ts';
import { worldTwistsOf } from '../../reference/worlds.ts';
import { type Harness, harness } from '../../support/unit-harness.ts';
import { shareEntries } from '../shared-entries.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

/** Accesses per run. */
const OPERATIONS = 50;
/** Sets of streams that share entries, per run. */
const SHARED = 2;
/** Maximum number of changes to valid tables. */
const MOST_TWISTS = 3;
const MODES = ['stage 1', 'stage 2', 'nested'] as const;
/** StreamWorlds of an SMMU like Grace's, with tables of either endianness and XNX. */
const WORLDS = ['NS-EL1', 'EL2', 'EL2-E2H'] as const;

/** Sizes of the tables: 48-bit addresses, 52-bit ones, and DS. */
const SIZES = [
  { stage1: STAGE1, stage2: STAGE2 },
  { stage1: [...STAGE1, ...WIDE_SHAPES], stage2: [...STAGE2, ...WIDE_SHAPES], wide: true },
  { stage1: DS_SHAPES, stage2: DS_STAGE2, wide: true, ds: true },
];

function shapeOf(random: Random): Shape {
  const { stage1, stage2, ...wide } = random.pick(SIZES);
  const cdFormat = BigInt(random.below(3));
  // A scenario's linear table has space for 64 CDs, a level-1 table for a page.
  const most = cdFormat === 0n ? 64 : cdFormat === 1n ? 0x8000 : 0x80000;
  const withSsid = random.below(3) === 0;
  const asGrace = random.below(4) !== 0;
  return {
    mode: random.pick(MODES),
    stage1: random.pick(stage1),
    stage2: random.pick(stage2),
    upper: random.below(2) === 1,
    ...wide,
    ...(asGrace ? { world: random.pick(WORLDS) } : {}),
    ...(withSsid ? { cdFormat, ssid: BigInt(random.below(most)) } : {}),
  };
}

class TableFuzzer implements Fuzzer {
  readonly #harness: Harness;

  constructor(made: Harness) {
    this.#harness = made;
    prepare(made);
  }

  #access(random: Random): void {
    const shape = shapeOf(random);
    const scenario = new Scenario(shape);
    const twists = [...twistsOf(shape), ...worldTwistsOf(shape)];
    const names: string[] = [];
    for (let left = random.below(MOST_TWISTS + 1); left > 0; left--) {
      const [name, apply] = random.pick(twists);
      names.push(name);
      apply(scenario);
    }
    const access = random.pick(ACCESSES);
    const { difference } = judge(this.#harness, scenario, access);
    ensure(difference === undefined, () => {
      const text = JSON.stringify({ ...shape, twists: names, access }, (_, value: unknown) =>
        typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
      );
      return `${difference}: ${text}`;
    });
  }

  run(seed: number): number {
    const random = new Random(seed);
    for (let i = 0; i < OPERATIONS; i++) this.#access(random);
    let shared = 0;
    for (let i = 0; i < SHARED; i++) shared += shareEntries(this.#harness, random);
    return OPERATIONS + shared;
  }
}

export const tables: FuzzTarget = {
  name: 'tables',
  async create() {
    return new TableFuzzer(await harness());
  },
};
