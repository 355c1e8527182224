// SPDX-License-Identifier: MIT
// The flushes of a roll-over, at once or by each processor when it switches: both keep
// contexts separate, at different costs.

import { expect, it } from 'vitest';
import { runScheme } from '../../../bench/rollover.ts';

const BUSY = { bits: 8, contexts: 1000, processors: 16, switching: 16, switches: 10_000 } as const;
const IDLE = { ...BUSY, switching: 2 };

it('never leave a processor a translation of another context under the number that it runs with', () => {
  for (const given of [BUSY, IDLE]) {
    expect(runScheme(given, 'none').counts.stale).toBeGreaterThan(0);
    for (const scheme of ['eager', 'deferred'] as const)
      expect(runScheme(given, scheme).counts.stale).toBe(0);
  }
});

it('eager is one broadcast that reaches every TLB, deferred one flush of each processor that switches', () => {
  for (const given of [BUSY, IDLE]) {
    const eager = runScheme(given, 'eager');
    const deferred = runScheme(given, 'deferred');
    expect(eager.rollovers).toBeGreaterThan(10);
    expect(deferred.rollovers).toBe(eager.rollovers);
    expect(eager.counts).toMatchObject({
      flushes: eager.rollovers,
      emptied: eager.rollovers * given.processors,
    });
    expect(eager.counts.underRunning).toBeGreaterThan(0);
    expect(deferred.counts.underRunning).toBe(0);
    const most = deferred.rollovers * given.switching;
    expect(deferred.counts.flushes).toBe(deferred.counts.emptied);
    expect(deferred.counts.flushes).toBeGreaterThan(0.9 * most);
    expect(deferred.counts.flushes).toBeLessThanOrEqual(most);
  }
});

it('cost nothing while there are more numbers than contexts', () => {
  const given = { ...BUSY, contexts: 200 };
  for (const scheme of ['eager', 'deferred'] as const)
    expect(runScheme(given, scheme)).toEqual({
      rollovers: 0,
      counts: { flushes: 0, emptied: 0, underRunning: 0, stale: 0 },
    });
});
