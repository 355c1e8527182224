// SPDX-License-Identifier: MIT
// What becomes of a memory that nobody refers to any more.

/** Enough that an engine looks for garbage after a few of them. */
const COUNTED_BYTES = 64 * 2 ** 20;

/**
 * To be called when this thread has let go of a shared memory. V8 does not count those as a cost of the threads that refer to them, so
 * that a thread without other garbage would keep them for ever, each with 10 GiB of address space. An ArrayBuffer is counted, and costs
 * nothing while nobody touches it.
 */
export function releaseMemory(): number {
  return new ArrayBuffer(COUNTED_BYTES).byteLength;
}
