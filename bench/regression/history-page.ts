// SPDX-License-Identifier: MIT
// A page with a plot for each ratio: its value from run to run, and the baseline.

import type { Ratios } from '../measure.ts';
import type { BenchRun } from './bench-run.ts';
import { LIMIT } from './compare.ts';

const WIDTH = 420;
const HEIGHT = 120;
/** Room for the numbers of the axis. */
const LEFT = 52;
const MARGIN = 8;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? '');
}

/**
 * Plots a value of each run, undefined where it was not measured, as a line, and the
 * baseline as another.
 */
function plot(values: readonly (number | undefined)[], baseline: number | undefined): string {
  const limit = baseline === undefined ? [] : [baseline * (1 + LIMIT)];
  const all = [...values.filter((value) => value !== undefined), ...limit, baseline ?? 0];
  const top = Math.max(...all) * 1.05 || 1;
  const x = (index: number) =>
    LEFT + (index * (WIDTH - LEFT - MARGIN)) / Math.max(values.length - 1, 1);
  const y = (value: number) => HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN);
  const across = (value: number, kind: string) =>
    `<line class="${kind}" x1="${LEFT}" x2="${WIDTH - MARGIN}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/>`;
  const points = values.flatMap((value, index) =>
    value === undefined ? [] : [`${x(index).toFixed(1)},${y(value).toFixed(1)}`],
  );
  const number = (value: number) =>
    `<text x="${LEFT - 4}" y="${(y(value) + 4).toFixed(1)}">${value.toFixed(3)}</text>`;
  const last = values.findLast((value) => value !== undefined);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    across(0, 'axis'),
    ...(baseline === undefined
      ? []
      : [across(baseline, 'baseline'), ...limit.map((at) => across(at, 'limit'))]),
    `<polyline points="${points.join(' ')}"/>`,
    ...points.map((point) => {
      const [cx, cy] = point.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="2"/>`;
    }),
    ...(last === undefined ? [] : [number(last)]),
    '</svg>',
  ].join('');
}

const STYLE = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; }
figure { display: inline-block; margin: 0 1em 1em 0; }
svg { background: #f6f6f6; }
text { font-size: 10px; text-anchor: end; }
polyline { fill: none; stroke: #1f5fbf; stroke-width: 1.5; }
circle { fill: #1f5fbf; }
line.axis { stroke: #999; }
line.baseline { stroke: #2a8a3a; }
line.limit { stroke: #c03030; stroke-dasharray: 4 3; }
`;

/**
 * The page of a history.
 * @param runs oldest first, of one engine and CPU.
 */
export function historyPage(runs: readonly BenchRun[], baseline: Ratios = {}): string {
  const names = [
    ...new Set([...runs, { ratios: baseline }].flatMap(({ ratios }) => Object.keys(ratios))),
  ];
  const last = runs.at(-1);
  const about = last ? `${last.machine.cpu}, Node.js ${last.machine.node}` : '';
  const figures = names.map((name) => {
    const drawn = plot(
      runs.map(({ ratios }) => ratios[name]),
      baseline[name],
    );
    return `<figure>${drawn}<figcaption>${escaped(name)}</figcaption></figure>`;
  });
  const rows = runs.map(
    ({ date = '', commit = '' }, index) =>
      `<li value="${index + 1}">${escaped(date)} ${escaped(commit)}</li>`,
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><title>vsmmu benchmarks</title>',
    `<style>${STYLE}</style></head><body>`,
    `<h1>Ratios from run to run</h1><p>${escaped(about)}. The less the better; green is the baseline, red ${Math.round(100 * LIMIT)} % beyond it.</p>`,
    ...figures,
    `<h2>Runs</h2><ol>${rows.join('')}</ol>`,
    '</body></html>',
    '',
  ].join('\n');
}
