// SPDX-License-Identifier: MIT
// Arm64 toys that `--path all` compares with the toys of a run: an arm64 driver with Wasm toys, and
// the overlay path with arm64 toys.

import { CHECKPOINT_PHASE_MEASURE } from '../assembly/layout/checkpoint-registers.ts';
import type { Arm64ToyOptions } from '../guest-driver/arm64-toy/a64-toy.ts';
import { type Host, type Machine, virtBoard } from '../vmm/api/index.ts';
import type { Check } from '../vmm/report/checks.ts';
import type { MeasuredPath, Measurements, PathNames } from '../vmm/report/measurements.ts';
import {
  ARM64_TOY_MEMORY,
  arm64ExitChecks,
  arm64ExperimentOf,
  arm64ToyImage,
} from './arm64-toy.ts';
import type { BootSettings } from './boot-settings.ts';
import { MeasuredToy } from './measured-toy.ts';

/** A toy for comparison: the paths that it takes, and their names in the report. */
interface Compared {
  readonly name: string;
  readonly overlay: boolean;
  readonly paths: Arm64ToyOptions['paths'];
  readonly names: Partial<PathNames>;
  readonly checked: readonly MeasuredPath[];
}

const ARM64: Compared = {
  name: 'arm64',
  overlay: false,
  paths: ['direct', 'trapped'],
  names: { direct: 'arm64', trapped: 'arm64-trapped' },
  checked: ['arm64', 'arm64-trapped'],
};
const OVERLAY: Compared = {
  name: 'overlay',
  overlay: true,
  paths: ['trapped'],
  names: { trapped: 'overlay' },
  checked: ['overlay'],
};

/** The arm64 toy for a run: the board has one SMMU, and its guests have no BTM. */
function comparedOf({ arch, smmus = 1, btm = false, gdb }: BootSettings): Compared | undefined {
  // One machine at a time is debugged.
  if (arch === 'arm64') return gdb === undefined ? OVERLAY : undefined;
  return smmus === 1 && !btm ? ARM64 : undefined;
}

/** A machine on the board virt whose toy is measured. */
export class ComparedArm64 {
  readonly machine: Machine;
  readonly #toy: MeasuredToy;
  readonly #compared: Compared;

  private constructor(machine: Machine, toy: MeasuredToy, compared: Compared) {
    this.machine = machine;
    this.#toy = toy;
    this.#compared = compared;
  }

  /**
   * Creates it; undefined if there is none for the settings.
   * @param onCheck called with each check of the toy and the name of its machine.
   */
  static async create(
    host: Host,
    settings: BootSettings,
    experiment: string | undefined,
    onCheck: (name: string, check: Check) => void,
  ): Promise<ComparedArm64 | undefined> {
    const compared = comparedOf(settings);
    if (!compared) return undefined;
    const { transport, drain, seed, vcpus } = settings;
    const { name, overlay, paths } = compared;
    const toy = new MeasuredToy(
      (check, ok, detail) => onCheck(name, { name: check, ok, detail }),
      undefined,
      undefined,
      transport !== 'mailbox',
    );
    const machine = await host.createMachine({
      name,
      guest: arm64ToyImage({ paths, vcpus, experiment: arm64ExperimentOf(experiment) }),
      board: virtBoard(),
      memory: ARM64_TOY_MEMORY,
      vcpus,
      overlay,
      devices: [toy.device],
      transport,
      drain,
      seed,
    });
    toy.machine = machine;
    return new ComparedArm64(machine, toy, compared);
  }

  /** Adds its rows to the report of a run. @returns the checks of its exits. */
  report(measurements: Measurements): Check[] {
    const { names, checked } = this.#compared;
    this.#toy.report((row) =>
      measurements.comparedPhase(names, CHECKPOINT_PHASE_MEASURE, true, row),
    );
    return arm64ExitChecks(measurements, checked);
  }
}
