// SPDX-License-Identifier: MIT
// The candidates of a vCPU: interrupts that may be deliverable to it, which it checks
// when it is kicked. Only the thread that runs the vCPU calls these functions.

import {
  GIC_AT_INTIDS,
  GIC_AT_LPIS,
  GIC_CPU_AP0R,
  GIC_CPU_AP1R,
  GIC_CPU_BPR0,
  GIC_CPU_BPR1,
  GIC_CPU_CTLR,
  GIC_CPU_IGRPEN1,
  GIC_CPU_PENDING_AT,
  GIC_CPU_PMR,
  GIC_FIRST_LPI,
  GIC_INT_ACTIVE,
  GIC_INT_LATCH,
  GIC_LPI_PRIORITIES,
  GIC_LPI_SUMMARY_SIZE,
  GIC_PENDING_IRQ,
  GIC_PRIORITY_SHIFT,
} from '../layout/gic-memory';
import { ICC_CTLR_CBPR, ICC_IDLE_PRIORITY, ICC_INTID_NONE } from '../layout/gic-registers';
import {
  addCandidate,
  candidatesAt,
  cpuBlock,
  isDeliverable,
  kick,
  lpiBlock,
  priorityOf,
  rankOf,
  summaryAt,
  targetOf,
  wordAt,
} from './interrupt';

/**
 * The number of concurrent changes that one acknowledge tolerates before it reports no
 * interrupt.
 */
const TRIES = 64;

/** In place of a key (priority << 16 | INTID) when there is no interrupt. */
const NONE: u32 = 0xffffffff;
const SUMMARY_WORDS: i32 = GIC_LPI_SUMMARY_SIZE >> 2;

/**
 * Removes a candidate that is not deliverable, and restores it if it has become
 * deliverable in the meantime.
 */
function drop(gic: usize, vcpu: i32, intid: i32, word: usize): void {
  atomic.and<u32>(candidatesAt(gic, vcpu, intid), ~(1 << (intid & 31)));
  const seen = atomic.load<u32>(word);
  if (isDeliverable(seen) && targetOf(seen) == vcpu) addCandidate(gic, vcpu, intid, seen);
}

/**
 * The word of a candidate, which is never 0; 0 when it is not deliverable to this vCPU
 * any more, and removed.
 */
function candidate(gic: usize, vcpu: i32, intid: i32): u32 {
  const at = wordAt(gic, vcpu, intid);
  const word = atomic.load<u32>(at);
  if (isDeliverable(word) && targetOf(word) == vcpu) return word;
  drop(gic, vcpu, intid, at);
  return 0;
}

function keyOf(word: u32, intid: i32): u32 {
  return (priorityOf(word) << 16) | intid;
}

/** The smallest key of 32 candidates, or `least` if that is smaller. */
function firstOf(gic: usize, vcpu: i32, base: i32, least: u32): u32 {
  let bits = atomic.load<u32>(candidatesAt(gic, vcpu, base));
  while (bits != 0) {
    const intid = base + <i32>ctz(bits);
    bits &= bits - 1;
    const word = candidate(gic, vcpu, intid);
    if (word != 0) least = min(least, keyOf(word, intid));
  }
  return least;
}

/** The key of the first of 32 LPIs that has this priority; NONE when none has it. */
function firstOfRank(gic: usize, vcpu: i32, base: i32, rank: u32): u32 {
  let bits = atomic.load<u32>(candidatesAt(gic, vcpu, base));
  while (bits != 0) {
    const intid = base + <i32>ctz(bits);
    bits &= bits - 1;
    const word = candidate(gic, vcpu, intid);
    if (word != 0 && rankOf(word) == rank) return keyOf(word, intid);
  }
  return NONE;
}

/** The ranks that candidates among 32 LPIs have, a bit for each. */
function ranksOf(gic: usize, vcpu: i32, base: i32): u32 {
  let bits = atomic.load<u32>(candidatesAt(gic, vcpu, base));
  let ranks: u32 = 0;
  while (bits != 0) {
    const intid = base + <i32>ctz(bits);
    bits &= bits - 1;
    const word = candidate(gic, vcpu, intid);
    if (word != 0) ranks |= (<u32>1) << rankOf(word);
  }
  return ranks;
}

/**
 * Clears the bits of 32 LPIs in the summaries of ranks that none of them has, unless one
 * has it in the meantime: of all ranks at once, because software can leave bits in all.
 */
