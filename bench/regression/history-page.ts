// SPDX-License-Identifier: MIT
// A page with a plot for each ratio: its value from run to run, and the baseline.

import type { Ratios } from '../measure.ts';
import type { BenchRun } from './bench-run.ts';
import { LIMIT } from './compare.ts';
import { ratioPlot } from './ratio-plot.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? '');
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
    const before = baseline[name];
    const drawn = ratioPlot(
      runs.map(({ ratios }) => ratios[name]),
      before,
      before === undefined ? undefined : before * (1 + LIMIT),
      escaped(name),
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
