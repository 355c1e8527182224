// SPDX-License-Identifier: MIT
// The state of one interrupt: a word that every thread changes by compare-and-swap. The
// thread that makes an interrupt deliverable then adds it to the candidates of the vCPU
// that it is routed to, and kicks that vCPU.

import {
  GIC_AT_CTLR,
  GIC_AT_INTIDS,
  GIC_AT_LPIS,
  GIC_AT_WORK,
  GIC_CPU_ASLEEP,
  GIC_CPU_CANDIDATES,
  GIC_CPU_LIMIT_AT,
  GIC_CPU_PENDING_AT,
  GIC_CPU_PRIVATE,
  GIC_CPU_SIZE,
  GIC_CPUS,
  GIC_FIRST_LPI,
  GIC_INT_ACTIVE,
  GIC_INT_EDGE,
  GIC_INT_ENABLED,
  GIC_INT_FORWARDED,
  GIC_INT_GROUP1,
  GIC_INT_LATCH,
  GIC_INT_LINE,
  GIC_INT_NOWHERE,
  GIC_INT_PRIORITY,
  GIC_INT_PRIORITY_SHIFT,
  GIC_INT_TARGET_SHIFT,
  GIC_LPI_CANDIDATES,
  GIC_LPI_CPU_SIZE,
  GIC_LPI_PRIORITIES,
  GIC_LPI_SUMMARY,
  GIC_LPI_SUMMARY_SIZE,
  GIC_LPI_WORDS_SIZE,
  GIC_LPIS,
  GIC_PENDING_IRQ,
  GIC_PRIORITY_SHIFT,
  GIC_PRIVATE_INTIDS,
  GIC_SPIS,
} from '../layout/gic-memory';
import { GICD_CTLR_ENABLE_GRP1 } from '../layout/gic-registers';

/** Counts work of an access to a frame. */
export function addWork(gic: usize, work: i32): void {
  store<u32>(gic, load<u32>(gic, GIC_AT_WORK) + <u32>work, GIC_AT_WORK);
}

/** Address of a vCPU's block. */
export function cpuBlock(gic: usize, vcpu: i32): usize {
  return gic + GIC_CPUS + vcpu * GIC_CPU_SIZE;
}

/** Address of a vCPU's LPI block. */
export function lpiBlock(gic: usize, vcpu: i32): usize {
  return load<u32>(gic, GIC_AT_LPIS) + GIC_LPI_WORDS_SIZE + vcpu * GIC_LPI_CPU_SIZE;
}

/**
 * Address of an interrupt's word. A private INTID is that of `vcpu`. The INTID must
 * exist.
 */
export function wordAt(gic: usize, vcpu: i32, intid: i32): usize {
  if (intid >= GIC_FIRST_LPI) return load<u32>(gic, GIC_AT_LPIS) + ((intid - GIC_FIRST_LPI) << 2);
  const bank = intid < GIC_PRIVATE_INTIDS ? cpuBlock(gic, vcpu) + GIC_CPU_PRIVATE : gic + GIC_SPIS;
  return bank + (intid << 2);
}

/** True when the INTID is implemented. */
export function exists(gic: usize, intid: i32): bool {
  if (intid < GIC_FIRST_LPI) return intid < load<i32>(gic, GIC_AT_INTIDS);
  return intid < GIC_FIRST_LPI + GIC_LPIS && load<u32>(gic, GIC_AT_LPIS) != 0;
}

/** Address of the word that has the bit of an INTID in the candidates of a vCPU. */
export function candidatesAt(gic: usize, vcpu: i32, intid: i32): usize {
  return intid < GIC_FIRST_LPI
    ? cpuBlock(gic, vcpu) + GIC_CPU_CANDIDATES + ((intid >> 5) << 2)
    : lpiBlock(gic, vcpu) + GIC_LPI_CANDIDATES + (((intid - GIC_FIRST_LPI) >> 5) << 2);
}

/** Address of the summary of a vCPU's LPIs of a priority. */
export function summaryAt(gic: usize, vcpu: i32, rank: u32): usize {
  return lpiBlock(gic, vcpu) + GIC_LPI_SUMMARY + rank * GIC_LPI_SUMMARY_SIZE;
}

/** The number of an interrupt's priority among those that exist: 0 is the highest. */
export function rankOf(word: u32): u32 {
  return priorityOf(word) >> GIC_PRIORITY_SHIFT;
}

/**
 * Adds an interrupt to the candidates of a vCPU. For an LPI the bits that lead to it are
 * set afterwards, the nearest one first, so that it is found.
 * @param word of the interrupt, which has its priority.
 */
export function addCandidate(gic: usize, vcpu: i32, intid: i32, word: u32): void {
  atomic.or<u32>(candidatesAt(gic, vcpu, intid), 1 << (intid & 31));
  if (intid < GIC_FIRST_LPI) return;
  const index = (intid - GIC_FIRST_LPI) >> 5;
  const rank = rankOf(word);
  atomic.or<u32>(summaryAt(gic, vcpu, rank) + ((index >> 5) << 2), 1 << (index & 31));
  atomic.or<u32>(lpiBlock(gic, vcpu), 1 << rank, GIC_LPI_PRIORITIES);
}

