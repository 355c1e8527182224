// SPDX-License-Identifier: MIT
// Options and statistics of a host of VMs.

import type { HotModules } from '../../assembly/load.ts';
import type { Clock } from '../../devices/bus/index.ts';
import type { Device } from '../../devices/plugin/index.ts';
import type { SmmuIdRegisters } from '../../devices/smmuv3/index.ts';
import type { ResourceGate } from '../../host/iommufd/index.ts';
import type { SmmuCounters } from '../inspect/index.ts';
import type { Finding, FindingOwner, SanitizerCounts } from '../inspect/sanitizer/index.ts';
import type { QueueErrorPolicy } from './queue-error-policy.ts';

/** One physical SMMU with its CMDQV. */
export interface HostSmmuOptions {
  /**
   * Number of VINTFs of the CMDQV, including the host's own: a power of two from 1 to 64.
   * Default 16.
   */
  readonly vintfs?: number;
  /**
   * Number of VCMDQs of the CMDQV: a power of two from `vintfs` to 128. Default twice the
   * VINTFs, at most 128.
   */
  readonly vcmdqs?: number;
  /** ID registers of the SMMU. */
  readonly idRegisters?: SmmuIdRegisters;
  /**
   * Wraps the CMDQV, as with `QuirkyCmdqv` of `vsmmu/testing`; the host uses the returned
   * device.
   */
  readonly wrapCmdqv?: (cmdqv: Device) => Device;
  /**
   * Milliseconds within which an endpoint has to respond to an ATC_INV before a CMD_SYNC
   * fails, 0 to 2^31 - 1. Default 500.
   */
  readonly atcTimeout?: number;
}

/** Settings of an SMMU here are the defaults for each element of `smmus`. */
export interface VmHostOptions extends HostSmmuOptions {
  /** The compiled hot modules. */
  readonly modules?: HotModules;
  /** The host's SMMUs, 1 to 16. Default: one. */
  readonly smmus?: readonly HostSmmuOptions[];
  /**
   * Bytes of host RAM, a multiple of 64 KiB. Default 16 MiB for each SMMU, and more for
   * one with large queues.
   */
  readonly ramSize?: number;
  /** Units of the trace ring (`createHostMemory`). Default: nothing is traced. */
  readonly traceUnits?: number | undefined;
  /** Called for every bad command of a VM, before the VM is notified. Default: report. */
  readonly onQueueError?: QueueErrorPolicy;
  /**
   * Behave like Linux where its behaviour loses something; docs/iommufd.md lists the
   * cases.
   */
  readonly linuxCompat?: boolean;
  /**
   * A fault of the host: vCPUs run with VMIDs of their own instead of those of their
   * stages 2, which shows why `btm` requires them to be equal.
   */
  readonly separateVmids?: boolean;
  readonly clock?: Clock;
  /**
   * Called before the host allocates something for its VMs, and before each access to a
   * guest's memory on a VM's behalf.
   */
  readonly gate?: ResourceGate;
  /**
   * Use the SMMU core with the sanitizer (docs/sanitizer.md); `modules` decide by
   * themselves. Default false.
   */
  readonly iotlbCheck?: boolean;
  /**
   * Called with each finding of the sanitizer, at safe points, and the owner of its
   * stream, if any.
   */
  readonly onFinding?: (finding: Finding, owner: FindingOwner | undefined) => void;
  /**
   * Called with each suspect likewise: a stale entry was used, and the missing command
   * may still come.
   */
  readonly onSuspect?: (finding: Finding, owner: FindingOwner | undefined) => void;
}

/** One SMMU of a host from its options, with defaults. */
export function smmuOfOptions(
  options: HostSmmuOptions,
  own: HostSmmuOptions,
): HostSmmuOptions & { readonly vintfs: number; readonly vcmdqs: number } {
  const { vintfs = 16, vcmdqs = Math.min(2 * vintfs, 128), ...others } = { ...options, ...own };
  return { ...others, vintfs, vcmdqs };
}

export interface CreateViommuOptions {
  /** With a VINTF of the CMDQV, for `createVintf`. Default false. */
  readonly cmdqv?: boolean;
  /** Number of the physical SMMU that it is nested in, from 0. Default 0. */
  readonly smmu?: number;
  /**
   * The guest rings its CMDQ directly (the overlay path), if its SMMU gets the backend's
   * `overlay`. Default false.
   */
  readonly overlay?: boolean;
  /**
   * The guest's SMMU takes part in the broadcast TLB maintenance of the VM's vCPUs
   * (IDR0.BTM). Only if the physical SMMU does, and for the VM's first vIOMMU: its stage
   * 2 has the VMID of the vCPUs. Default false.
   */
  readonly btm?: boolean;
  /** Default: the host's. */
  readonly onQueueError?: QueueErrorPolicy;
}

/** Counters of a host as plain data. */
export interface HostStatistics {
  /** SMMU 0, or those counters that an AMD IOMMU has too. */
  readonly smmu: SmmuCounters;
  /** Every SMMU. */
  readonly smmus: readonly SmmuCounters[];
  readonly vms: number;
  /** For an AMD IOMMU its DomainIDs. */
  readonly vmidsInUse: number;
  /** Generations of VMIDs so far, from 1. */
  readonly vmidGeneration: number;
  /** Lent VINTFs of all SMMUs. */
  readonly vintfsInUse: number;
  /** Bytes of host RAM that are allocated. */
  readonly ramInUse: number;
  /**
   * How often a VINTF or VCMDQ was reclaimed although it did not report that it had
   * stopped.
   */
  readonly cmdqvTimeouts: number;
  /** Event records whose stream belongs to no VM. */
  readonly strayEvents: number;
  /** Absent without the sanitizer. */
  readonly sanitizer?: SanitizerCounts;
}
