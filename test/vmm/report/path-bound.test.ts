// SPDX-License-Identifier: MIT
// What the report says of the direct path's limits: differences of measured times, and nothing beyond them.

import { expect, it } from 'vitest';
import type { PathReport, Report } from '../../../cli/report.ts';
import { reportText } from '../../../cli/report-text.ts';
import { pathBound } from '../../../vmm/report/path-bound.ts';

const SIZES = { small: 1, large: 64 };

it('splits the time of a batch by the sizes that were measured', () => {
  const direct = { small: 100, large: 100 + 63 * 30 };
  const trapped = { small: 1600, large: 1600 + 63 * 31 };
  expect(pathBound(direct, trapped, SIZES)).toEqual({
    perCommand: { direct: 30, trapped: 31 },
    share: (63 * 30) / (100 + 63 * 30),
    saved: { small: 1500, large: 1500 + 63 },
  });
});

it('says nothing where the times do not', () => {
  const flat = { small: 100, large: 90 };
  const rising = { small: 100, large: 200 };
  expect([
    pathBound(flat, rising, SIZES),
    pathBound(rising, flat, SIZES),
    pathBound(rising, rising, { small: 16, large: 16 }),
    pathBound({ small: Number.NaN, large: 1 }, rising, SIZES),
  ]).toEqual([undefined, undefined, undefined, undefined]);
});

const row = (path: PathReport['path'], batch: number, p50Ns: number, vcpus = 1): PathReport => ({
  path,
  batch,
  p50Ns,
  p99Ns: p50Ns,
  exitsPerBatch: 0,
  vcpus,
  drain: 'doorbell',
  transport: 'inline',
});

const textOf = (paths: readonly PathReport[], byRegister: Readonly<Record<string, number>> = {}) =>
  reportText(
    {
      ok: true,
      checks: [],
      exits: { total: 0, byKind: {}, byRegister },
      vcmdq: { queues: 0, commands: 0, syncs: 0, doorbellCalls: 0 },
      paths,
      ways: [],
      drain: { place: 'doorbell', asked: 'doorbell', reason: '' },
    } as unknown as Report,
    [],
  );

it('names the registers of exits where there are any', () => {
  expect(textOf([])).not.toContain('most at');
  expect(textOf([], { 'pl011.UARTDR': 6, 'pl011.UARTFR': 7 })).toContain(
    '\n         most at pl011.UARTFR 7, pl011.UARTDR 6\n',
  );
});

it('is a line of the report when both paths were measured, by the rows of one vCPU', () => {
  const direct = [row('direct', 1, 100), row('direct', 16, 500), row('direct', 64, 1990)];
  const trapped = [row('trapped', 64, 3553), row('trapped', 1, 1600), row('trapped', 16, 2000)];
  const parallel = [row('direct', 1, 5, 2), row('direct', 64, 5000, 2)];
  expect(textOf([...direct, ...trapped, ...parallel])).toContain(
    '  Bound: each further command takes 30 ns direct and 31 ns trapped, 95 % of a direct batch of 64; ' +
      'what direct saves are the exits, 1500 ns of a batch of 1, 1563 ns of 64\n',
  );
  expect(textOf(direct)).not.toContain('Bound');
  expect(textOf([row('direct', 1, 100), row('trapped', 1, 1600)])).not.toContain('Bound');
});
