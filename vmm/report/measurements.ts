// SPDX-License-Identifier: MIT
// Measurements that guests send through their checkpoint device, and their evaluation.

import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE_MEASURE,
} from '../../assembly/layout/checkpoint-registers.ts';
import type { Check } from './checks.ts';

/** Which way the commands of a queue take. */
export type QueuePath = 'trapped' | 'direct' | 'ecmdq' | 'overlay';

/** Those of an arm64 guest that is compared with others have names of their own. */
export type MeasuredPath = QueuePath | 'arm64' | 'arm64-trapped';

/** Names of the paths that a guest calls direct and trapped. */
export interface PathNames {
  readonly direct: MeasuredPath;
  readonly trapped: MeasuredPath;
}

const AS_NAMED: PathNames = { direct: 'direct', trapped: 'trapped' };

/** One row: all batches of one size on one path, with times in nanoseconds per batch. */
export interface Row {
  readonly path: MeasuredPath;
  readonly batch: number;
  readonly p50: number;
  readonly p99: number;
  readonly batches: number;
  readonly exits: number;
  readonly doorbells: number;
  /** Number of vCPUs that sent batches in parallel. */
  readonly vcpus: number;
}

/** Rows of one path and batch size, of all machines together. */
export interface PathFigures {
  readonly path: MeasuredPath;
  readonly batch: number;
  /** Median of the machines' medians, and the highest of their 99th percentiles. */
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly exitsPerBatch: number;
  /**
   * Number of vCPUs that sent batches in parallel, each to its own VCMDQ if there is one.
   */
  readonly vcpus: number;
}

/** The middle one; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Maximum number of rows of a machine that are kept, the last ones; a guest may measure
 * any number.
 */
const MOST_ROWS = 2048;

/** Batches of a path, and their exits. */
interface Batches {
  readonly batches: number;
  readonly exits: number;
}

const addBatches = (a: Batches, b: Batches): Batches => ({
  batches: a.batches + b.batches,
  exits: a.exits + b.exits,
});

export class Measurements {
  /** Rows that are no longer kept: their number, and their counts. */
  #earlier = 0;
  readonly #earlierBatches = new Map<MeasuredPath, Batches>();
  readonly #rows: Row[][];
  readonly #compared: Row[] = [];
  readonly #names: PathNames;

  constructor(machines: number, names: Partial<PathNames> = {}) {
    this.#names = { ...AS_NAMED, ...names };
    this.#rows = Array.from({ length: machines }, () => []);
  }

  /** A phase of a machine, reported by its checkpoint device. */
  phase(machine: number, phase: number, ended: boolean, data: readonly number[]): void {
    if (phase === CHECKPOINT_PHASE_MEASURE && ended)
      this.#keep(this.#rows[machine], data, this.#names);
  }

  /** The same for a machine that is there for comparison. */
  comparedPhase(
    names: Partial<PathNames>,
    phase: number,
    ended: boolean,
    data: readonly number[],
  ): void {
    if (phase === CHECKPOINT_PHASE_MEASURE && ended)
      this.#keep(this.#compared, data, { ...AS_NAMED, ...names });
  }

  #keep(rows: Row[] | undefined, data: readonly number[], names: PathNames): void {
    if (!rows) return;
    rows.push(this.#row(data, names));
    if (rows.length <= MOST_ROWS) return;
    const [first] = rows.splice(0, 1);
    if (!first) return;
    this.#earlier++;
    const before = this.#earlierBatches.get(first.path) ?? { batches: 0, exits: 0 };
    this.#earlierBatches.set(first.path, addBatches(before, first));
  }

  /** All measured batches of a path, including rows that are no longer kept. */
  batchesOf(path: MeasuredPath): Batches {
    return this.rows
      .filter((row) => row.path === path)
      .reduce<Batches>(addBatches, this.#earlierBatches.get(path) ?? { batches: 0, exits: 0 });
  }

  /** A check about rows that are no longer kept, if any. */
  earlierChecks(): Check[] {
    if (this.#earlier === 0) return [];
    const which = `${this.#earlier}, before the last ${MOST_ROWS} of each machine`;
    const detail = `${which}, are not in the table`;
    return [{ name: 'earlier measurements', ok: true, detail }];
  }

  #row(data: readonly number[], names: PathNames): Row {
    const [
      path = 0,
      batch = 0,
      p50 = 0,
      p99 = 0,
      batches = 0,
      exits = 0,
      doorbells = 0,
      vcpus = 0,
    ] = data;
    const name = path === CHECKPOINT_PATH_DIRECT ? names.direct : names.trapped;
    return { path: name, batch, p50, p99, batches, exits, doorbells, vcpus: Math.max(vcpus, 1) };
  }

  get rows(): readonly Row[] {
    // The machines for comparison end in any order.
    return [
      ...this.#rows.flat(),
      ...this.#compared.toSorted((a, b) => a.path.localeCompare(b.path)),
    ];
  }

  /** By path and batch size, in the order in which they were measured. */
  figures(): PathFigures[] {
    const groups = new Map<string, Row[]>();
    for (const row of this.rows) {
      const key = `${row.path} ${row.batch} ${row.vcpus}`;
      const group = groups.get(key);
      if (group) group.push(row);
      else groups.set(key, [row]);
    }
    return [...groups.values()].flatMap((rows) => {
      const [first] = rows;
      if (!first) return [];
      return {
        path: first.path,
        batch: first.batch,
        p50Ns: median(rows.map(({ p50 }) => p50)),
        p99Ns: Math.max(...rows.map(({ p99 }) => p99)),
        exitsPerBatch:
          sum(rows.map(({ exits }) => exits)) /
          Math.max(1, sum(rows.map(({ batches }) => batches))),
        vcpus: first.vcpus,
      };
    });
  }
}
