// SPDX-License-Identifier: MIT
// The real core against the reference walker, on every point of the generated matrix.

import { expect } from 'vitest';
import type { Harness } from '../support/unit-harness.ts';
import { judge, prepare, type Verdict } from './judge.ts';
import { matrix } from './matrix.ts';
import { streamTables } from './stream-tables.ts';
import { worlds } from './worlds.ts';

export interface Comparison {
  readonly keys: ReadonlySet<string>;
  readonly differences: readonly string[];
  /** Number of points by event, -1 for a translation. */
  readonly outcomes: ReadonlyMap<number, number>;
}

function* allPoints() {
  yield* worlds();
  yield* matrix();
}

/** @param enough number of differences after which it ends. */
export function compare(h: Harness, enough: number): Comparison {
  prepare(h);
  const keys = new Set<string>();
  const differences: string[] = [];
  const outcomes = new Map<number, number>();
  const note = (key: string, { event, difference }: Verdict) => {
    expect(keys.has(key), key).toBe(false);
    keys.add(key);
    outcomes.set(event, (outcomes.get(event) ?? 0) + 1);
    if (difference) differences.push(`${key}: ${difference}`);
  };
  for (const { key, scenario, access } of allPoints()) {
    if (differences.length >= enough) break;
    note(key, judge(h, scenario(), access));
  }
  for (const { key, scenario, table } of streamTables()) note(key, judge(h, scenario(), {}, table));
  return { keys, differences, outcomes };
}
