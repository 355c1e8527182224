// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { chooseDrain } from '../../../vmm/threads/auto-drain.ts';

describe('where a drain is best', () => {
  it.each([
    [
      'no core is idle',
      { commands: 1e6, syncs: 1000, cores: 2, threads: 2 },
      'doorbell',
      /0 of 2 cores idle/,
    ],
    [
      'nothing is known yet',
      { commands: 1e6, syncs: 63, cores: 4, threads: 1 },
      'doorbell',
      /only 63 batches/,
    ],
    [
      'batches are small',
      { commands: 1700, syncs: 100, cores: 4, threads: 1 },
      'doorbell',
      /16\.0 commands per batch, below 128/,
    ],
    [
      'batches are large',
      { commands: 12900, syncs: 100, cores: 2, threads: 1 },
      'thread',
      /1 of 2 cores idle, 128\.0 commands per batch/,
    ],
  ] as const)('when %s', (_when, load, drain, reason) => {
    const choice = chooseDrain(load);
    expect(choice.drain).toBe(drain);
    expect(choice.reason).toMatch(reason);
  });
});
