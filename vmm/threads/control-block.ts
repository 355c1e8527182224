// SPDX-License-Identifier: MIT
// What threads tell each other beside guest and host memory: 32-bit words of a
// SharedArrayBuffer, no guest can reach it. Indexes of an Int32Array.

/** Side core: words of the one block that a drain worker has. */
export const SIDE_WORDS = 16;
/** 1: end. Written by the VMM, polled in every round. */
export const SIDE_STOP = 0;
/** Raised by the VMM before it sends a message: the loop lets it in. */
export const SIDE_MESSAGES = 1;
/** Rounds of the outer loop so far; moves while the thread is alive. Written by the drain. */
export const SIDE_ROUNDS = 2;
/** Naps so far. Written by the drain. */
export const SIDE_NAPS = 3;
/** How long the drain spins without work before it naps. Written by the VMM. */
export const SIDE_SPIN_MICROSECONDS = 4;
/** Milliseconds that the drain sleeps before each turn: a fault that is injected. Written by the VMM. */
export const SIDE_DELAY_MS = 5;
/** 1 while none of the machines can store to a queue: all of them are paused, and stand. Written by the VMM. */
export const SIDE_STANDING = 6;
/** What the drain sleeps on, unless a guest wakes it: raised by the VMM, then notified. */
export const SIDE_WAKE = 7;
/** What the VMM's thread sleeps on, in the block of words that it gives each worker; raised, then notified. Used for nothing else. */
export const VMM_WAKE = 0;
/** 1 while the VMM's thread sleeps or is about to. */
export const VMM_SLEEPING = 1;
export const VMM_WORDS = 4;

/** Bytes of a vCPU's mailbox (mailbox.ts). */
export const MAILBOX_BYTES = 256;
