// SPDX-License-Identifier: MIT
// Figures from the guests' traces of one TLBI: the median of the last ones, and their
// spread.

import type { Machine } from 'vsmmu';
import { CHECKPOINT_PATH_DIRECT } from '../../assembly/layout/checkpoint-registers.ts';
import { median } from '../../vmm/report/measurements.ts';
import type { TracePicture } from '../protocol.ts';

/**
 * Traces of a path that do not count as measurements: the browser is compiling the VMM's
 * code.
 */
export const WARM_UP = 3;
/** Number of traces of which the median is taken. */
export const KEPT = 15;

type Trace = Omit<TracePicture, 'totalNs' | 'lowNs' | 'highNs' | 'samples'>;

/**
 * One TLBI that a machine's guest has traced.
 * @param data words of the phase that has ended.
 */
export function followed(machine: Machine, data: readonly number[]): Trace {
  const [
    at,
    lvcmdq,
    prodBefore = 0,
    prodAfter = 0,
    writeNs = 0,
    lastNs = 0,
    batches = 0,
    exits = 0,
  ] = data;
  const { vmid = 0, overlay = false } = machine.inspect()[0] ?? {};
  const path = at === CHECKPOINT_PATH_DIRECT ? 'direct' : overlay ? 'overlay' : 'trapped';
  const queue = path === 'direct' ? `VCMDQ ${lvcmdq}` : 'CMDQ';
  const vm = machine.name;
  return { vm, vmid, path, queue, prodBefore, prodAfter, writeNs, lastNs, batches, exits };
}

type Times = Pick<Trace, 'writeNs' | 'lastNs'>;

interface Path {
  /** Traces before the first that counts. */
  warmUp: number;
  times: readonly Times[];
  picture: TracePicture;
}

export class TraceFigures {
  readonly #paths = new Map<TracePicture['path'], Path>();

  add(trace: Trace): void {
    const before = this.#paths.get(trace.path);
    const warmUp = Math.min(WARM_UP, (before?.warmUp ?? -1) + 1);
    const times = warmUp < WARM_UP ? [] : [...(before?.times ?? []), trace].slice(-KEPT);
    const counted: readonly Times[] = times.length > 0 ? times : [trace];
    const all = counted.map(({ lastNs }) => lastNs);
    const picture = {
      ...trace,
      // A part and the whole are of the same traces: no part is longer than the whole.
      writeNs: median(counted.map(({ writeNs }) => writeNs)),
      totalNs: median(all),
      lowNs: Math.min(...all),
      highNs: Math.max(...all),
      samples: times.length,
    };
    this.#paths.set(trace.path, { warmUp, times, picture });
  }

  /** One of each path. */
  get pictures(): readonly TracePicture[] {
    return [...this.#paths.values()].map(({ picture }) => picture);
  }
}
