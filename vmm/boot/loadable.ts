// SPDX-License-Identifier: MIT
// A kernel file prepared for a machine's RAM, in any format.

/** RAM of a machine, in gpa. */
export interface RamRange {
  readonly base: number;
  /** In bytes. */
  readonly size: number;
}

/** Bytes of a file and their place. */
export interface LoadedSegment {
  readonly gpa: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A kernel at its place in RAM. */
export interface LoadedKernel {
  readonly format: 'image' | 'elf' | 'flat';
  /** gpa of the first instruction. */
  readonly entry: number;
  /** Its bytes and their places, in this order; RAM between and after them is zero. */
  readonly segments: readonly LoadedSegment[];
  /** gpa after the last byte of the kernel, including its uninitialized data. */
  readonly end: number;
}