function clearSummaries(gic: usize, vcpu: i32, base: i32): void {
  const index = (base - GIC_FIRST_LPI) >> 5;
  const bit: u32 = 1 << (index & 31);
  const first = summaryAt(gic, vcpu, 0) + ((index >> 5) << 2);
  let absent = ~ranksOf(gic, vcpu, base);
  let cleared: u32 = 0;
  while (absent != 0) {
    const rank = <u32>ctz(absent);
    absent &= absent - 1;
    const at = first + rank * GIC_LPI_SUMMARY_SIZE;
    if ((atomic.load<u32>(at) & bit) == 0) continue;
    atomic.and<u32>(at, ~bit);
    cleared |= (<u32>1) << rank;
  }
  let late = cleared & ranksOf(gic, vcpu, base);
  while (late != 0) {
    atomic.or<u32>(first + <u32>ctz(late) * GIC_LPI_SUMMARY_SIZE, bit);
    late &= late - 1;
  }
}

/**
 * `firstOfRank` of all LPIs. Where there is none in spite of the summary, this brings the
 * summaries up to date.
 */
function firstInSummary(gic: usize, vcpu: i32, rank: u32): u32 {
  const summary = summaryAt(gic, vcpu, rank);
  for (let i: i32 = 0; i < SUMMARY_WORDS; i++) {
    const at = summary + (i << 2);
    let bits = atomic.load<u32>(at);
    while (bits != 0) {
      const bit: u32 = bits & -bits;
      bits ^= bit;
      const base = GIC_FIRST_LPI + (((i << 5) + <i32>ctz(bit)) << 5);
      let key = firstOfRank(gic, vcpu, base, rank);
      if (key != NONE) return key;
      clearSummaries(gic, vcpu, base);
      if ((atomic.load<u32>(at) & bit) == 0) continue;
      // It has one in the meantime.
      key = firstOfRank(gic, vcpu, base, rank);
      if (key != NONE) return key;
    }
  }
  return NONE;
}

/**
 * The smallest key of all LPIs, or `least` if that is smaller. Apart from bits that are
 * out of date, the time does not depend on how many are pending: software may access the
 * CPU interface as often as it wants while all are. Bits that are out of date cost a
 * visit of their LPIs, once, as the command did that has left them.
 */
function firstLpi(gic: usize, vcpu: i32, least: u32): u32 {
  const block = lpiBlock(gic, vcpu);
  let ranks = atomic.load<u32>(block, GIC_LPI_PRIORITIES);
  while (ranks != 0) {
    const rank = <u32>ctz(ranks);
    ranks &= ranks - 1;
    // An SPI of the same priority has a lower INTID.
    if (rank << (16 + GIC_PRIORITY_SHIFT) >= (least & 0xff0000)) return least;
    let key = firstInSummary(gic, vcpu, rank);
    if (key != NONE) return key;
    atomic.and<u32>(block, ~((<u32>1) << rank), GIC_LPI_PRIORITIES);
    key = firstInSummary(gic, vcpu, rank);
    if (key == NONE) continue;
    atomic.or<u32>(block, (<u32>1) << rank, GIC_LPI_PRIORITIES);
    return key;
  }
  return least;
}

/**
 * The key of the interrupt that the distributor forwards first to this vCPU: the lowest
 * INTID among those of the highest priority. NONE when there is none, or while group 1 is
 * disabled.
 */
function highestKey(gic: usize, vcpu: i32): u32 {
  if (load<u32>(cpuBlock(gic, vcpu), GIC_CPU_IGRPEN1) == 0) return NONE;
  let least = NONE;
  const intids = load<i32>(gic, GIC_AT_INTIDS);
  for (let base: i32 = 0; base < intids; base += 32) least = firstOf(gic, vcpu, base, least);
  if (load<u32>(gic, GIC_AT_LPIS) != 0) least = firstLpi(gic, vcpu, least);
  return least;
}

/** The INTID of `highestKey`, ICC_INTID_NONE when there is none. */
export function highest(gic: usize, vcpu: i32): i32 {
  const key = highestKey(gic, vcpu);
  return key == NONE ? ICC_INTID_NONE : <i32>(key & 0xffff);
}

/** True when group 1 uses the binary point of group 0. */
export function usesCommonPoint(cpu: usize): bool {
  return (load<u32>(cpu, GIC_CPU_CTLR) & ICC_CTLR_CBPR) != 0;
}

/**
 * The bits of a group 1 interrupt's priority that decide about preemption (IHI 0069
 * section 4.8.3).
 */
function groupMask(cpu: usize): u32 {
  const point = usesCommonPoint(cpu)
    ? load<u32>(cpu, GIC_CPU_BPR0) + 1
    : load<u32>(cpu, GIC_CPU_BPR1);
  return 0xff & ~((1 << point) - 1);
}

