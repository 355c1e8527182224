// SPDX-License-Identifier: MIT
// What a kernel file comes to in a machine's RAM, whatever its format.

/** RAM of a machine, in gpa. */
export interface RamRange {
  readonly base: number;
  /** Bytes. */
  readonly size: number;
}

/** Bytes of a file at their place. */
export interface LoadedSegment {
  readonly gpa: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A kernel at its place in RAM. */
export interface LoadedKernel {
  readonly format: 'image' | 'elf' | 'flat';
  /** gpa of the first instruction. */
  readonly entry: number;
  /** Where its bytes go, in this order; RAM between and after them is zero. */
  readonly segments: readonly LoadedSegment[];
  /** gpa behind the last byte that belongs to the kernel, its uninitialized data included. */
  readonly end: number;
}
