// SPDX-License-Identifier: MIT
// Charts over time: exits and commands per second, time of a TLBI by path.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Picture } from '../protocol.ts';
import { ChartSeries, SPAN_S } from './chart-series.ts';
import { colour } from './colours.ts';
import type { Seen } from './in-view.ts';
import { short, time } from './page-text.ts';
import type { Part } from './painter.ts';

interface Line {
  readonly label: string;
  /** Custom property of the style sheet. */
  readonly colour: `--${string}`;
  /** Dashes and gaps in pixels, so that lines differ by more than their colour. */
  readonly dash?: readonly number[];
}

interface ChartKind {
  readonly title: string;
  readonly explains: string;
  readonly lines: readonly Line[];
  readonly log: boolean;
  readonly isRate: boolean;
  /** A value in the form for the legend. */
  readonly text: (value: number) => string;
}

const KINDS: readonly ChartKind[] = [
  {
    title: 'Exits per second',
    explains:
      'Exits of all machines: control leaving a guest\u2019s Wasm for JavaScript. Looks at the ' +
      'clock for this page are left out.',
    lines: [{ label: 'exits', colour: '--trapped' }],
    log: false,
    isRate: true,
    text: (value) => `${short(value)}/s`,
  },
  {
    title: 'Commands per second',
    explains:
      'Commands consumed: on VCMDQs and overlaid CMDQs without an exit, on trapped CMDQs with ' +
      'exits.',
    lines: [
      { label: 'VCMDQ', colour: '--direct' },
      { label: 'CMDQ', colour: '--trapped', dash: [6, 3] },
      { label: 'overlaid CMDQ', colour: '--overlay', dash: [2, 2] },
    ],
    log: false,
    isRate: true,
    text: (value) => `${short(value)}/s`,
  },
  {
    title: 'One TLBI, \u00b5s (log)',
    explains:
      'From the guest\u2019s store to its completion, the mean of many, by path; logarithmic.',
    lines: [
      { label: 'direct', colour: '--direct' },
      { label: 'trapped', colour: '--trapped', dash: [6, 3] },
      { label: 'overlay', colour: '--overlay', dash: [2, 2] },
    ],
    log: true,
    isRate: false,
    text: (micros) => time(micros * 1000),
  },
];

const powersOfTen = (_plot: uPlot, values: number[]) =>
  values.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

/** The lines' names and last values. */
function legendOf(lines: readonly Line[]): HTMLElement {
  const legend = document.createElement('p');
  legend.className = 'legend';
  legend.append(
    ...lines.map(({ label, colour: name, dash }) => {
      const line = document.createElement('span');
      const mark = document.createElement('i');
      mark.style.borderTop = `2px ${dash ? (dash[0] === 2 ? 'dotted' : 'dashed') : 'solid'} var(${name})`;
      const value = document.createElement('b');
      value.textContent = '\u2013';
      line.append(mark, ` ${label} `, value);
      return line;
    }),
  );
  return legend;
}

export class Charts {
  readonly #root: HTMLElement;
  readonly #series = new ChartSeries();
  #plots: uPlot[] = [];
  /** Something has changed that is not drawn yet. */
  #due = false;
  /** The machines were stopped when the legends were written. */
  #stopped = false;
  /** Of the picture that is shown, if that is an earlier one. */
  #at: number | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.clear();
    new ResizeObserver(() => this.#resize()).observe(root);
  }

  /** Removes all points. */
  clear(): void {
    this.#series.clear();
    this.draw();
  }

  /** Draws everything in the current colours. */
  draw(): void {
    for (const plot of this.#plots) plot.destroy();
    this.#root.replaceChildren(
      ...KINDS.map(({ title, explains, lines }) => {
        const panel = document.createElement('section');
        panel.className = 'panel chart';
        panel.setAttribute('aria-label', title);
        const heading = document.createElement('h2');
        heading.textContent = title;
        heading.dataset.explain = explains;
        heading.tabIndex = 0;
        panel.append(heading, legendOf(lines));
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
        legend: { show: false },
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
            // On a logarithmic axis only the powers of ten.
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
          ...lines.map(({ label, colour: name, dash = [] }) => ({
            label,
            stroke: colour(name),
            width: 1.5,
            dash: [...dash],
            points: { show: false },
            spanGaps: false,
          })),
        ],
      };
      return new uPlot(options, this.#series.columns(this.#at)[i] as uPlot.AlignedData, panel);
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

  /** Adds a picture, if enough time has passed since the last one. */
  add(picture: Picture): void {
    if (this.#series.add(picture)) this.#due = true;
  }

  /** Writes the last values to the legend of a chart. */
  #tell(i: number): void {
    const kind = KINDS[i];
    const places = this.#root.children[i]?.querySelectorAll('.legend b') ?? [];
    const columns = this.#series.columns(this.#at)[i] ?? [];
    for (const [line, place] of [...places].entries()) {
      const last = columns[line + 1]?.at(-1);
      // Stopped machines have no rate.
      const none = last == null || (this.#stopped && kind?.isRate === true);
      place.textContent = none ? '\u2013' : (kind?.text(last) ?? '');
    }
  }

  /**
   * The parts to draw: one for each chart.
   * @param at time of an earlier picture that is shown; undefined for everything up to now.
   * @param now the machines as they are now.
   */
  parts(seen: Seen, at: number | undefined, now: Picture | undefined): readonly Part[] {
    const stopped = at === undefined && now?.state !== 'running';
    if (at !== this.#at || stopped !== this.#stopped) this.#due = true;
    this.#at = at;
    this.#stopped = stopped;
    if (!this.#due || !seen(this.#root)) return [];
    this.#due = false;
    return this.#plots.map((plot, i) => () => {
      plot.setData(this.#series.columns(at)[i] as uPlot.AlignedData);
      this.#tell(i);
    });
  }
}
