// SPDX-License-Identifier: MIT
// Exits of machines, apart from those of measurements: a toy reads the clock only for
// figures that are for this page.

import type { Machine } from 'vsmmu';
import {
  CHECKPOINT_PHASE_MEASURE,
  CHECKPOINT_PHASE_TRACE,
} from '../../assembly/layout/checkpoint-registers.ts';
import type { VmPicture } from '../protocol.ts';
import { exitsPicture } from './exits-picture.ts';

export class CountedExits {
  /** Clock readings for this page's figures by machine, and those before its phase. */
  readonly #reads = new Map<Machine, { counted: number; before: number }>();

  /** A guest begins or ends a phase. */
  phase(machine: Machine, phase: number, ended: boolean): void {
    if (phase !== CHECKPOINT_PHASE_TRACE && phase !== CHECKPOINT_PHASE_MEASURE) return;
    const reads = machine.statistics.exits.byKind.clock;
    const { counted = 0, before = reads } = this.#reads.get(machine) ?? {};
    const more = ended ? reads - before : 0;
    this.#reads.set(machine, { counted: counted + more, before: reads });
  }

  of(machine: Machine): VmPicture['exits'] {
    return exitsPicture(machine, this.#reads.get(machine)?.counted ?? 0);
  }
}
