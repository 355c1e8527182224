// SPDX-License-Identifier: MIT
// How much RAM a host's kernel needs, computed from the ID registers of its SMMUs.

import {
  CMDQ_ENTRY_SIZE,
  EVENTQ_ENTRY_SIZE,
  IDR1_CMDQS,
  IDR1_EVENTQS,
  IDR1_PRIQS,
  PRIQ_ENTRY_SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../../devices/plugin/index.ts';
import { PHYSICAL_ID_REGISTERS, type SmmuIdRegisters } from '../../devices/smmuv3/index.ts';

/**
 * Host RAM for each SMMU: its stream table, its queues and the stage 2 tables of its VMs.
 */
const RAM_PER_SMMU = 0x1000000;
/** The share of it that is reserved for queues. */
const RAM_FOR_QUEUES = 0x100000;
const RAM_UNIT = 0x10000;

/** What determines the size of an SMMU's queues. */
export interface SmmuQueueNumbers {
  /** Default PHYSICAL_ID_REGISTERS. */
  readonly idRegisters?: SmmuIdRegisters | undefined;
  /** VINTFs of its CMDQV, and VCMDQs. */
  readonly vintfs: number;
  readonly vcmdqs: number;
}

/**
 * Bytes of the queues that a kernel allocates for an SMMU and for its own VINTF, each
 * aligned to its size. The pieces are in boot order: a piece that is no larger than its
 * predecessor needs no padding.
 */
function queueBytes({
  idRegisters: { idr1 } = PHYSICAL_ID_REGISTERS,
  vintfs,
  vcmdqs,
}: SmmuQueueNumbers): number {
  const entries = (field: number) => 2 ** bitsOf(idr1, field);
  const commands = CMDQ_ENTRY_SIZE * entries(IDR1_CMDQS);
  const pieces = [
    commands,
    EVENTQ_ENTRY_SIZE * entries(IDR1_EVENTQS),
    PRIQ_ENTRY_SIZE * entries(IDR1_PRIQS),
    ...Array.from({ length: vcmdqs / vintfs }, () => commands),
  ];
  return pieces.reduce((sum, size, i) => sum + size + Math.max(0, size - (pieces[i - 1] ?? 0)), 0);
}

/**
 * Bytes of host RAM that suffice for these SMMUs, a multiple of 64 KiB: 16 MiB each, and
 * more for large queues.
 */
export function sufficientRam(smmus: readonly SmmuQueueNumbers[]): number {
  const more = smmus.map((smmu) => Math.max(0, queueBytes(smmu) - RAM_FOR_QUEUES));
  return more.reduce((sum, size) => sum + RAM_PER_SMMU + Math.ceil(size / RAM_UNIT) * RAM_UNIT, 0);
}
