// SPDX-License-Identifier: MIT
// Imports of the SMMU core and the drain from the guest port (the file's name is the
// import module's name). Offsets are byte offsets in guest memory that `resolve` has
// returned; at an offset that is unaligned or outside memory, a load reads 0 and a store
// has no effect.

/**
 * Offset of `length` bytes at a gpa, or NO_OFFSET when they are not in one region of RAM.
 */
export declare function resolve(gpa: u64, length: u32): u32;
export declare function load32(offset: u32): u32;
export declare function store32(offset: u32, value: u32): void;
export declare function load64(offset: u32): u64;
/** 16 bytes, aligned to 16. */
export declare function load128(offset: u32): v128;
export declare function store64(offset: u32, value: u64): void;
/** Replaces a word atomically if it is `old`; returns the value found. */
export declare function cas64(offset: u32, old: u64, value: u64): u64;
