// SPDX-License-Identifier: MIT
// Host memory: creation and layout (assembly/layout/host-memory.ts has the map).

import {
  HOST_AT_EPOCH,
  HOST_AT_EVENTS,
  HOST_AT_MAGIC,
  HOST_AT_RAM_BASE,
  HOST_AT_RAM_SIZE,
  HOST_AT_SMMU_COUNT,
  HOST_AT_TRACE,
  HOST_AT_TRACE_MASK,
  HOST_AT_TRACE_SALT,
  HOST_MAGIC,
  HOST_SMMUS,
  SMMU_STRIDE,
} from '../../assembly/layout/host-memory.ts';
import { TRACE_UNIT } from '../../assembly/layout/trace-memory.ts';
import { checkOptions, integerFrom, type OptionKinds, uint32 } from '../plugin/option-kinds.ts';
import { EVENTS } from '../tables/index.ts';
import { MAX_SMMUS } from './host-memory-check.ts';

const WASM_PAGE = 0x10000;

/** Size of a host memory. */
export interface HostMemoryOptions {
  /** Number of SMMUs of the host, 1 to 16. Default 1. */
  readonly smmus?: number;
  /**
   * Bytes of host RAM, window 0 of the physical address map; a multiple of 64 KiB.
   * Default 16 MiB.
   */
  readonly ramSize?: number;
  /**
   * Size of the trace ring in units of 32 bytes, a power of two from 2048. Default: none,
   * so nothing is traced.
   */
  readonly traceUnits?: number | undefined;
}

const OPTIONS: OptionKinds<HostMemoryOptions> = {
  smmus: integerFrom(1, MAX_SMMUS),
  ramSize: integerFrom(1, 2 ** 32),
  traceUnits: uint32,
};

/**
 * Creates the one shared memory of a host. Untouched pages use address space only.
 * @throws {RangeError} when an option is out of range.
 * @throws {TypeError} when an option is unknown.
 */
export function createHostMemory(options: HostMemoryOptions = {}): WebAssembly.Memory {
  checkOptions(options, OPTIONS, 'createHostMemory');
  const { smmus = 1, ramSize = 0x1000000, traceUnits = 0 } = options;
  if (ramSize % WASM_PAGE)
    throw new RangeError(`createHostMemory: ramSize must be a multiple of 64 KiB, not ${ramSize}`);
  const ramBase = HOST_SMMUS + smmus * SMMU_STRIDE;
  const traceSize = traceUnits * TRACE_UNIT;
  if (traceSize % WASM_PAGE || (traceUnits & (traceUnits - 1)) !== 0)
    throw new RangeError(
      'createHostMemory: traceUnits must be 0 or a power of two from 2048 on, ' +
        `not ${traceUnits}`,
    );
  const pages = (ramBase + ramSize + traceSize) / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const words = new Int32Array(memory.buffer);
  words[HOST_AT_MAGIC >> 2] = HOST_MAGIC;
  words[HOST_AT_SMMU_COUNT >> 2] = smmus;
  words[HOST_AT_RAM_BASE >> 2] = ramBase;
  words[HOST_AT_RAM_SIZE >> 2] = ramSize;
  for (const { id, carries } of EVENTS) words[(HOST_AT_EVENTS >> 2) + id] = carries;
  new Float64Array(memory.buffer)[HOST_AT_EPOCH >> 3] = performance.timeOrigin;
  if (traceUnits > 0) {
    words[HOST_AT_TRACE >> 2] = ramBase + ramSize;
    words[HOST_AT_TRACE_MASK >> 2] = traceUnits - 1;
    words[HOST_AT_TRACE_SALT >> 2] = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  }
  return memory;
}
