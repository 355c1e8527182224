// SPDX-License-Identifier: MIT
// The arm64 toy of a run of Wasm toys: `--path all` compares them with an arm64 driver.

import { CHECKPOINT_PHASE_MEASURE } from '../assembly/layout/checkpoint-registers.ts';
import { type Host, type Machine, virtBoard } from '../vmm/api/index.ts';
import type { Check } from '../vmm/report/checks.ts';
import type { Measurements, PathNames } from '../vmm/report/measurements.ts';
import { ARM64_TOY_MEMORY, arm64ExitChecks, arm64ToyImage } from './arm64-toy.ts';
import type { BootSettings } from './boot-settings.ts';
import { MeasuredToy } from './measured-toy.ts';

const NAME = 'arm64';
const NAMES: PathNames = { direct: 'arm64', trapped: 'arm64-trapped' };

/** A machine on the board virt whose toy is measured. */
export class ComparedArm64 {
  readonly machine: Machine;
  readonly #toy: MeasuredToy;

  private constructor(machine: Machine, toy: MeasuredToy) {
    this.machine = machine;
    this.#toy = toy;
  }

  /** Whether the settings permit it: the board has one SMMU, and its guests have no BTM. */
  static fits({ smmus = 1, btm = false }: BootSettings): boolean {
    return smmus === 1 && !btm;
  }

  /** @param onCheck called with each check of the toy and the name of its machine. */
  static async create(
    host: Host,
    { transport, drain, seed, vcpus }: BootSettings,
    onCheck: (name: string, check: Check) => void,
  ): Promise<ComparedArm64> {
    const toy = new MeasuredToy(
      (name, ok, detail) => onCheck(NAME, { name, ok, detail }),
      undefined,
      undefined,
      transport !== 'mailbox',
    );
    const machine = await host.createMachine({
      name: NAME,
      guest: arm64ToyImage({ paths: ['direct', 'trapped'], vcpus }),
      board: virtBoard(),
      memory: ARM64_TOY_MEMORY,
      vcpus,
      devices: [toy.device],
      transport,
      drain,
      seed,
    });
    toy.machine = machine;
    return new ComparedArm64(machine, toy);
  }

  /** Adds its rows to the report of a run. @returns the checks of its exits. */
  report(measurements: Measurements): Check[] {
    this.#toy.report((row) =>
      measurements.comparedPhase(NAMES, CHECKPOINT_PHASE_MEASURE, true, row),
    );
    return arm64ExitChecks(measurements, NAMES);
  }
}
