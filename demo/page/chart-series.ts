// SPDX-License-Identifier: MIT
// Data of the charts: rates between two pictures of running machines, and the times of
// TLBIs. While machines are stopped there is a gap.

import type { MeasuredPath } from '../../vmm/report/measurements.ts';
import { MOST_IDLE_MS, type Picture } from '../protocol.ts';

/** Seconds shown, seconds kept for going back in time, and milliseconds between two points. */
export const SPAN_S = 60;
export const KEPT_S = 600;
export const EACH_MS = 250;
/**
 * A picture after such a time follows a pause, perhaps of the whole computer: what happened
 * in between is unknown.
 */
const PAUSE_MS = MOST_IDLE_MS + 2000;
/** Number of lines of the charts: exits; commands by path; time of a TLBI by path. */
const LINES = [1, 3, 3] as const;

type Point = readonly (number | null)[];

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

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
    exits: sum(vms.map(({ exits }) => exits.total - exits.measuring)),
    direct: commands('direct'),
    trapped: commands('trapped'),
    overlay: commands('overlay'),
  };
}

/** Time of a TLBI on a path, in microseconds; null without a measurement. */
function micros({ traces }: Picture, path: MeasuredPath): number | null {
  const trace = traces.find((one) => one.path === path);
  return trace && trace.samples > 0 && trace.lastNs > 0 ? trace.lastNs / 1000 : null;
}

export class ChartSeries {
  /** By chart: times, then a column for each line. */
  #columns: (number | null)[][][] = [];
  #last: Picture | undefined;

  constructor() {
    this.clear();
  }

  clear(): void {
    this.#last = undefined;
    this.#columns = LINES.map((lines) => Array.from({ length: 1 + lines }, () => []));
  }

  /**
   * By chart: times in seconds, then a column for each line.
   * @param at of a picture: without what came later. Default: all.
   */
  columns(at = Number.POSITIVE_INFINITY): readonly (readonly (readonly (number | null)[])[])[] {
    const times = this.#columns[0]?.[0] ?? [];
    const later = times.findIndex((seconds) => Number(seconds) * 1000 > at);
    if (later < 0) return this.#columns;
    return this.#columns.map((columns) => columns.map((values) => values.slice(0, later)));
  }

  /** @returns true when there is a new point. */
  add(picture: Picture): boolean {
    const before = this.#last;
    if (before && picture.at - before.at < EACH_MS && picture.state === before.state) return false;
    this.#last = picture;
    if (!before) return false;
    if (before.state !== 'running' || picture.at - before.at > PAUSE_MS) {
      this.#push(before.at / 1000 + 0.001, []);
      return true;
    }
    const seconds = (picture.at - before.at) / 1000;
    // Too short for a rate: the machines were paused until just now.
    if (seconds * 1000 < EACH_MS) return false;
    const [now, then] = [totals(picture), totals(before)];
    const rate = (name: keyof typeof now) => (now[name] - then[name]) / seconds;
    this.#push(picture.at / 1000, [
      [rate('exits')],
      [rate('direct'), rate('trapped'), rate('overlay')],
      [micros(picture, 'direct'), micros(picture, 'trapped'), micros(picture, 'overlay')],
    ]);
    return true;
  }

  /** A point for each chart; a missing one is a gap. */
  #push(seconds: number, points: readonly Point[]): void {
    for (const [i, columns] of this.#columns.entries()) {
      const point = [seconds, ...(points[i] ?? [])];
      for (const [column, values] of columns.entries()) {
        values.push(point[column] ?? null);
        if (values.length > (KEPT_S * 1000) / EACH_MS) values.shift();
      }
    }
  }
}