/** Whether an interrupt is pending, as registers show it (IHI 0069 section 4.1.2). */
export function isPending(word: u32): bool {
  return (word & GIC_INT_LATCH) != 0 || (word & (GIC_INT_LINE | GIC_INT_EDGE)) == GIC_INT_LINE;
}

/** True when the distributor forwards the interrupt to the vCPU in its word. */
export function isDeliverable(word: u32): bool {
  const wanted: u32 = GIC_INT_ENABLED | GIC_INT_FORWARDED;
  return (word & (wanted | GIC_INT_ACTIVE)) == wanted && isPending(word);
}

export function targetOf(word: u32): i32 {
  return <i32>(word >> GIC_INT_TARGET_SHIFT);
}

export function priorityOf(word: u32): u32 {
  return (word & GIC_INT_PRIORITY) >> GIC_INT_PRIORITY_SHIFT;
}

/**
 * Makes a vCPU check its candidates: sets its pending bit, ends its slice, then wakes its
 * thread.
 */
export function kick(cpu: usize): void {
  const pending = <usize>load<u32>(cpu, GIC_CPU_PENDING_AT);
  atomic.or<u32>(pending, GIC_PENDING_IRQ);
  atomic.store<u32>(<usize>load<u32>(cpu, GIC_CPU_LIMIT_AT), 0);
  if (atomic.load<u32>(cpu, GIC_CPU_ASLEEP) != 0) atomic.notify(pending, -1);
}

/** Passes an interrupt that has become deliverable to its vCPU. */
function deliver(gic: usize, intid: i32, word: u32): void {
  const target = targetOf(word);
  if (target == GIC_INT_NOWHERE) return;
  addCandidate(gic, target, intid, word);
  kick(cpuBlock(gic, target));
}

/** Changes a word in one step; false when another thread changed it first. */
export function replace(gic: usize, at: usize, intid: i32, old: u32, word: u32): bool {
  if (atomic.cmpxchg<u32>(at, old, word) != old) return false;
  if (isDeliverable(word)) deliver(gic, intid, word);
  return true;
}

/** Clears bits of an interrupt's word, then sets others. */
export function change(gic: usize, at: usize, intid: i32, clear: u32, set: u32): void {
  for (;;) {
    const old = atomic.load<u32>(at);
    const word = (old & ~clear) | set;
    if (word == old || replace(gic, at, intid, old, word)) return;
  }
}

/**
 * Sets the level of an interrupt's line. A rising edge is latched if the interrupt is
 * edge-triggered.
 */
export function setLine(gic: usize, vcpu: i32, intid: i32, high: bool): void {
  const at = wordAt(gic, vcpu, intid);
  for (;;) {
    const old = atomic.load<u32>(at);
    let word = old & ~GIC_INT_LINE;
    if (high) {
      word |= GIC_INT_LINE;
      if ((old & (GIC_INT_LINE | GIC_INT_EDGE)) == GIC_INT_EDGE) word |= GIC_INT_LATCH;
    }
    if (word == old || replace(gic, at, intid, old, word)) return;
  }
}

/**
 * Raises and lowers the line: an event for an edge-triggered interrupt, nothing for
 * others.
 */
export function pulseLine(gic: usize, vcpu: i32, intid: i32): void {
  const at = wordAt(gic, vcpu, intid);
  for (;;) {
    const old = atomic.load<u32>(at);
    if ((old & (GIC_INT_LINE | GIC_INT_EDGE)) != GIC_INT_EDGE) {
      setLine(gic, vcpu, intid, false);
      return;
    }
    if (replace(gic, at, intid, old, old | GIC_INT_LATCH)) return;
  }
}

/**
 * Puts an interrupt into a group, or only applies GICD_CTLR to its word. If another
 * thread changes GICD_CTLR between the first load of it and the exchange, the second load
 * sees that.
 * @param clear GIC_INT_GROUP1 or 0.
 * @param set GIC_INT_GROUP1 or 0.
 */
export function changeGroup(gic: usize, at: usize, intid: i32, clear: u32, set: u32): void {
  for (;;) {
    const old = atomic.load<u32>(at);
    const enables = atomic.load<u32>(gic, GIC_AT_CTLR);
    let word = (old & ~(clear | GIC_INT_FORWARDED)) | set;
    if ((word & GIC_INT_GROUP1) != 0 && (enables & GICD_CTLR_ENABLE_GRP1) != 0)
      word |= GIC_INT_FORWARDED;
    if (word != old && !replace(gic, at, intid, old, word)) continue;
    if (atomic.load<u32>(gic, GIC_AT_CTLR) == enables) return;
  }
}
