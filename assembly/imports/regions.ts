// SPDX-License-Identifier: MIT
// The guest port's list of RAM regions, imported as immutable globals: no value that a
// guest can write affects the memory that the port reaches.

export declare const GPA0: i64;
export declare const OFFSET0: i32;
export declare const SIZE0: i32;
export declare const GPA1: i64;
export declare const OFFSET1: i32;
export declare const SIZE1: i32;
export declare const GPA2: i64;
export declare const OFFSET2: i32;
export declare const SIZE2: i32;
export declare const GPA3: i64;
export declare const OFFSET3: i32;
export declare const SIZE3: i32;
/** Bytes of guest memory, at most 4 GiB - 64 KiB. */
export declare const MEMORY_SIZE: i32;
