// SPDX-License-Identifier: MIT
// What the host measures of an arm64 toy, which reports its steps through a checkpoint device: times
// and exits, because an arm64 guest cannot.

import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE_MEASURE,
} from '../assembly/layout/checkpoint-registers.ts';
import { Checkpoint, type CheckpointOptions } from '../devices/checkpoint/index.ts';
import { ARM64_TOY_BATCHES } from '../guest-driver/arm64-toy/a64-toy.ts';
import type { Machine } from '../vmm/api/index.ts';
import { invalidationExits } from './invalidation-exits.ts';

/** Uncounted samples before those of each path and size. */
export const WARM_UP_ROUNDS = 20;
/** The last check before the attacks, and the byte that starts them when there are other toys. */
const LAST_BEFORE_ATTACKS = 'live-mapping';
const START = Uint8Array.of(0x67);
/**
 * Checks after the bring-up of the CMDQV, after a batch on each VCMDQ, after an invalidation, and
 * after the measurement with one vCPU and with all.
 */
const BRING_UP = 'cmdqv-reset';
const FIRST_BATCHES = 'vcmdq-batches';
const INVALIDATION = 'invalidate';
const MEASUREMENT = 'measurement';
const PARALLEL = 'parallel';
/** Where the payload of a phase has the number of vCPUs. */
const VCPUS = 7;

/** Samples of one path, number of commands and number of vCPUs at once. */
interface Series {
  readonly path: number;
  readonly commands: number;
  readonly vcpus: number;
  /** Phases that have not been counted yet. */
  warmUp: number;
  exits: number;
  /** ns of a batch, one for each phase. */
  readonly times: number[];
}

/**
 * The checkpoint device of one arm64 toy, and the host's measurements of its phases and of the
 * exits between its checks.
 */
export class MeasuredToy {
  readonly device: Checkpoint;
  readonly #series = new Map<string, Series>();
  #machine: Machine | undefined;
  readonly #all: readonly MeasuredToy[];
  readonly #takesTurns: boolean;
  #isReady = false;
  /** Exits before the phase, and before the current step. */
  #exits = 0;
  #exitsBefore = 0;
  #isDirect = false;
  #start = 0;

  /**
   * @param onAttack called at the start and end of an attack.
   * @param all toys of the run, including this one: they attack when each has set up
   *   what it could lose, or has ended before.
   * @param takesTurns whether its vCPUs take turns on one thread.
   */
  constructor(
    onResult: CheckpointOptions['onResult'],
    onAttack: (phase: number, ended: boolean) => void = () => undefined,
    all: readonly MeasuredToy[] = [],
    takesTurns = true,
  ) {
    this.#takesTurns = takesTurns;
    this.device = new Checkpoint({
      onPhase: (phase, ended, data) => {
        if (phase === CHECKPOINT_PHASE_MEASURE) this.#phase(ended, data);
        else onAttack(phase, ended);
      },
      onResult: (name, ok, detail) => {
        this.#result(onResult, name, ok, detail);
        if (name === LAST_BEFORE_ATTACKS) this.#ready();
      },
    });
    this.#all = all;
  }

  /** The machine, once it has been created. */
  set machine(machine: Machine) {
    this.#machine = machine;
    // One that fails early must not have the others wait for a byte that never comes.
    machine.on('end', () => this.#ready());
  }

  /** A check of the guest, with what the guest cannot see: the exits since its last check. */
  #result(
    onResult: CheckpointOptions['onResult'],
    name: string,
    ok: boolean,
    detail: string,
  ): void {
    const now = this.#machine ? invalidationExits(this.#machine) : 0;
    const exits = now - this.#exitsBefore;
    this.#exitsBefore = now;
    if (name === BRING_UP) this.#isDirect = true;
    if (name === FIRST_BATCHES)
      onResult('page0-direct', exits === 0, `page 0 of VINTF 0: ${exits} exits`);
    if (name === INVALIDATION)
      onResult(name, ok && (exits === 0 || !this.#isDirect), `${detail}: ${exits} exits`);
    else if (name === PARALLEL)
      onResult(name, ok && this.#directExits(({ vcpus }) => vcpus > 1) === 0, detail);
    else onResult(name, ok, detail);
    if (name === MEASUREMENT && this.#isDirect) {
      const direct = this.#directExits(() => true);
      onResult('no-exits-direct', direct === 0, `${direct} exits during all direct batches`);
    }
  }

  /** Exits of the series of the direct path that are wanted. */
  #directExits(wanted: (series: Series) => boolean): number {
    return [...this.#series.values()]
      .filter((series) => series.path === CHECKPOINT_PATH_DIRECT && wanted(series))
      .reduce((sum, { exits }) => sum + exits, 0);
  }

  /** The other toys need not wait for this one. */
  #ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    if (!this.#all.every((toy) => toy.#isReady)) return;
    for (const toy of this.#all) toy.#machine?.write(START);
  }

  #phase(ended: boolean, data: readonly number[]): void {
    if (!this.#machine) return;
    const time = performance.now();
    if (!ended) {
      this.#exits = invalidationExits(this.#machine);
      this.#start = performance.now();
      return;
    }
    const [path = 0, commands = 0] = data;
    const vcpus = Math.max(data[VCPUS] ?? 0, 1);
    const key = `${path} ${commands} ${vcpus}`;
    const series = this.#series.get(key) ?? {
      path,
      commands,
      vcpus,
      warmUp: WARM_UP_ROUNDS,
      exits: 0,
      times: [],
    };
    this.#series.set(key, series);
    if (series.warmUp-- > 0) return;
    series.exits += invalidationExits(this.#machine) - this.#exits;
    // vCPUs that take turns on one thread share its time.
    const atOnce = this.#takesTurns ? vcpus : 1;
    series.times.push(((time - this.#start) * 1e6) / ARM64_TOY_BATCHES / atOnce);
  }

  /** Passes rows for the report of a run to `onRow`, in the form of a checkpoint device. */
  report(onRow: (row: readonly number[]) => void): void {
    // As the Wasm toy reports them: one vCPU first, of its paths the direct one.
    const all = [...this.#series.values()].toSorted((a, b) => a.vcpus - b.vcpus || b.path - a.path);
    for (const { path, commands, vcpus, exits, times } of all) {
      const sorted = times.toSorted((a, b) => a - b);
      const at = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
      const batches = times.length * ARM64_TOY_BATCHES * vcpus;
      onRow([path, commands, at(0.5), at(0.99), batches, exits, 0, vcpus]);
    }
  }
}
