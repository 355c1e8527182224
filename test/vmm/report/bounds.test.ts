// SPDX-License-Identifier: MIT
// Reports of guests are limited to some thousand, and counted beyond.

import { describe, expect, it } from 'vitest';
import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE_MEASURE,
} from '../../../assembly/layout/checkpoint-registers.ts';
import { Checks } from '../../../vmm/report/checks.ts';
import { exitChecks } from '../../../vmm/report/exit-checks.ts';
import { Measurements } from '../../../vmm/report/measurements.ts';

describe('checks of guests', () => {
  it('are kept in order, and counted beyond 4096', () => {
    const checks = new Checks(2);
    for (let i = 0; i < 4096; i++) checks.add(i % 2, { name: `check ${i}`, ok: true, detail: '' });
    expect(checks.all.length).toBe(4096);
    expect(checks.all[1]).toEqual({ name: 'vm1: check 1', ok: true, detail: '' });
    checks.addOf('overlay', { name: 'more', ok: true, detail: '' });
    expect(checks.all.at(-1)).toEqual({
      ...{ name: '1 further checks', ok: true, detail: '0 of them failed' },
    });
    for (let i = 0; i < 100_000; i++) checks.add(0, { name: 'again', ok: i !== 500, detail: '' });
    expect(checks.all.length).toBe(4097);
    // A failure among them still fails the run.
    expect(checks.all.at(-1)).toEqual({
      ...{ name: '100001 further checks', ok: false, detail: '1 of them failed' },
    });
  });
});

describe('measurements of guests', () => {
  it('are the last 2048 of each machine, with the exits of all', () => {
    const measurements = new Measurements(1);
    const measure = (p50: number, exits: number) =>
      measurements.phase(0, CHECKPOINT_PHASE_MEASURE, true, [
        ...[CHECKPOINT_PATH_DIRECT, 8, p50, p50, 10, exits, 0, 1],
      ]);
    measure(1000, 3);
    for (let i = 0; i < 2047; i++) measure(500, 0);
    expect([measurements.rows.length, measurements.earlierChecks()]).toEqual([2048, []]);
    for (let i = 0; i < 10; i++) measure(500, 0);
    expect(measurements.rows.length).toBe(2048);
    expect(measurements.earlierChecks()[0]?.detail).toMatch(/^10, before the last 2048/);
    expect(measurements.figures()).toMatchObject([{ p50Ns: 500, p99Ns: 500 }]);
    // The row with exits is dropped, but they are still reported.
    expect(exitChecks(measurements, [])).toEqual([
      {
        name: '0 exits during direct-path batches',
        ok: false,
        detail:
          '20580 measured batches: 3 exits counted by the guest, 0 by the host in all direct batches of the run, 0 at the import objects',
      },
    ]);
  });
});
