// SPDX-License-Identifier: MIT
// Rings of commands that a VMM hands over: in its guest's memory, where the drain fetches
// from, or in its own, which the host goes over command by command.

import {
  CMD_OP,
  CMD_SSEC,
  OP_CMD_SYNC,
  SYNC_CS,
  SYNC_CS_NONE,
} from '../../../assembly/layout/commands.ts';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import { fieldOf } from '../../../devices/plugin/index.ts';
import { MAX_QUEUE_LOG2SIZE } from '../../../devices/smmuv3/id-registers.ts';
import type { InvalidateQueueResult } from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { commandAt, hostInvalidation, type Invalidator } from './invalidations.ts';

/** Commands of one call: as many as one round of the drain has. */
const COMMANDS_PER_CALL = 1024;

/** A ring in the guest's memory, as it was found. */
export interface ResolvedRing {
  readonly base: bigint;
  readonly log2size: number;
  /** Of the stage 2, when it was found. */
  readonly changes: number;
  /** Byte offset in the guest's memory; 0 when nothing lies there. */
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

/** @throws {IommufdError} EINVAL for a ring that no SMMU has, or whose memory has another size. */
export function checkRing(base: bigint | Uint8Array, log2size: number): void {
  require(Number.isInteger(log2size) &&
    log2size >= 0 &&
    log2size <= MAX_QUEUE_LOG2SIZE, 'EINVAL', `a ring has 2^0 to 2^${MAX_QUEUE_LOG2SIZE} entries`);
  require(typeof base === 'bigint' ||
    base.length === CMDQ_ENTRY_SIZE * 2 ** log2size, 'EINVAL', 'the ring has another size');
}

/**
 * Carries out what lies between head and tail, in chunks of at most `chunk` commands.
 * A CMD_SYNC has nothing to wait for: what stands before it is complete when it is issued.
 *
 * @param issue has the host's queue complete commands; false when the SMMU refuses one.
 * @returns 'unsupported' with the index of the command that is the VMM's to emulate, or
 *   'error' with the first of the chunk that the SMMU did not take.
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
  // True when the SMMU has taken what is pending.
  const flush = (): boolean => {
    if (pending.length > 0 && !issue(pending)) return false;
    pending = [];
    first = next;
    return true;
  };
  for (let count = 0; next !== end && count < COMMANDS_PER_CALL; count++) {
    const at = (next % 2 ** log2size) * CMDQ_ENTRY_SIZE;
    const command = commandAt(view, at);
    // A Secure command is illegal: that is the guest's SMMU to say.
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

/** A CMD_SYNC that asks for no interrupt and no MSI: those are the VMM's to give. */
function isPlainSync(command: Uint32Array): boolean {
  return (
    fieldOf(command, CMD_OP) === OP_CMD_SYNC &&
    fieldOf(command, CMD_SSEC) === 0 &&
    fieldOf(command, SYNC_CS) === SYNC_CS_NONE
  );
}
