// SPDX-License-Identifier: MIT
// Control words between threads besides guest and host memory: 32-bit words of a
// SharedArrayBuffer that no guest can reach. Indexes of an Int32Array.

/** Side core: size of the one block of a drain worker, in words. */
export const SIDE_WORDS = 16;
/** 1: end. Written by the VMM, polled in every round. */
export const SIDE_STOP = 0;
/** Incremented by the VMM before it sends a message: the loop then accepts it. */
export const SIDE_MESSAGES = 1;
/**
 * Number of rounds of the outer loop; changes while the thread is alive. Written by the
 * drain.
 */
export const SIDE_ROUNDS = 2;
/** Number of naps. Written by the drain. */
export const SIDE_NAPS = 3;
/** How long the drain spins without work before it naps. Written by the VMM. */
export const SIDE_SPIN_MICROSECONDS = 4;
/**
 * Fault injection: milliseconds that the drain sleeps before each turn. Written by the
 * VMM.
 */
export const SIDE_DELAY_MS = 5;
/**
 * 1 while no machine can store to a queue because all are paused. Written by the VMM.
 */
export const SIDE_STANDING = 6;
/**
 * The word on which the drain sleeps unless a guest wakes it. The VMM increments it, then
 * notifies.
 */
export const SIDE_WAKE = 7;
/**
 * The word on which the VMM's thread sleeps, in the block that each worker gets:
 * incremented, then notified. Used for nothing else.
 */
export const VMM_WAKE = 0;
/** 1 while the VMM's thread sleeps or is about to. */
export const VMM_SLEEPING = 1;
export const VMM_WORDS = 4;

/** Bytes of a vCPU's mailbox (mailbox.ts). */
export const MAILBOX_BYTES = 256;