/** Group priority of the interrupt that the vCPU handles: the highest active one. */
export function runningPriority(cpu: usize): u32 {
  const active = load<u32>(cpu, GIC_CPU_AP0R) | load<u32>(cpu, GIC_CPU_AP1R);
  return active == 0 ? ICC_IDLE_PRIORITY : (<u32>ctz(active)) << GIC_PRIORITY_SHIFT;
}

/**
 * Whether an interrupt of this priority passes the priority mask and the running
 * priority.
 */
function passes(cpu: usize, priority: u32): bool {
  if (priority >= load<u32>(cpu, GIC_CPU_PMR)) return false;
  const running = runningPriority(cpu);
  if (running == ICC_IDLE_PRIORITY) return true;
  const mask = groupMask(cpu);
  return (priority & mask) < (running & mask);
}

/**
 * The interrupt that is signalled, ICC_INTID_NONE when there is none. Its priority is the
 * one by which it was chosen: another thread that changes it later makes it a candidate
 * again and kicks the vCPU, which then looks again.
 */
function signalled(gic: usize, vcpu: i32): i32 {
  const key = highestKey(gic, vcpu);
  if (key == NONE || !passes(cpuBlock(gic, vcpu), key >> 16)) return ICC_INTID_NONE;
  return <i32>(key & 0xffff);
}

/**
 * Like `signalled`; clears the vCPU's pending bit when there is no interrupt, so that the
 * vCPU does not check again before the next kick.
 */
function look(gic: usize, vcpu: i32): i32 {
  const intid = signalled(gic, vcpu);
  if (intid != ICC_INTID_NONE) return intid;
  const pending = <usize>load<u32>(cpuBlock(gic, vcpu), GIC_CPU_PENDING_AT);
  atomic.and<u32>(pending, ~GIC_PENDING_IRQ);
  const late = signalled(gic, vcpu);
  if (late != ICC_INTID_NONE) atomic.or<u32>(pending, GIC_PENDING_IRQ);
  return late;
}

/** True when the vCPU's IRQ input is asserted. */
export function irqAsserted(gic: usize, vcpu: i32): bool {
  return look(gic, vcpu) != ICC_INTID_NONE;
}

/** True when there are candidates. Some may not be deliverable any more. */
function hasCandidates(gic: usize, vcpu: i32): bool {
  const words = load<i32>(gic, GIC_AT_INTIDS) >> 5;
  const candidates = candidatesAt(gic, vcpu, 0);
  for (let i: i32 = 0; i < words; i++)
    if (atomic.load<u32>(candidates + (i << 2)) != 0) return true;
  if (load<u32>(gic, GIC_AT_LPIS) == 0) return false;
  return atomic.load<u32>(lpiBlock(gic, vcpu), GIC_LPI_PRIORITIES) != 0;
}

/**
 * Makes the vCPU check its candidates, if it has any, before it continues. Called after
 * it has changed a register that decides which interrupts are signalled to it.
 */
export function lookAgain(gic: usize, vcpu: i32): void {
  if (hasCandidates(gic, vcpu)) kick(cpuBlock(gic, vcpu));
}

/**
 * Acknowledges the signalled interrupt (ICC_IAR1_EL1). Returns its INTID, ICC_INTID_NONE
 * when there is none.
 */
export function acknowledge(gic: usize, vcpu: i32): i32 {
  const cpu = cpuBlock(gic, vcpu);
  for (let i = 0; i < TRIES; i++) {
    const intid = look(gic, vcpu);
    if (intid == ICC_INTID_NONE) return ICC_INTID_NONE;
    const at = wordAt(gic, vcpu, intid);
    const old = atomic.load<u32>(at);
    const priority = priorityOf(old);
    if (!isDeliverable(old) || targetOf(old) != vcpu || !passes(cpu, priority)) continue;
    // An LPI is never active (IHI 0069 section 4.1.2).
    const active: u32 = intid < GIC_FIRST_LPI ? GIC_INT_ACTIVE : 0;
    if (atomic.cmpxchg<u32>(at, old, (old & ~GIC_INT_LATCH) | active) != old) continue;
    drop(gic, vcpu, intid, at);
    const running: u32 = 1 << ((priority & groupMask(cpu)) >> GIC_PRIORITY_SHIFT);
    store<u32>(cpu, load<u32>(cpu, GIC_CPU_AP1R) | running, GIC_CPU_AP1R);
    return intid;
  }
  return ICC_INTID_NONE;
}
