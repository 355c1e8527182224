// SPDX-License-Identifier: MIT
// Register map of the checkpoint device: a guest reports its progress and its results to
// the host (like QEMU's debug-exit device, with more words). All registers are 32-bit.

/** Bytes of the register region. */
export const CHECKPOINT_REGION_SIZE = 0x1000;
/** Reads CHECKPOINT_ID_VALUE. */
export const CHECKPOINT_ID = 0x00;
/** "CKP1". */
export const CHECKPOINT_ID_VALUE = 0x31504b43; // "CKP1"
/**
 * A write of a CHECKPOINT_PHASE_* reports its beginning, with bit 31 set its end. Reads
 * the last value written.
 */
export const CHECKPOINT_PHASE = 0x04;
/** In CHECKPOINT_PHASE: the phase has ended. */
export const CHECKPOINT_PHASE_END = 0x80000000;
/**
 * Result of a check: 1 passed, 0 failed. DATA 0 to 3: gpa and length of its name, gpa and
 * length of a detail (text in RAM).
 */
export const CHECKPOINT_RESULT = 0x08;
/** Eight words of payload for the next PHASE or RESULT write. */
export const CHECKPOINT_DATA = 0x10;
/** Words of CHECKPOINT_DATA. */
export const CHECKPOINT_DATA_WORDS = 8;
/** Longest name or detail in bytes; longer ones are truncated. */
export const CHECKPOINT_MAX_TEXT = 240;

/**
 * An attack on another machine of the host: the host compares that machine's state before
 * and after.
 */
export const CHECKPOINT_PHASE_ATTACK = 1;
/**
 * A measurement. At its end DATA holds: 0 path (CHECKPOINT_PATH_*), 1 commands per batch,
 * 2 p50 and 3 p99 in ns of a batch with its CMD_SYNC, 4 batches, 5 exits and 6 doorbell
 * calls between the first doorbell and the last completion of all batches.
 */
export const CHECKPOINT_PHASE_MEASURE = 2;
/**
 * One TLBI, traced from the guest's store to its completion. At its end DATA holds: 0
 * path (CHECKPOINT_PATH_*), 1 LVCMDQ (direct path), 2 PROD before and 3 after the
 * last batch, 4 ns to write the commands into the ring, 5 ns until CONS shows their
 * completion (both the mean of all), 6 batches, 7 exits during all of them.
 */
export const CHECKPOINT_PHASE_TRACE = 3;
/** A path: commands go through the trapped CMDQ. */
export const CHECKPOINT_PATH_TRAPPED = 0;
/** A path: commands go through a VCMDQ. */
export const CHECKPOINT_PATH_DIRECT = 1;
