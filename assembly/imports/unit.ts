// SPDX-License-Identifier: MIT
// Constants of a unit, imported as immutable globals: instances share their code and have no state of their own.

/** Window of the guest memory that this unit reaches; 0 for the host's own unit. */
export declare const WINDOW: i32;
/** Byte offset of the thread block in host memory. */
export declare const THREAD: usize;
/** Index of the thread block, + 1. */
export declare const THREAD_ID: i32;
/**
 * Window that physical addresses name the guest memory by: WINDOW, or 0 where the guest works the SMMUs
 * itself. There is no host RAM then.
 */
export declare const PA_WINDOW: i32;
/** Host RAM: byte offset in host memory, and size. */
export declare const RAM_BASE: i32;
export declare const RAM_SIZE: i32;
/** Words of guest memory that ask vCPUs for an exit: how many, the first one's byte offset, bytes from one to the next, what is stored in each. */
export declare const EXIT_COUNT: i32;
export declare const EXIT_OFFSET: i32;
export declare const EXIT_STRIDE: i32;
export declare const EXIT_VALUE: i32;
/** 1 where the SMMU core has the sanitizer in it. */
export declare const CHECKED: i32;
