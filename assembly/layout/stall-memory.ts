// SPDX-License-Identifier: MIT
// Stalled transactions in an SMMU block: one 64-bit word each, so that a command and an
// endpoint can only meet in a whole one. Bits 0 to 15 the STAG (its low bits are the
// entry's index, the rest count uses of the entry), bits 16 to 19 STALL_*, bits 32 to 63
// the physical StreamID.

export const SMMU_AT_STALLS = 0xe0000;
/** Entries of the table, a power of two: the largest IDR5.STALL_MAX. */
export const MAX_STALLS = 1024;
/**
 * Most of them of one stream, so that no guest keeps others from stalling; never more than
 * half of IDR5.STALL_MAX, and at least one. One more waits in front of the SMMU.
 */
export const STALLS_PER_STREAM = 16;
export const STALL_SIZE = 8;
export const STALL_STATE_SHIFT = 16;
export const STALL_FREE = 0;
/** Waits for CMD_RESUME or CMD_STALL_TERM. */
export const STALL_WAITING = 1;
// Answered; the endpoint has not seen it yet.
/** CMD_RESUME with Retry: the access is to be translated again. */
export const STALL_RETRY = 2;
/** CMD_RESUME with Terminate and Abort, or CMD_STALL_TERM: it ends as `TRANSLATE_ABORT`. */
export const STALL_ABORT = 3;
/** CMD_RESUME with Terminate and no Abort: it ends as `TRANSLATE_RAZWI`. */
export const STALL_RAZWI = 4;
/** Its endpoint has given it up; software has not answered yet. */
export const STALL_ABANDONED = 5;
