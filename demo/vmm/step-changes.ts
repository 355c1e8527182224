// SPDX-License-Identifier: MIT
// The changes by each step of an experiment: commands, exits, IOTLB entries, event
// records, checks.

import type {
  CheckPicture,
  PagePicture,
  QueuePicture,
  StepPicture,
  VmPicture,
} from '../protocol.ts';
import { WASI_ROW } from './exits-picture.ts';

/** Number of steps that are kept, and of commands of a step that are named. */
const KEPT = 8;
const NAMED = 5;

/** One machine and what it shares, at one instant. */
export interface StepView {
  readonly vm: VmPicture;
  /** Of all machines. */
  readonly pages: readonly PagePicture[];
  /** Of this machine, oldest first. */
  readonly checks: readonly CheckPicture[];
}

const keyOf = ({ vmid, asid, iova, pa, size, writable }: PagePicture) =>
  [vmid, asid, iova, pa, size, writable].join();

/** Entries in the first list that are not in the second. */
function missing(some: readonly PagePicture[], others: readonly PagePicture[]): PagePicture[] {
  const known = new Set(others.map(keyOf));
  return some.filter((page) => !known.has(keyOf(page)));
}

/** Changes of the IOTLB by owner of the entries: a machine can affect another one's. */
function tlbChanges(before: StepView, after: StepView): StepPicture['tlb'] {
  const filled = missing(after.pages, before.pages);
  const gone = missing(before.pages, after.pages);
  return [...new Set([...filled, ...gone].map(({ vm }) => vm))].map((vm) => ({
    vm,
    filled: filled.filter((page) => page.vm === vm).length,
    gone: gone.filter((page) => page.vm === vm).length,
  }));
}

/**
 * Number of entries consumed between two views, those that the host carries out included.
 * Without a lap that goes on, only the drain's: the queue has been enabled anew.
 */
function consumed(before: QueuePicture | undefined, after: QueuePicture): number {
  const position = ({ consLap, cons, size }: QueuePicture) => (consLap - 1) * size + (cons % size);
  const drained = after.commands - (before?.commands ?? 0);
  return Math.max(drained, position(after) - (before?.enabled ? position(before) : 0));
}

function queueChanges(before: VmPicture, after: VmPicture): StepPicture['queues'] {
  return after.queues.flatMap((queue, i) => {
    const commands = consumed(before.queues[i], queue);
    const stopped = queue.gerror !== queue.gerrorn;
    if (commands === 0 && !stopped) return [];
    const { name, path, entries } = queue;
    const done = entries.filter(({ state }) => state === 'done');
    const names = commands === 0 ? [] : done.slice(-Math.min(commands, NAMED));
    return [{ name, path, commands, names: names.map((entry) => entry.name), stopped }];
  });
}

/** The changes between two views of one machine. */
export function stepChange(step: number, before: StepView, after: StepView): StepPicture {
  const callsOf = ({ vm }: StepView) =>
    vm.exits.rows.find(({ name }) => name === WASI_ROW)?.count ?? 0;
  const systemCalls = callsOf(after) - callsOf(before);
  const exitsOf = ({ vm: { exits } }: StepView) => exits.total - exits.measuring;
  const records = after.vm.eventCount - before.vm.eventCount;
  const fresh = after.checks.slice(before.checks.length);
  return {
    step,
    vm: after.vm.name,
    exits: exitsOf(after) - exitsOf(before) - systemCalls,
    systemCalls,
    queues: queueChanges(before.vm, after.vm),
    tlb: tlbChanges(before, after),
    // Newest first in the picture.
    records: after.vm.events
      .slice(0, records)
      .map(({ name }) => name)
      .reverse(),
    checks: fresh.length,
    failed: fresh.filter(({ ok }) => !ok).map(({ name }) => name),
  };
}

export class StepChanges {
  readonly #view: (vm: string) => StepView;
  #kept: readonly StepPicture[] = [];
  #before: StepView | undefined;

  /** @param view reads a machine without changing anything. */
  constructor(view: (vm: string) => StepView) {
    this.#view = view;
  }

  /** The last steps, oldest first. */
  get pictures(): readonly StepPicture[] {
    return this.#kept;
  }

  /** A machine is about to take a step. */
  begin(vm: string): void {
    this.#before = this.#view(vm);
  }

  /** It has taken it. */
  end(step: number, vm: string): void {
    if (!this.#before) return;
    const change = stepChange(step, this.#before, this.#view(vm));
    this.#kept = [...this.#kept, change].slice(-KEPT);
    this.#before = undefined;
  }
}
