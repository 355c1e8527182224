// SPDX-License-Identifier: MIT
// Stalled transactions in an SMMU block: one 64-bit word each, which a command and an
// endpoint can only see as a whole. Bits 0 to 15 are the STAG (its low bits are the
// entry's index, the rest counts uses of the entry), bits 16 to 19 STALL_*, bits 32 to 63
// the physical StreamID.

export const SMMU_AT_STALLS = 0xe0000;
/** Entries of the table, a power of two: the largest IDR5.STALL_MAX. */
export const MAX_STALLS = 1024;
/**
 * The most stalled transactions of one stream, so that no guest keeps others from
 * stalling; never more than half of IDR5.STALL_MAX, and at least one. One more
 * transaction waits in front of the SMMU.
 */
export const STALLS_PER_STREAM = 16;
export const STALL_SIZE = 8;
export const STALL_STATE_SHIFT = 16;
export const STALL_FREE = 0;
/** Waiting for CMD_RESUME or CMD_STALL_TERM. */
export const STALL_WAITING = 1;
// Answered, but the endpoint has not seen the answer yet.
/** CMD_RESUME with Retry: translate the access again. */
export const STALL_RETRY = 2;
/**
 * CMD_RESUME with Terminate and Abort, or CMD_STALL_TERM: ends with `TRANSLATE_ABORT`.
 */
export const STALL_ABORT = 3;
/** CMD_RESUME with Terminate and no Abort: ends with `TRANSLATE_RAZWI`. */
export const STALL_RAZWI = 4;
/** Abandoned by its endpoint; software has not answered yet. */
export const STALL_ABANDONED = 5;
