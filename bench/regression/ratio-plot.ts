// SPDX-License-Identifier: MIT
// A plot of one ratio from run to run, as SVG.

const WIDTH = 420;
const HEIGHT = 120;
/** Room for the numbers of the axis. */
const LEFT = 52;
const MARGIN = 8;

/**
 * Plots a value of each run, undefined where it was not measured, as a line, and the
 * baseline as another, with the limit above it.
 * @param label read to those who do not see the plot.
 */
export function ratioPlot(
  values: readonly (number | undefined)[],
  baseline: number | undefined,
  limit: number | undefined,
  label: string,
): string {
  const lines = [baseline, limit].filter((value) => value !== undefined);
  const all = [...values.filter((value) => value !== undefined), ...lines];
  const top = Math.max(0, ...all) * 1.05 || 1;
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
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${label}">`,
    across(0, 'axis'),
    ...(baseline === undefined ? [] : [across(baseline, 'baseline')]),
    ...(limit === undefined ? [] : [across(limit, 'limit')]),
    `<polyline points="${points.join(' ')}"/>`,
    ...points.map((point) => {
      const [cx, cy] = point.split(',');
      return `<circle cx="${cx}" cy="${cy}" r="2"/>`;
    }),
    ...(last === undefined ? [] : [number(last)]),
    '</svg>',
  ].join('');
}
