// SPDX-License-Identifier: MIT
// What a host of VMs is made of, and what it counts.

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
  /** VINTFs of the CMDQV, the host's own among them: a power of two from 1 to 64. Default 16. */
  readonly vintfs?: number;
  /** VCMDQs of the CMDQV: a power of two from `vintfs` to 128. Default twice the VINTFs, at most 128. */
  readonly vcmdqs?: number;
  /** ID registers of the SMMU. */
  readonly idRegisters?: SmmuIdRegisters;
  /** Puts something around the CMDQV, such as `QuirkyCmdqv` of `vsmmu/testing`; the host works what this returns. */
  readonly wrapCmdqv?: (cmdqv: Device) => Device;
  /** Milliseconds that an endpoint has to answer an ATC_INV before a CMD_SYNC fails, 0 to 2^32 - 1. Default 100. */
  readonly atcTimeout?: number;
}

/** What is said here of an SMMU holds for each that `smmus` does not say it of. */
export interface VmHostOptions extends HostSmmuOptions {
  /** The hot modules, when they are compiled already. */
  readonly modules?: HotModules;
  /** The SMMUs that the host has, 1 to 16. Default: one. */
  readonly smmus?: readonly HostSmmuOptions[];
  /** Bytes of host RAM, a multiple of 64 KiB. Default 16 MiB for each SMMU, and more for one with large queues. */
  readonly ramSize?: number;
  /** Units of the trace ring (`createHostMemory`). Default: nothing is traced. */
  readonly traceUnits?: number | undefined;
  /** Asked about every bad command of a VM before the VM learns of it. Default: report. */
  readonly onQueueError?: QueueErrorPolicy;
  /** Behave as Linux does where its behaviour loses something; docs/iommufd.md lists where. */
  readonly linuxCompat?: boolean;
  /**
   * vCPUs do not run under the VMIDs that stages 2 have, but under numbers of their own, as a fault of the host: what
   * `btm` would come to without the rule that both are one.
   */
  readonly separateVmids?: boolean;
  readonly clock?: Clock;
  /**
   * Told of what the host allocates for its VMs, and of each access to a guest's memory
   * on a VM's behalf, before it happens.
   */
  readonly gate?: ResourceGate;
  /**
   * Take the SMMU core with the sanitizer (docs/sanitizer.md); `modules` that are given
   * have it or not. Default false.
   */
  readonly iotlbCheck?: boolean;
  /** Told of each finding of the sanitizer, at safe points, and whose stream it is, if anybody's. */
  readonly onFinding?: (finding: Finding, owner: FindingOwner | undefined) => void;
  /** The same of what it suspects: a stale entry was used, and the command that is missing may yet come. */
  readonly onSuspect?: (finding: Finding, owner: FindingOwner | undefined) => void;
}

/** One SMMU of a host as its options say it, defaults included. */
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
  /** Number of the physical SMMU that it is behind, from 0. Default 0. */
  readonly smmu?: number;
  /**
   * The guest rings its CMDQ itself (the overlay path), where its SMMU is given the
   * backend's `overlay`. Default false.
   */
  readonly overlay?: boolean;
  /**
   * The guest's SMMU takes part in the broadcast TLB maintenance of the VM's vCPUs
   * (IDR0.BTM). Only where the physical SMMU does, and for the VM's first vIOMMU: its
   * stage 2 has the VMID that the vCPUs run under. Default false.
   */
  readonly btm?: boolean;
  /** Default: the host's. */
  readonly onQueueError?: QueueErrorPolicy;
}

/** Counts of a host, as plain data. */
export interface HostStatistics {
  /** SMMU 0, or the AMD IOMMU as far as it counts the same. */
  readonly smmu: SmmuCounters;
  /** Every SMMU. */
  readonly smmus: readonly SmmuCounters[];
  readonly vms: number;
  /** Of an AMD IOMMU its DomainIDs. */
  readonly vmidsInUse: number;
  /** Generations of VMIDs so far, from 1. */
  readonly vmidGeneration: number;
  /** VINTFs that are lent, of all SMMUs. */
  readonly vintfsInUse: number;
  /** Bytes of host RAM that are given out. */
  readonly ramInUse: number;
  /** Times that a VINTF or VCMDQ was taken back although it did not say that it had stopped. */
  readonly cmdqvTimeouts: number;
  /** Event records whose stream belongs to no VM. */
  readonly strayEvents: number;
  /** Absent without the sanitizer. */
  readonly sanitizer?: SanitizerCounts;
}
