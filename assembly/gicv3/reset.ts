// SPDX-License-Identifier: MIT
// The GIC at reset, and after a restore. Meanwhile no vCPU runs and no device raises a
// line.

import {
  GIC_AT_CTLR,
  GIC_AT_INTIDS,
  GIC_AT_LPIS,
  GIC_AT_RAM,
  GIC_AT_RAM_GPA,
  GIC_AT_RAM_SIZE,
  GIC_AT_VCPUS,
  GIC_AT_WORK,
  GIC_CPU_BPR0,
  GIC_CPU_BPR1,
  GIC_CPU_LIMIT_AT,
  GIC_CPU_OWN_LIMIT,
  GIC_CPU_OWN_PENDING,
  GIC_CPU_PENDING_AT,
  GIC_CPU_SIZE,
  GIC_CPU_WAKER,
  GIC_INT_EDGE,
  GIC_INT_GROUP1,
  GIC_INT_TARGET_SHIFT,
  GIC_LPI_CPU_SIZE,
  GIC_LPI_WORDS_SIZE,
  GIC_LPIS,
  GIC_PRIVATE_INTIDS,
  GIC_ROUTES,
  GIC_SGIS,
  GIC_SPIS,
} from '../layout/gic-memory';
import { GICR_WAKER_PROCESSOR_SLEEP, ICC_MIN_BPR0, ICC_MIN_BPR1 } from '../layout/gic-registers';
import { applyRoute } from './distributor';
import { cpuBlock, wordAt } from './interrupt';

function resetVcpu(gic: usize, vcpu: i32): void {
  const cpu = cpuBlock(gic, vcpu);
  const pendingAt = load<u32>(cpu, GIC_CPU_PENDING_AT);
  const limitAt = load<u32>(cpu, GIC_CPU_LIMIT_AT);
  memory.fill(cpu, 0, GIC_CPU_SIZE);
  connect(gic, vcpu, pendingAt, limitAt);
  for (let intid: i32 = 0; intid < GIC_PRIVATE_INTIDS; intid++) {
    const edge: u32 = intid < GIC_SGIS ? GIC_INT_EDGE : 0;
    store<u32>(wordAt(gic, vcpu, intid), (vcpu << GIC_INT_TARGET_SHIFT) | edge);
  }
  store<u32>(cpu, GICR_WAKER_PROCESSOR_SLEEP, GIC_CPU_WAKER);
  store<u32>(cpu, ICC_MIN_BPR0, GIC_CPU_BPR0);
  store<u32>(cpu, ICC_MIN_BPR1, GIC_CPU_BPR1);
}

/**
 * Sets the words through which a vCPU is kicked; 0 stands for words in the GIC's own
 * block.
 */
export function connect(gic: usize, vcpu: i32, pendingAt: u32, limitAt: u32): void {
  const cpu = cpuBlock(gic, vcpu);
  const ownPending = <u32>cpu + GIC_CPU_OWN_PENDING;
  store<u32>(cpu, pendingAt != 0 ? pendingAt : ownPending, GIC_CPU_PENDING_AT);
  store<u32>(cpu, limitAt != 0 ? limitAt : <u32>cpu + GIC_CPU_OWN_LIMIT, GIC_CPU_LIMIT_AT);
}

/** Resets the LPIs, which are all in group 1 and edge-triggered. */
function resetLpis(lpis: usize, vcpus: i32): void {
  for (let i: i32 = 0; i < GIC_LPIS; i++)
    store<u32>(lpis + (i << 2), GIC_INT_GROUP1 | GIC_INT_EDGE);
  memory.fill(lpis + GIC_LPI_WORDS_SIZE, 0, vcpus * GIC_LPI_CPU_SIZE);
}

/**
 * Resets everything, with all lines low. The connections of vCPUs are kept, and the ITS
 * has its own reset.
 * @param vcpus at most GIC_MAX_VCPUS.
 * @param intids a multiple of 32, at most GIC_MAX_INTIDS.
 */
export function reset(gic: usize, vcpus: i32, intids: i32): void {
  store<u32>(gic, vcpus, GIC_AT_VCPUS);
  store<u32>(gic, intids, GIC_AT_INTIDS);
  store<u32>(gic, 0, GIC_AT_CTLR);
  store<u32>(gic, 0, GIC_AT_WORK);
  memory.fill(gic + GIC_SPIS, 0, intids << 2);
  memory.fill(gic + GIC_ROUTES, 0, intids << 2);
  for (let vcpu: i32 = 0; vcpu < vcpus; vcpu++) resetVcpu(gic, vcpu);
  const lpis = load<u32>(gic, GIC_AT_LPIS);
  if (lpis != 0) resetLpis(lpis, vcpus);
}

/**
 * Adds LPIs to the GIC, from its next reset on.
 * @param lpis address of their area.
 * @param ramGpa gpa of the first byte of RAM, where the tables are.
 * @param ram address of that byte.
 */
export function addLpis(gic: usize, lpis: u32, ramGpa: u32, ram: u32, ramSize: u32): void {
  store<u32>(gic, lpis, GIC_AT_LPIS);
  store<u32>(gic, ramGpa, GIC_AT_RAM_GPA);
  store<u32>(gic, ram, GIC_AT_RAM);
  store<u32>(gic, ramSize, GIC_AT_RAM_SIZE);
}

/**
 * Part of a restore: derives the targets from the routes. The routes, and the bits of
 * GIC_INT_LATCH to GIC_INT_GROUP1 of every word, have been restored before. Writing
 * GICD_CTLR afterwards derives forwarding and candidates.
 */
export function applyRoutes(gic: usize): void {
  const intids = load<i32>(gic, GIC_AT_INTIDS);
  for (let intid: i32 = GIC_PRIVATE_INTIDS; intid < intids; intid++) applyRoute(gic, intid);
}
