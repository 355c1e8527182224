// SPDX-License-Identifier: MIT
// What a machine reports: its status, its events, its counters.

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
 * `stopped` by its owner, or because all its vCPUs sleep and nothing can wake them,
 * `failed` when a part of the machine failed (`error` says which).
 */
export type MachineStatus = CoreStatus | 'paused';

/** How a machine ended. */
export interface MachineEnd {
  readonly status: 'off' | 'stopped' | 'failed';
  /** Code of the guest's `proc_exit`; 0 when it was not called. */
  readonly exitCode: number;
  /** The argument of `stop`, or the failure; empty when the guest has ended by itself. */
  readonly reason: string;
  /** The failure, if any. */
  readonly error?: MachineError;
}

/** Events of a machine, by name. */
export interface MachineEvents {
  /** The status has changed. */
  readonly status: MachineStatus;
  /** Console output as it is produced; the listener may keep the bytes. */
  readonly output: Uint8Array<ArrayBuffer>;
  /** The machine has ended; a reset one can end again. */
  readonly end: MachineEnd;
  /** A check that the guest has reported through the checkpoint device. */
  readonly check: { readonly name: string; readonly ok: boolean; readonly detail: string };
  /**
   * The sanitizer has found a missing invalidation of the guest (`iotlbCheck` of the
   * host).
   */
  readonly finding: Finding;
  /**
   * A device of the machine has used a stale entry, which becomes a finding unless the
   * missing command still comes.
   */
  readonly suspect: Finding;
  /**
   * The guest's SMMU has refused a stream or a command, with the reason: the field of the
   * STE, the CD or the command and the limit that it violates, or the descriptor. Each
   * reason once until a reset, at most 256.
   */
  readonly refusal: SmmuRefusal;
  /**
   * A phase of the guest's program (CHECKPOINT_PHASE_*) began or ended, reported through
   * the checkpoint device.
   */
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

/** Counters of a machine as plain data. */
export interface MachineStatistics {
  /**
   * Time of its devices in ns. On the board `virt` an instruction takes one, and the time
   * in which its vCPUs sleep is skipped; on the standard board it is the computer's time.
   */
  readonly timeNs: number;
  readonly exits: ExitStatistics;
  /**
   * Exits of a WebAssembly guest, counted again at its import object; absent for others.
   */
  readonly imports?: ImportCalls;
  readonly vcmdq: {
    /**
     * Number of VCMDQs of the machine, or of its ECMDQs, or the command buffer of an AMD
     * IOMMU.
     */
    readonly queues: number;
    readonly commands: number;
    readonly syncs: number;
    /** Commands whose VMID or StreamID was replaced. */
    readonly rewrites: number;
    /** Calls of the guest's doorbell: they stay inside WebAssembly and are not exits. */
    readonly doorbellCalls: number;
  };
  readonly drain: DrainReport;
  /** Counters of the SMMU that all machines of the host share. */
  readonly smmu: SmmuCounters;
}

/** How to start a machine. */
export interface BootOptions {
  /** Do not run yet, but wait for `step` or `resume`. Default false. */
  readonly paused?: boolean;
  /** Stops the machine when it is aborted, even during the boot. */
  readonly signal?: AbortSignal;
}
