// SPDX-License-Identifier: MIT
// Charts over time: exits and commands per second, time of a TLBI by path.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { MeasuredPath } from '../../vmm/report/measurements.ts';
import type { Picture } from '../protocol.ts';
import { colour } from './colours.ts';
import type { Part } from './painter.ts';

/** Seconds that are shown, and points a second. */
const SPAN_S = 60;
const EACH_MS = 250;

interface Line {
  readonly label: string;
  /** Custom property of the style sheet. */
  readonly colour: `--${string}`;
}

interface ChartKind {
  readonly title: string;
  readonly explains: string;
  readonly lines: readonly Line[];
  readonly log: boolean;
}

const KINDS: readonly ChartKind[] = [
  {
    title: 'Exits per second',
    explains: 'Exits of all machines: control leaving a guest\u2019s Wasm for JavaScript.',
    lines: [{ label: 'exits', colour: '--trapped' }],
    log: false,
  },
  {
    title: 'Commands per second',
    explains:
      'Commands consumed: on VCMDQs and overlaid CMDQs without an exit, on trapped CMDQs with ' +
      'exits.',
    lines: [
      { label: 'VCMDQ', colour: '--direct' },
      { label: 'CMDQ', colour: '--trapped' },
      { label: 'overlaid CMDQ', colour: '--overlay' },
    ],
    log: false,
  },
  {
    title: 'One TLBI, \u00b5s (log)',
    explains:
      'From the guest\u2019s store to its completion, the mean of many, by path; logarithmic.',
    lines: [
      { label: 'direct', colour: '--direct' },
      { label: 'trapped', colour: '--trapped' },
      { label: 'overlay', colour: '--overlay' },
    ],
    log: true,
  },
];

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const powersOfTen = (_plot: uPlot, values: number[]) =>
  values.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

/** Totals whose growth the charts show. */
function totals({ vms }: Picture) {
  const commands = (wanted: MeasuredPath) =>
    sum(
      vms.flatMap(({ overlay, queues }) => {
        const path = (name: string) =>
          name !== 'CMDQ' ? 'direct' : overlay ? 'overlay' : 'trapped';
        return queues.filter(({ name }) => path(name) === wanted).map((queue) => queue.commands);
      }),
    );
  return {
    exits: sum(vms.map(({ exits }) => exits.total)),
    direct: commands('direct'),
    trapped: commands('trapped'),
    overlay: commands('overlay'),
  };
}

export class Charts {
  readonly #root: HTMLElement;
  /** By chart: times, then a column for each line. */
  #data: (number | null)[][][] = [];
  #plots: uPlot[] = [];
  #last: Picture | undefined;
  /** There is a point that has not been drawn. */
  #due = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.clear();
    new ResizeObserver(() => this.#resize()).observe(root);
  }

  /** Forgets everything. */
  clear(): void {
    this.#last = undefined;
    this.#data = KINDS.map(({ lines }) => [[], ...lines.map(() => [])]);
    this.draw();
  }

  /** Draws anew, in the colours that hold now. */
  draw(): void {
    for (const plot of this.#plots) plot.destroy();
    this.#root.replaceChildren(
      ...KINDS.map(({ title, explains }) => {
        const panel = document.createElement('section');
        panel.className = 'panel chart';
        panel.setAttribute('aria-label', title);
        const heading = document.createElement('h2');
        heading.textContent = title;
        heading.dataset.explain = explains;
        heading.tabIndex = 0;
        panel.append(heading);
        return panel;
      }),
    );
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    this.#plots = KINDS.map(({ lines, log }, i) => {
      const panel = this.#root.children[i] as HTMLElement;
      const options: uPlot.Options = {
        ...this.#size(panel),
        legend: { show: true, live: false },
        cursor: { show: false },
        scales: {
          x: {
            time: false,
            range: (_plot, _low, high) => [Math.max(0, high - SPAN_S), Math.max(SPAN_S, high)],
          },
          y: log ? { distr: 3 } : { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] },
        },
        axes: [
          { ...axis, size: 24, values: (_plot, seconds) => seconds.map((second) => `${second} s`) },
          {
            ...axis,
            // Of a logarithmic axis the powers of ten.
            ...(log ? { grid: { ...axis.grid, filter: powersOfTen }, filter: powersOfTen } : {}),
            size: 54,
            values: (_plot, values) =>
              values.map((value) =>
                value === null
                  ? ''
                  : Intl.NumberFormat('en', { notation: 'compact' }).format(value),
              ),
          },
        ],
        series: [
          {},
          ...lines.map(({ label, colour: name }) => ({
            label,
            stroke: colour(name),
            width: 1.5,
            points: { show: false },
            spanGaps: true,
          })),
        ],
      };
      return new uPlot(options, this.#data[i] as uPlot.AlignedData, panel);
    });
  }

  #size(panel: HTMLElement): { width: number; height: number } {
    return { width: Math.max(200, panel.clientWidth - 20), height: 128 };
  }

  #resize(): void {
    this.#plots.forEach((plot, i) => {
      const size = this.#size(this.#root.children[i] as HTMLElement);
      if (plot.width !== size.width) plot.setSize(size);
    });
  }

  /** Takes a picture of a running machine in, when enough time has passed since the last one. */
  add(picture: Picture): void {
    const before = this.#last;
    if (before && picture.at - before.at < EACH_MS) return;
    this.#last = picture;
    if (!before) return;
    const seconds = (picture.at - before.at) / 1000;
    const [now, then] = [totals(picture), totals(before)];
    const micros = (path: MeasuredPath) => {
      const trace = picture.traces.find((one) => one.path === path);
      return trace ? Math.max(trace.totalNs, 1) / 1000 : null;
    };
    const rate = (count: (of: ReturnType<typeof totals>) => number) =>
      (count(now) - count(then)) / seconds;
    const points = [
      [rate(({ exits }) => exits)],
      [
        rate(({ direct }) => direct),
        rate(({ trapped }) => trapped),
        rate(({ overlay }) => overlay),
      ],
      [micros('direct'), micros('trapped'), micros('overlay')],
    ];
    this.#data.forEach((columns, i) => {
      [picture.at / 1000, ...(points[i] ?? [])].forEach((value, column) => {
        columns[column]?.push(value);
        if ((columns[column]?.length ?? 0) > (SPAN_S * 1000) / EACH_MS) columns[column]?.shift();
      });
    });
    this.#due = true;
  }

  /** What there is to draw: a part for each chart. */
  parts(): readonly Part[] {
    if (!this.#due) return [];
    this.#due = false;
    return this.#plots.map((plot, i) => () => plot.setData(this.#data[i] as uPlot.AlignedData));
  }
}
