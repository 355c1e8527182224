// SPDX-License-Identifier: MIT
// Command rings that a VMM passes in: in its guest's memory, where the drain fetches
// from, or in its own, which the host processes command by command.

import {
  CMD_OP,
  CMD_SSEC,
  OP_CMD_SYNC,
  SYNC_CS,
  SYNC_CS_NONE,
} from '../../../assembly/layout/commands.ts';
import { SERVICE_COMMANDS } from '../../../assembly/layout/drain-results.ts';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import { fieldOf } from '../../../devices/plugin/index.ts';
import { MAX_QUEUE_LOG2SIZE } from '../../../devices/smmuv3/id-registers.ts';
import type { InvalidateQueueResult } from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { commandAt, hostInvalidation, type Invalidator } from './invalidations.ts';

/** The location of a ring in the guest's memory. */
export interface ResolvedRing {
  readonly base: bigint;
  readonly log2size: number;
  /** `ArmStage2.changes` at the time of the lookup. */
  readonly changes: number;
  /** Byte offset in the guest's memory; 0 when no memory is there. */
  readonly offset: number;
}

/** A ring in the VMM's memory. */
export interface UserRing {
  /** 2^log2size entries. */
  readonly entries: Uint8Array;
  readonly log2size: number;
  /** Indexes with their wrap bits. */
  readonly head: number;
  readonly tail: number;
}

/**
 * @throws {IommufdError} EINVAL for a size that no SMMU supports, or that the memory does
 *   not match.
 */
export function checkRing(base: bigint | Uint8Array, log2size: number): void {
  require(Number.isInteger(log2size) &&
    log2size >= 0 &&
    log2size <= MAX_QUEUE_LOG2SIZE, 'EINVAL', `a ring has 2^0 to 2^${MAX_QUEUE_LOG2SIZE} entries`);
  require(typeof base === 'bigint' ||
    base.length === CMDQ_ENTRY_SIZE * 2 ** log2size, 'EINVAL', 'the ring does not match its size');
}

/**
 * Executes the commands between head and tail, in chunks of at most `chunk` commands, and
 * not more of them than a service by the drain.
 * A CMD_SYNC needs no wait: earlier commands are complete before it is processed.
 *
 * @param issue completes commands on the host's queue; false when the SMMU refuses one.
 * @returns 'unsupported' with the index of the command that the VMM has to emulate, or
 *   'error' with the first command of the chunk that the SMMU refused.
 */
export function invalidateUserRing(
  { entries, log2size, head, tail }: UserRing,
  by: Invalidator,
  chunk: number,
  issue: (commands: readonly Uint32Array[]) => boolean,
): InvalidateQueueResult {
  const indexMask = 2 ** (log2size + 1) - 1;
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  const end = tail & indexMask;
  let first = head & indexMask;
  let next = first;
  let pending: Uint32Array[] = [];
  // True when the SMMU has completed the pending commands.
  const flush = (): boolean => {
    if (pending.length > 0 && !issue(pending)) return false;
    pending = [];
    first = next;
    return true;
  };
  for (let count = 0; next !== end && count < SERVICE_COMMANDS; count++) {
    const at = (next % 2 ** log2size) * CMDQ_ENTRY_SIZE;
    const command = commandAt(view, at);
    // A Secure command is illegal, which the guest's SMMU has to report.
    const secure = fieldOf(command, CMD_SSEC) !== 0;
    const converted = secure ? undefined : hostInvalidation(command, by);
    if (!converted && !isPlainSync(command))
      return flush() ? { head: next, progress: 'unsupported' } : { head: first, progress: 'error' };
    if (converted) pending.push(converted);
    next = (next + 1) & indexMask;
    if (pending.length === chunk && !flush()) return { head: first, progress: 'error' };
  }
  return flush() ? { head: next, progress: 'running' } : { head: first, progress: 'error' };
}

/**
 * Whether it is a CMD_SYNC without interrupt or MSI, which the VMM would have to deliver.
 */
function isPlainSync(command: Uint32Array): boolean {
  return (
    fieldOf(command, CMD_OP) === OP_CMD_SYNC &&
    fieldOf(command, CMD_SSEC) === 0 &&
    fieldOf(command, SYNC_CS) === SYNC_CS_NONE
  );
}
