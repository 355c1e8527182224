// SPDX-License-Identifier: MIT
// `vsmmu boot toy --arch arm64`: the toy as an A64 program on the board `virt`. It reports its steps
// through a checkpoint device. The host measures times and exits, because an arm64 guest cannot.

import { CHECKPOINT_PHASE_MEASURE } from '../assembly/layout/checkpoint-registers.ts';
import { Checkpoint, type CheckpointOptions } from '../devices/checkpoint/index.ts';
import {
  ARM64_TOY_BATCHES,
  type Arm64ToyOptions,
  arm64ToySource,
} from '../guest-driver/arm64-toy/a64-toy.ts';
import type { Machine } from '../vmm/api/index.ts';
import type { Check } from '../vmm/report/checks.ts';
import type { MeasuredPath, Measurements, PathNames } from '../vmm/report/measurements.ts';
import { assembleProgram } from '../vmm/vcpu/arm64/index.ts';
import type { BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { invalidationExits } from './invalidation-exits.ts';
import { refuseOptions } from './refuse-options.ts';

/** Samples of each path and size, and uncounted samples before them. */
const ROUNDS = 60;
const WARM_UP_ROUNDS = 20;
/** MiB that the toy needs. */
export const ARM64_TOY_MEMORY = 16;
/** The last check before the attacks, and the byte that starts them when there are other toys. */
const LAST_BEFORE_ATTACKS = 'live-mapping';
const START = Uint8Array.of(0x67);
/** Exits of a batch on the trapped path at least: a store of CMDQ_PROD, a load of CMDQ_CONS. */
const TRAPPED_EXITS = 2;

/** Options of kernels that do not apply to the toy. */
const NOT_FOR_THE_TOY = [
  'initrd',
  'append',
  'disks',
  'pcie',
  'semihosting',
  'testdev',
] as const satisfies readonly (keyof BootSettings)[];

export const isArm64Toy = ({ guest, arch }: BootSettings): boolean =>
  guest === 'toy' && arch === 'arm64';

/**
 * The toy, assembled for the path of a run.
 * @throws {UsageError} if an option cannot be combined with it.
 */
export function arm64Toy(settings: BootSettings): Uint8Array<ArrayBuffer> {
  const { path = 'all', overlay, memory, msi, role } = settings;
  refuseOptions(settings, NOT_FOR_THE_TOY, 'is for kernels: the toy does not take it');
  if (role === 'host') throw new UsageError('the toy is a guest: it excludes --role host');
  if (msi !== undefined && msi !== 'its')
    throw new UsageError(`the toy sends its MSIs to the ITS: it excludes --msi ${msi}`);
  if (memory !== undefined && memory < ARM64_TOY_MEMORY)
    throw new UsageError(`the arm64 toy needs ${ARM64_TOY_MEMORY} MiB of memory`);
  // On the overlay path, the guest runs the same code as on the trapped path.
  const trapped = overlay === true || path === 'trapped' || path === 'overlay';
  const paths = trapped
    ? (['trapped'] as const)
    : path === 'direct'
      ? (['direct'] as const)
      : (['direct', 'trapped'] as const);
  return arm64ToyImage(paths, (settings.vms ?? 1) > 1);
}

/**
 * Assembles the toy for these paths.
 * @param waits whether it waits for a byte on its console before it attacks.
 */
export const arm64ToyImage = (
  paths: Arm64ToyOptions['paths'],
  waits = false,
): Uint8Array<ArrayBuffer> =>
  assembleProgram(arm64ToySource({ paths, rounds: WARM_UP_ROUNDS + ROUNDS, waits }));

/** Samples of one path and number of commands. */
interface Series {
  readonly path: number;
  readonly commands: number;
  /** Phases that have not been counted yet. */
  warmUp: number;
  exits: number;
  /** ns of a batch, one for each phase. */
  readonly times: number[];
}

/** The checkpoint device of one arm64 toy, and the host's measurements of its phases. */
export class MeasuredToy {
  readonly device: Checkpoint;
  readonly #series = new Map<string, Series>();
  #machine: Machine | undefined;
  readonly #all: readonly MeasuredToy[];
  #isReady = false;
  #exits = 0;
  #start = 0;

  /**
   * @param onAttack called at the start and end of an attack.
   * @param all toys of the run, including this one: they attack when each has set up
   *   what it could lose, or has ended before.
   */
  constructor(
    onResult: CheckpointOptions['onResult'],
    onAttack: (phase: number, ended: boolean) => void = () => undefined,
    all: readonly MeasuredToy[] = [],
  ) {
    this.device = new Checkpoint({
      onPhase: (phase, ended, data) => {
        if (phase === CHECKPOINT_PHASE_MEASURE) this.#phase(ended, data);
        else onAttack(phase, ended);
      },
      onResult: (name, ok, detail) => {
        onResult(name, ok, detail);
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

  /** The other toys need not wait for this one. */
  #ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    if (!this.#all.every((toy) => toy.#isReady)) return;
    for (const toy of this.#all) toy.#machine?.write(START);
  }

  #phase(ended: boolean, [path = 0, commands = 0]: readonly number[]): void {
    if (!this.#machine) return;
    const time = performance.now();
    if (!ended) {
      this.#exits = invalidationExits(this.#machine);
      this.#start = performance.now();
      return;
    }
    const key = `${path} ${commands}`;
    const series = this.#series.get(key) ?? {
      path,
      commands,
      warmUp: WARM_UP_ROUNDS,
      exits: 0,
      times: [],
    };
    this.#series.set(key, series);
    if (series.warmUp-- > 0) return;
    series.exits += invalidationExits(this.#machine) - this.#exits;
    series.times.push(((time - this.#start) * 1e6) / ARM64_TOY_BATCHES);
  }

  /** Passes rows for the report of a run to `onRow`, in the form of a checkpoint device. */
  report(onRow: (row: readonly number[]) => void): void {
    // As the Wasm toy reports them: the direct path first.
    const all = [...this.#series.values()].toSorted((a, b) => b.path - a.path);
    for (const { path, commands, exits, times } of all) {
      const sorted = times.toSorted((a, b) => a - b);
      const at = (part: number) => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0);
      const batches = times.length * ARM64_TOY_BATCHES;
      onRow([path, commands, at(0.5), at(0.99), batches, exits, 0]);
    }
  }
}

/**
 * Checks of exits: none on the direct and overlay paths, at least two on the trapped path.
 * @param names of the paths to check. Default: all that were measured.
 */
export function arm64ExitChecks(measurements: Measurements, names?: PathNames): Check[] {
  const paths = names
    ? new Set([names.direct, names.trapped])
    : new Set(measurements.rows.map(({ path }) => path));
  if (paths.size === 0)
    return [{ name: 'the paths were measured', ok: false, detail: 'no machine has measured' }];
  return [...paths].map((path: MeasuredPath) => {
    const { batches, exits } = measurements.batchesOf(path);
    const isTrapped = path === (names?.trapped ?? 'trapped');
    const name = isTrapped
      ? `at least ${TRAPPED_EXITS} exits in each ${path}-path batch`
      : `0 exits during ${path}-path batches`;
    const ok = batches > 0 && (isTrapped ? exits >= TRAPPED_EXITS * batches : exits === 0);
    const detail = `${batches} measured batches: ${exits} accesses of SMMU and CMDQV have trapped`;
    return { name, ok, detail };
  });
}
