// SPDX-License-Identifier: MIT

import {
  HOST_AT_MAGIC,
  HOST_AT_SMMU_COUNT,
  HOST_MAGIC,
  MAX_THREADS,
} from '../../assembly/layout/host-memory.ts';
import { checkInteger } from '../plugin/known-values.ts';

/** Maximum number of SMMUs of a host memory. */
export const MAX_SMMUS = 16;

/** @throws {TypeError} unless it is a memory from `createHostMemory`. */
export function checkHostMemory(memory: WebAssembly.Memory, what: string): void {
  const isMade =
    memory instanceof WebAssembly.Memory &&
    new Int32Array(memory.buffer)[HOST_AT_MAGIC >> 2] === HOST_MAGIC;
  if (!isMade) throw new TypeError(`${what} must be a memory of createHostMemory`);
}

/**
 * Checks the index of a block of an SMMU.
 * @param count blocks of its kind that an SMMU has.
 * @param what the block's name in messages: "QueueBlock".
 * @throws {TypeError|RangeError} when the memory is not a memory, or has no such SMMU, or
 *   the SMMU no such block.
 */
export function checkBlock(
  memory: WebAssembly.Memory,
  smmuIndex: number,
  index: number,
  count: number,
  what: string,
): void {
  checkHostMemory(memory, `${what}: hostMemory`);
  const smmus = new Int32Array(memory.buffer)[HOST_AT_SMMU_COUNT >> 2] ?? 0;
  checkInteger(smmuIndex, 0, smmus - 1, `${what}: smmuIndex`);
  checkInteger(index, 0, count - 1, `${what}: index`);
}

/**
 * The same for a block of a thread.
 * @throws {TypeError|RangeError} when the memory is not a memory, or there is no such
 *   thread.
 */
export function checkThread(memory: WebAssembly.Memory, thread: number, what: string): void {
  checkHostMemory(memory, `${what}: hostMemory`);
  checkInteger(thread, 0, MAX_THREADS - 1, `${what}: thread`);
}
