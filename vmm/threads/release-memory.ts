// SPDX-License-Identifier: MIT
// Helps an engine to collect a shared memory without references.

/** Enough that an engine collects garbage after a few of them. */
const COUNTED_BYTES = 64 * 2 ** 20;

/**
 * Call this when this thread has dropped its references to a shared memory. V8 does not
 * count those for the threads that refer to them, so a thread without other garbage would
 * keep them for ever, each with 10 GiB of address space. An ArrayBuffer is counted, and
 * costs nothing while it is not touched.
 */
export function releaseMemory(): number {
  return new ArrayBuffer(COUNTED_BYTES).byteLength;
}
