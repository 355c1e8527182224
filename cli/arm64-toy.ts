// SPDX-License-Identifier: MIT
// `vsmmu boot toy --arch arm64`: the toy as an A64 program on the board `virt`.

import {
  ARM64_EXPERIMENTS,
  type Arm64Experiment,
  type Arm64ToyOptions,
  arm64ToySource,
} from '../guest-driver/arm64-toy/a64-toy.ts';
import type { Check } from '../vmm/report/checks.ts';
import type { MeasuredPath, Measurements } from '../vmm/report/measurements.ts';
import { assembleProgram } from '../vmm/vcpu/arm64/index.ts';
import type { BootSettings } from './boot-settings.ts';
import { UsageError } from './cli-error.ts';
import { refuseKernelOptions } from './kernel-run.ts';
import { WARM_UP_ROUNDS } from './measured-toy.ts';

/** Samples of each path and size. */
const ROUNDS = 60;
/** MiB that the toy needs. */
export const ARM64_TOY_MEMORY = 16;
/** Exits of a batch on the trapped path at least: a store of CMDQ_PROD, a load of CMDQ_CONS. */
const TRAPPED_EXITS = 2;

export const isArm64Toy = ({ guest, arch }: BootSettings): boolean =>
  guest === 'toy' && arch === 'arm64';

/**
 * The experiment with a name, if there is one.
 * @throws {UsageError} if it needs what the board does not have.
 */
export function arm64ExperimentOf(name: string | undefined): Arm64Experiment | undefined {
  if (name === undefined) return undefined;
  const found = ARM64_EXPERIMENTS.find((one) => one === name);
  if (found === undefined)
    throw new UsageError(
      `${name} is for the standard board, where TLBIs of vCPUs reach the SMMU: without --arch arm64, ` +
        'the toy runs there',
    );
  return found;
}

/**
 * The toy, assembled for the path and the experiment of a run.
 * @param vms number of machines of the run.
 * @throws {UsageError} if an option cannot be combined with it.
 */
export function arm64Toy(settings: BootSettings, vms: number): Uint8Array<ArrayBuffer> {
  const { path = 'all', overlay, memory } = settings;
  refuseKernelOptions(settings);
  if (memory !== undefined && memory < ARM64_TOY_MEMORY)
    throw new UsageError(`the arm64 toy needs ${ARM64_TOY_MEMORY} MiB of memory`);
  const experiment = arm64ExperimentOf(settings.experiment);
  // On the overlay path, the guest runs the same code as on the trapped path.
  const trapped = overlay === true || path === 'trapped' || path === 'overlay';
  const paths = trapped
    ? (['trapped'] as const)
    : path === 'direct'
      ? (['direct'] as const)
      : (['direct', 'trapped'] as const);
  return arm64ToyImage({ paths, waits: vms > 1, vcpus: settings.vcpus, experiment });
}

/** Assembles the toy with these options, for a run with the samples that are reported. */
export const arm64ToyImage = (options: Omit<Arm64ToyOptions, 'rounds'>): Uint8Array<ArrayBuffer> =>
  assembleProgram(arm64ToySource({ ...options, rounds: WARM_UP_ROUNDS + ROUNDS }));

/** The paths of a row whose batches have exits. */
const TRAPPED: ReadonlySet<MeasuredPath> = new Set(['trapped', 'arm64-trapped']);

/**
 * Checks of exits: none on the direct and overlay paths, at least two on the trapped path.
 * @param paths to check. Default: all that were measured.
 */
export function arm64ExitChecks(
  measurements: Measurements,
  paths: readonly MeasuredPath[] = [...new Set(measurements.rows.map(({ path }) => path))],
): Check[] {
  if (paths.length === 0)
    return [{ name: 'the paths were measured', ok: false, detail: 'no machine has measured' }];
  return paths.map((path) => {
    const { batches, exits } = measurements.batchesOf(path);
    const isTrapped = TRAPPED.has(path);
    const name = isTrapped
      ? `at least ${TRAPPED_EXITS} exits in each ${path}-path batch`
      : `0 exits during ${path}-path batches`;
    const ok = batches > 0 && (isTrapped ? exits >= TRAPPED_EXITS * batches : exits === 0);
    const detail = `${batches} measured batches: ${exits} accesses of SMMU and CMDQV have trapped`;
    return { name, ok, detail };
  });
}
