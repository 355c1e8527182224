// SPDX-License-Identifier: MIT
// The real core against the reference walker on a generated matrix.
// test/mutation/reference.slow.test.ts tests that the matrix finds bugs.

import { describe, expect, it } from 'vitest';
import { harness } from '../support/unit-harness.ts';
import { compare } from './compare.ts';

describe('the reference walker', () => {
  it('agrees with the core on at least 1,500 distinct points', { timeout: 240_000 }, async () => {
    const { keys, differences, outcomes } = compare(await harness(), 20);
    const events = [...outcomes]
      .filter(([event]) => event > 0)
      .map(([event, count]) => `0x${event.toString(16)}: ${count}`);
    console.info(
      `reference walker: ${keys.size} distinct points, ${outcomes.get(-1) ?? 0} translated, by event ${events.sort().join(', ')}`,
    );
    expect(differences).toEqual([]);
    expect(keys.size).toBeGreaterThanOrEqual(1500);
    // Every event that a configuration or a table can cause.
    expect([...outcomes.keys()].sort((a, b) => a - b)).toEqual([
      -1, 0, 2, 3, 4, 6, 8, 9, 10, 11, 0x10, 0x11, 0x12, 0x13,
    ]);
  });
});
