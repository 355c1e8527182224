// What a host of VMs is made of, and what it counts.

import {
  CMDQ_ENTRY_SIZE,
  EVTQ_ENTRY_SIZE,
  IDR1_CMDQS,
  IDR1_EVTQS,
  IDR1_PRIQS,
  PRIQ_ENTRY_SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import type { HotModules } from '../../assembly/load.ts';
import type { Clock } from '../../devices/bus/index.ts';
import { bitsOf, type Device } from '../../devices/plugin/index.ts';
import { PHYSICAL_ID_REGISTERS, type SmmuIdRegisters } from '../../devices/smmuv3/index.ts';
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

/** Host RAM for each SMMU: its stream table, its queues, and the stage 2 tables of its VMs. */
const RAM_PER_SMMU = 0x1000000;
/** Of that, what queues may need. */
const RAM_FOR_QUEUES = 0x100000;
const RAM_UNIT = 0x10000;

/** Bytes of the queues of an SMMU, each aligned to its size. */
function queueBytes({ idr1 }: SmmuIdRegisters): number {
  const entries = (field: number) => 2 ** bitsOf(idr1, field);
  const bytes =
    CMDQ_ENTRY_SIZE * entries(IDR1_CMDQS) +
    EVTQ_ENTRY_SIZE * entries(IDR1_EVTQS) +
    PRIQ_ENTRY_SIZE * entries(IDR1_PRIQS);
  return 2 * bytes;
}

/** Host RAM that is enough for SMMUs like these. */
export function defaultRamSize(
  { idRegisters: common = PHYSICAL_ID_REGISTERS }: HostSmmuOptions,
  smmus: readonly HostSmmuOptions[],
): number {
  const sizes = smmus.map(({ idRegisters = common }) =>
    Math.max(0, queueBytes(idRegisters) - RAM_FOR_QUEUES),
  );
  const more = sizes.reduce((sum, size) => sum + Math.ceil(size / RAM_UNIT) * RAM_UNIT, 0);
  return RAM_PER_SMMU * smmus.length + more;
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
  /** SMMU 0. */
  readonly smmu: SmmuCounters;
  /** Every SMMU. */
  readonly smmus: readonly SmmuCounters[];
  readonly vms: number;
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
