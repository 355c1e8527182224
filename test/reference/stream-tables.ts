// SPDX-License-Identifier: MIT
// Stream tables of every format, for one plain stage-1 access.

import { LINEAR, type StreamTable } from './judge.ts';
import { Scenario } from './scenario.ts';

export interface StreamTablePoint {
  readonly key: string;
  readonly scenario: () => Scenario;
  readonly table: StreamTable;
}

const BASE = 0x10000n;
/** A level-2 table, aligned to its maximum size: 1,024 entries. */
const LEVEL2 = 0x30000n;
const NOWHERE = 0x7_0000_0000n;
const geometry = { granule: 12n, bits: 39n, start: 1, leaf: 3 };

/** 2-level table for StreamIDs of 16 bits; `level1` is the descriptor of the StreamID. */
function twoLevel(split: number, sid: number, level1: bigint): StreamTable {
  const effective = split === 8 || split === 10 ? split : 6;
  const slot = BASE + BigInt(sid >> effective) * 8n;
  const ste = LEVEL2 + BigInt(sid & ((1 << effective) - 1)) * 64n;
  return {
    base: BASE,
    config: 0x10000 | (split << 6) | 16,
    sid,
    ste,
    words: new Map([[slot, level1]]),
  };
}

/** Every stream-table point of the matrix. */
export function* streamTables(): Generator<StreamTablePoint> {
  const scenario = () => new Scenario({ mode: 'stage 1', stage1: geometry, stage2: geometry });
  yield { key: 'linear stream table', scenario, table: LINEAR };
  yield { key: 'linear stream table, StreamID too wide', scenario, table: { ...LINEAR, sid: 256 } };
  yield { key: 'linear stream table, nowhere', scenario, table: { ...LINEAR, base: NOWHERE } };
  yield {
    key: 'stream table of a reserved format',
    scenario,
    table: { ...LINEAR, config: 0x20008 },
  };
  for (const split of [6, 8, 10, 7]) {
    const bits = split === 7 ? 6 : split;
    for (const sid of [0, 5, 0x47, 0x123, 0x7ff, 0xffff]) {
      const label = `2-level stream table, SPLIT ${split}, StreamID ${sid}`;
      for (let span = 0; span <= 12; span++)
        yield {
          key: `${label}, SPAN ${span}`,
          scenario,
          table: twoLevel(split, sid, LEVEL2 | BigInt(span)),
        };
      yield {
        key: `${label}, level 2 nowhere`,
        scenario,
        table: twoLevel(split, sid, NOWHERE | BigInt(bits + 1)),
      };
      yield {
        key: `${label}, level 2 not aligned`,
        scenario,
        table: twoLevel(split, sid, LEVEL2 | 0x40n | BigInt(bits + 1)),
      };
      yield {
        key: `${label}, level 1 nowhere`,
        scenario,
        table: { ...twoLevel(split, sid, 0n), base: NOWHERE },
      };
    }
    yield {
      key: `SPLIT ${split}, StreamID too wide`,
      scenario,
      table: { ...twoLevel(split, 0x10000, LEVEL2 | BigInt(bits + 1)), words: new Map() },
    };
  }
}
