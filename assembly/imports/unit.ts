// SPDX-License-Identifier: MIT
// Constants of a unit, imported as immutable globals: instances share their code and have
// no state of their own.

/** Window of the guest memory that this unit reaches; 0 for the host's own unit. */
export declare const WINDOW: i32;
/** Byte offset of the thread block in host memory. */
export declare const THREAD: usize;
/** Index of the thread block, + 1, so that 0 means no thread in an ownership word. */
export declare const THREAD_ID: i32;
/**
 * The guest memory's window in physical addresses: WINDOW, or 0 where the guest uses the
 * SMMUs itself. There is no host RAM in the latter case.
 */
export declare const PA_WINDOW: i32;
/** Host RAM: byte offset in host memory, and size. */
export declare const RAM_BASE: i32;
export declare const RAM_SIZE: i32;
/**
 * Words of guest memory that request exits of vCPUs: their number, the byte offset of the
 * first, the distance between two in bytes, and the value to store in each.
 */
export declare const EXIT_COUNT: i32;
export declare const EXIT_OFFSET: i32;
export declare const EXIT_STRIDE: i32;
export declare const EXIT_VALUE: i32;
/** 1 when the SMMU core has the sanitizer. */
export declare const CHECKED: i32;
