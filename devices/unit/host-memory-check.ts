// SPDX-License-Identifier: MIT

import { HOST_AT_MAGIC, HOST_MAGIC } from '../../assembly/layout/host-memory.ts';

/** @throws {TypeError} unless it is a memory that `createHostMemory` has made. */
export function checkHostMemory(memory: WebAssembly.Memory, what: string): void {
  const isMade =
    memory instanceof WebAssembly.Memory &&
    new Int32Array(memory.buffer)[HOST_AT_MAGIC >> 2] === HOST_MAGIC;
  if (!isMade) throw new TypeError(`${what} must be a memory of createHostMemory`);
}
