// SPDX-License-Identifier: MIT
// Compares runs with a baseline. A ratio is worse when it is beyond the limit in each of
// the runs: one run on a busy machine proves nothing.

import type { Ratios } from '../measure.ts';
import { table } from '../text-table.ts';
import { type BenchRun, majorOf } from './bench-run.ts';
import { partOf } from './ratios.ts';

/** A ratio may exceed the baseline's by this fraction. */
export const LIMIT = 0.15;
/**
 * Most runs: further ones are made while some ratio has been beyond the limit in all of
 * them.
 */
export const RUNS = 3;

/** One ratio of the baseline. */
export interface RatioComparison {
  readonly name: string;
  readonly baseline: number;
  /** Its value in each run; undefined where it was not measured. */
  readonly runs: readonly (number | undefined)[];
  /**
   * The lowest of the runs' values relative to the baseline's; NaN when no run has it.
   */
  readonly change: number;
  /** Beyond the limit in each run, or not measured. */
  readonly isWorse: boolean;
}

/**
 * Compares the ratios of the baseline for the parts that have been measured.
 * @param runs at least one.
 */
export function compareRuns(baseline: Ratios, runs: readonly Ratios[]): RatioComparison[] {
  const parts = new Set(runs.flatMap((run) => Object.keys(run).map(partOf)));
  return Object.entries(baseline)
    .filter(([name]) => parts.has(partOf(name)))
    .map(([name, before]) => {
      const measured = runs.map((run) => run[name]);
      const known = measured.filter((ratio) => ratio !== undefined);
      const change = known.length === 0 ? Number.NaN : Math.min(...known) / before;
      return { name, baseline: before, runs: measured, change, isWorse: !(change <= 1 + LIMIT) };
    });
}

const shown = (ratio: number | undefined) => ratio?.toFixed(3) ?? '-';

/** The comparison as a table, with its conclusion. */
export function comparisonText(rows: readonly RatioComparison[]): string {
  const count = rows[0]?.runs.length ?? 0;
  const worse = rows.filter(({ isWorse }) => isWorse).length;
  const percent = Math.round(100 * LIMIT);
  const lines = rows.map(({ name, baseline, runs, change, isWorse }) => [
    name,
    shown(baseline),
    ...runs.map(shown),
    Number.isNaN(change) ? '-' : `${change < 1 ? '' : '+'}${(100 * (change - 1)).toFixed(1)} %`,
    isWorse ? 'worse' : change < 1 - LIMIT ? 'better' : '',
  ]);
  const head = [
    'ratio',
    'baseline',
    ...(rows[0]?.runs.map((_, i) => `run ${i + 1}`) ?? []),
    'best',
    '',
  ];
  return [
    'Against the baseline; the less the better',
    table(head, lines),
    `${worse} of ${rows.length} ratios more than ${percent} % beyond the baseline in ${count === 1 ? 'this run' : `each of ${count} runs`}`,
  ].join('\n');
}

/** The reason why a run cannot be compared with a baseline; undefined when it can. */
export function mismatchOf(baseline: BenchRun, run: Pick<BenchRun, 'machine'>): string | undefined {
  if (majorOf(baseline) === majorOf(run)) return undefined;
  return `the baseline is of Node.js ${baseline.machine.node}, this is ${run.machine.node}: what the engine compiles is another program`;
}
