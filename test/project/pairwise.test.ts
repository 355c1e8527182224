// SPDX-License-Identifier: MIT
// The pairwise choice of combinations of test/vmm/threads/toy.test.ts.

import { expect, it } from 'vitest';
import { combinations, pairsOf, pairwise } from '../support/pairwise.ts';
import { TOY_FACTORS } from '../support/toy-factors.ts';

it.each([
  ['the toy', TOY_FACTORS, 16],
  ['two factors', { a: [1, 2, 3], b: [1, 2] }, 6],
  ['factors of two values', Object.fromEntries([...'abcdefgh'].map((name) => [name, [0, 1]])), 8],
])('each pair of values occurs, in few combinations: %s', (_, factors, most) => {
  const all = combinations<Record<string, unknown>>(factors);
  const chosen = pairwise<Record<string, unknown>>(factors);
  expect(new Set(chosen.flatMap(pairsOf))).toEqual(new Set(all.flatMap(pairsOf)));
  expect(chosen.length).toBeLessThanOrEqual(most);
  expect(new Set(chosen.map((row) => JSON.stringify(row))).size).toBe(chosen.length);
  for (const row of chosen) expect(all).toContainEqual(row);
});

it('all combinations are all of them', () => {
  expect(combinations({ a: [1, 2], b: ['x', 'y'] })).toEqual([
    { a: 1, b: 'x' },
    { a: 1, b: 'y' },
    { a: 2, b: 'x' },
    { a: 2, b: 'y' },
  ]);
  expect(combinations(TOY_FACTORS)).toHaveLength(64);
});
