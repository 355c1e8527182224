// SPDX-License-Identifier: MIT
// What a machine tells: its status, its events, its counts.

import type { MachineError } from '../../devices/plugin/index.ts';
import { allNamesOf } from '../../devices/plugin/known-names.ts';
import type { SmmuRefusal } from '../../devices/smmuv3/index.ts';
import type { SmmuCounters } from '../inspect/index.ts';
import type { Finding } from '../inspect/sanitizer/index.ts';
import type { CoreStatus } from '../machine/index.ts';
import type { ExitStatistics, ImportCalls } from '../vcpu/index.ts';
import type { DrainReport } from './drains.ts';

/**
 * `new` until `boot`, `running`, `paused`; then `off` when the guest has ended by itself,
 * `stopped` by its owner, or because all its vCPUs sleep and nothing can wake them, `failed` when a part of the machine failed (`error` says
 * which).
 */
export type MachineStatus = CoreStatus | 'paused';

/** How a machine ended. */
export interface MachineEnd {
  readonly status: 'off' | 'stopped' | 'failed';
  /** Code of the guest's `proc_exit`, 0 when there was none. */
  readonly exitCode: number;
  /** What `stop` was called with, or what failed; empty when the guest has ended by itself. */
  readonly reason: string;
  /** The failure, when there was one. */
  readonly error?: MachineError;
}

/** Events of a machine, by name. */
export interface MachineEvents {
  /** The status has changed. */
  readonly status: MachineStatus;
  /** Console output, as it comes; the bytes are the listener's to keep. */
  readonly output: Uint8Array<ArrayBuffer>;
  /** The machine has ended; a reset one can end again. */
  readonly end: MachineEnd;
  /** A check that the guest has made, through the checkpoint device. */
  readonly check: { readonly name: string; readonly ok: boolean; readonly detail: string };
  /** The sanitizer has found that the guest has forgotten an invalidation (`iotlbCheck` of the host). */
  readonly finding: Finding;
  /**
   * A device of the machine has used a stale entry; it becomes a finding unless the
   * command that is missing still comes.
   */
  readonly suspect: Finding;
  /**
   * The guest's SMMU has refused a stream or a command, and why: the field of the STE, the CD or the
   * command, with what it is measured against, or the descriptor. Each reason once until a reset, at most 256.
   */
  readonly refusal: SmmuRefusal;
  /** A phase of the guest's program (CHECKPOINT_PHASE_*) began or ended, through the checkpoint device. */
  readonly phase: {
    readonly phase: number;
    readonly ended: boolean;
    readonly data: readonly number[];
  };
}

/** The names of `MachineEvents`. */
export const MACHINE_EVENTS = allNamesOf<MachineEvents>({
  status: true,
  output: true,
  end: true,
  check: true,
  finding: true,
  suspect: true,
  refusal: true,
  phase: true,
});

/** Counts of a machine, as plain data. */
export interface MachineStatistics {
  /**
   * Time of its devices in ns. On the board `virt` an instruction takes one, and what its vCPUs sleep is
   * skipped; on the standard board it is the computer's.
   */
  readonly timeNs: number;
  readonly exits: ExitStatistics;
  /** Exits of a WebAssembly guest, counted a second time at its import object; absent for others. */
  readonly imports?: ImportCalls;
  readonly vcmdq: {
    /** VCMDQs that the machine has, or in their place ECMDQs or the command buffer of an AMD IOMMU. */
    readonly queues: number;
    readonly commands: number;
    readonly syncs: number;
    /** Commands whose VMID or StreamID was replaced. */
    readonly rewrites: number;
    /** Calls of the guest's doorbell: they stay inside WebAssembly and are no exits. */
    readonly doorbellCalls: number;
  };
  readonly drain: DrainReport;
  /** Counters of the SMMU that all machines of the host share. */
  readonly smmu: SmmuCounters;
}

/** How a machine starts. */
export interface BootOptions {
  /** Do not run yet: `step` and `resume` do. Default false. */
  readonly paused?: boolean;
  /** Stops the machine when it is aborted, while it boots too. */
  readonly signal?: AbortSignal;
}
