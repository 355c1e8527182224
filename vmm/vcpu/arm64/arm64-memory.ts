// SPDX-License-Identifier: MIT
// Layout of an arm64 machine's memory: the blocks of its vCPUs, direct maps, the board's
// area, decoded instructions, RAM. The guest can only reach RAM.

import { ARM64_DIRECT_PAGE_SIZE } from '../../../assembly/layout/arm64-map-table.ts';
import { ARM64_VCPU_SIZE } from '../../../assembly/layout/arm64-state.ts';
import type { MemoryRegion } from '../../../assembly/load.ts';

/** Byte offsets and sizes in a machine's memory. */
export interface Arm64Memory {
  readonly memory: WebAssembly.Memory;
  /** Number of vCPUs. */
  readonly vcpus: number;
  /** Block of vCPU 0; the others follow. */
  readonly cpus: number;
  /** The table of direct maps (assembly/layout/arm64-map-table.ts), in its own page. */
  readonly maps: number;
  /** Pages that can back registers, ARM64_DIRECT_PAGE_SIZE each. */
  readonly directPages: readonly number[];
  /** The board's area, at a multiple of 64 KiB. */
  readonly board: number;
  /** Record pages, and their size in bytes. */
  readonly pool: number;
  readonly poolSize: number;
  readonly ram: MemoryRegion;
}

const PAGE = 0x10000;
/**
 * Decoded code needs twice the bytes of the executed code. When it is full, code is
 * decoded again.
 */
const POOL_SIZE = 0x2000000;
const POOL_BYTES_PER_PAGE = 4;
/** One for each queue or VINTF of a machine; further ones trap. */
const DIRECT_PAGES = 15;
const MAX_MEMORY = 0x100000000;

const alignUp = (value: number) => Math.ceil(value / PAGE) * PAGE;

/**
 * Creates the memory of a machine.
 * @param ram its size is a multiple of 64 KiB.
 * @param boardSize bytes for the board.
 * @throws {RangeError} when it does not fit below 4 GiB.
 */
export function createArm64Memory(
  vcpus: number,
  ram: { readonly base: number; readonly size: number },
  boardSize: number,
): Arm64Memory {
  // Address 0 means "none" to the CPU.
  const cpus = ARM64_VCPU_SIZE;
  const maps = cpus + vcpus * ARM64_VCPU_SIZE;
  const direct = maps + PAGE;
  const board = direct + DIRECT_PAGES * ARM64_DIRECT_PAGE_SIZE;
  const pool = board + alignUp(boardSize);
  const poolSize = alignUp(POOL_SIZE + (ram.size / 0x1000) * POOL_BYTES_PER_PAGE);
  const offset = pool + poolSize;
  const end = offset + ram.size;
  if (end > MAX_MEMORY - PAGE)
    throw new RangeError(`a machine with ${ram.size} bytes of memory does not fit below 4 GiB`);
  const pages = end / PAGE;
  return {
    memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
    vcpus,
    cpus,
    maps,
    directPages: Array.from(
      { length: DIRECT_PAGES },
      (_, page) => direct + page * ARM64_DIRECT_PAGE_SIZE,
    ),
    board,
    pool,
    poolSize,
    ram: { gpa: ram.base, offset, size: ram.size },
  };
}
