// SPDX-License-Identifier: MIT
// The loops that a benchmark times. They are Wasm, so that no JavaScript is part of a
// measured step. The memory is the guest's.

import { accessBegin, accessEnd, translate } from './core.ts';
import { doorbell } from './drain.ts';

const PROD: u32 = 4;

/**
 * Rings a queue `batches` times with `batch` commands that are already in the ring.
 * @param page0 byte offset of the queue's registers; `id` and LVCMDQ 0 as in `doorbell`.
 * @param prod PROD (index and wrap bit) to continue from; `mask` its bits.
 * @returns PROD at the end.
 */
export function ring(batches: u32, batch: u32, page0: usize, id: u32, prod: u32, mask: u32): u32 {
  for (let i: u32 = 0; i < batches; i++) {
    prod = (prod + batch) & mask;
    atomic.store<u32>(page0, prod, PROD);
    doorbell(id, PROD);
  }
  return prod;
}

/** Rings a queue that has nothing to do. */
export function ringEmpty(times: u32, id: u32): void {
  for (let i: u32 = 0; i < times; i++) doorbell(id, PROD);
}

/**
 * Accesses of one byte each, round and round over `pages` pages of 2^shift bytes from
 * `iova`.
 * @returns how many were refused.
 */
export function access(times: u32, smmu: usize, sid: u32, iova: u64, shift: u32, pages: u32): u32 {
  let refused: u32 = 0;
  let page: u32 = 0;
  for (let i: u32 = 0; i < times; i++) {
    const at = iova + (u64(page) << u64(shift));
    accessBegin();
    if (translate(smmu, sid, -1, u32(at), u32(at >> 32), 0) != 0) refused++;
    accessEnd();
    page++;
    if (page == pages) page = 0;
  }
  return refused;
}

/**
 * A loop that no change of the measured code affects: the speed of processor and compiler
 * for dependent loads, multiplications and branches.
 */
export function fixedLoop(times: u32): u32 {
  let x: u32 = 1;
  for (let i: u32 = 0; i < times; i++) {
    x = x * 0x19660d + 0x3c6ef35f;
    x ^= atomic.load<u32>((x >> 16) & 0xfffc);
    if (x & 0x100) x += i;
  }
  return x;
}

/**
 * One side of a spin handoff: increments its own word, and waits until the other's
 * follows.
 * @param begins true for the side that asks, false for the one that answers.
 */
export function handoff(own: usize, other: usize, begins: bool, times: u32): void {
  for (let n: u32 = 1; n <= times; n++) {
    if (begins) atomic.store<u32>(own, n);
    while (atomic.load<u32>(other) != n);
    if (!begins) atomic.store<u32>(own, n);
  }
}
