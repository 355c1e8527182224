// SPDX-License-Identifier: MIT
// Place and size of an SMMUv3's queues and stream table, and interpretation of a queue's
// indexes, from register values (IHI 0070 section 3.5).

import {
  CMDQ_ENTRY_SIZE,
  EVENTQ_ENTRY_SIZE,
  IDR1_CMDQS,
  IDR1_EVENTQS,
  IDR1_PRIQS,
  IDR1_SIDSIZE,
  PRIQ_ENTRY_SIZE,
  Q_BASE_LOG2SIZE,
  Q_OVFLG,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
  SMMU_PRIQ_BASE,
  SMMU_PRIQ_CONS,
  SMMU_PRIQ_PROD,
  STRTAB_BASE_CFG_FMT,
  STRTAB_BASE_CFG_LOG2SIZE,
  STRTAB_BASE_CFG_SPLIT,
  STRTAB_FMT_2LEVEL,
} from '../../assembly/layout/smmu-registers.ts';
import { L1STD_SIZE, STE_SIZE } from '../../assembly/layout/ste.ts';
import { bitsOf, type Field, maskInWord } from '../plugin/index.ts';

/**
 * Place of a queue or the stream table: effective address (aligned, a PA or gpa) and log2
 * of its number of entries.
 */
export interface TableShape {
  readonly base: number;
  readonly log2size: number;
}

/**
 * A stream table; `split` is undefined when it is linear, otherwise the number of
 * StreamID bits that index a level-2 table.
 */
export interface StreamTableShape extends TableShape {
  readonly split: number | undefined;
}

/** Values of STRTAB_BASE_CFG.SPLIT; a reserved one acts as the first. */
const SPLITS = [6, 8, 10] as const;

/**
 * A queue's base register, the field of IDR1 that limits its size, and the size of its
 * entries.
 */
export interface QueueKind {
  readonly base: number;
  readonly limit: Field;
  readonly entrySize: number;
}

export const COMMAND_QUEUE: QueueKind = {
  base: SMMU_CMDQ_BASE,
  limit: IDR1_CMDQS,
  entrySize: CMDQ_ENTRY_SIZE,
};
export const EVENT_QUEUE: QueueKind = {
  base: SMMU_EVENTQ_BASE,
  limit: IDR1_EVENTQS,
  entrySize: EVENTQ_ENTRY_SIZE,
};
export const PRI_QUEUE: QueueKind = {
  base: SMMU_PRIQ_BASE,
  limit: IDR1_PRIQS,
  entrySize: PRIQ_ENTRY_SIZE,
};
export const QUEUES: readonly QueueKind[] = [COMMAND_QUEUE, EVENT_QUEUE, PRI_QUEUE];

/** Queues by their PROD and CONS registers. */
export const QUEUE_OF_INDEX: ReadonlyMap<number, QueueKind> = new Map([
  [SMMU_CMDQ_PROD, COMMAND_QUEUE],
  [SMMU_CMDQ_CONS, COMMAND_QUEUE],
  [SMMU_EVENTQ_PROD, EVENT_QUEUE],
  [SMMU_EVENTQ_CONS, EVENT_QUEUE],
  [SMMU_PRIQ_PROD, PRI_QUEUE],
  [SMMU_PRIQ_CONS, PRI_QUEUE],
]);

/** ADDR[51:32] of a base register's high word. */
const ADDRESS_HI = 0xfffff;
/** Queues are aligned to their size, and at least to 32 bytes. */
const MIN_QUEUE_ALIGNMENT = 32;

function addressOf(lo: number, hi: number): number {
  return (hi & ADDRESS_HI) * 2 ** 32 + lo;
}

/**
 * log2 of a queue's number of entries, from the low word of its base register, limited by
 * IDR1.
 */
export function queueLog2size(lo: number, idr1: number, { limit }: QueueKind): number {
  return Math.min(bitsOf(lo, Q_BASE_LOG2SIZE), bitsOf(idr1, limit));
}

/**
 * The stream table, from the words of STRTAB_BASE, STRTAB_BASE_CFG and IDR1. The SMMU
 * aligns it to the size of its first level, like queues.
 */
export function streamTableShape(
  lo: number,
  hi: number,
  config: number,
  idr1: number,
): StreamTableShape {
  const log2size = Math.min(bitsOf(config, STRTAB_BASE_CFG_LOG2SIZE), bitsOf(idr1, IDR1_SIDSIZE));
  const twoLevel = bitsOf(config, STRTAB_BASE_CFG_FMT) === STRTAB_FMT_2LEVEL;
  const declared = bitsOf(config, STRTAB_BASE_CFG_SPLIT);
  const split = twoLevel ? (SPLITS.find((value) => value === declared) ?? SPLITS[0]) : undefined;
  const size =
    split === undefined
      ? STE_SIZE * 2 ** log2size
      : Math.max(STE_SIZE, L1STD_SIZE * 2 ** Math.max(0, log2size - split));
  const address = addressOf(lo, hi);
  return { base: address - (address % size), log2size, split };
}

/** The queue whose base register has these two words. */
export function queueShape(
  lo: number,
  hi: number,
  log2size: number,
  entrySize: number,
): TableShape {
  const address = addressOf(lo, hi);
  return {
    base: address - (address % Math.max(MIN_QUEUE_ALIGNMENT, entrySize * 2 ** log2size)),
    log2size,
  };
}

/** The queue index in a PROD or CONS value, including the wrap bit. */
export function queueIndex(value: number, log2size: number): number {
  return value & ((2 << log2size) - 1);
}

/** OVFLG of a PROD value, or OVACKFLG of a CONS value, in place. */
export function overflowFlag(value: number): number {
  return (value & maskInWord(Q_OVFLG)) >>> 0;
}
