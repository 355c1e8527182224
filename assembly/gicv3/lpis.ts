// SPDX-License-Identifier: MIT
// LPIs. Their words are those of any interrupt, with enable and priority as last read
// from the configuration table in RAM (IHI 0069 section 5.1). GICR_PROPBASER of a vCPU
// determines which LPIs it has.

import {
  GIC_CPU_LPIS_ENABLED,
  GIC_CPU_PENDBASER,
  GIC_CPU_PROPBASER,
  GIC_FIRST_LPI,
  GIC_INT_ENABLED,
  GIC_INT_LATCH,
  GIC_INT_PRIORITY,
  GIC_INT_PRIORITY_SHIFT,
  GIC_INT_TARGET,
  GIC_INT_TARGET_SHIFT,
  GIC_LPIS,
} from '../layout/gic-memory';
import {
  GIC_PRIORITY_BITS,
  GICR_PENDBASER_PTZ,
  GICR_PROPBASER_IDBITS,
  LPI_CONFIG_ENABLE,
} from '../layout/gic-registers';
import { PAGE_ADDRESS, ramAt } from './gic-ram';
import { addWork, change, cpuBlock, replace, targetOf, wordAt } from './interrupt';

const CONFIGURED: u32 = GIC_INT_ENABLED | GIC_INT_PRIORITY;
const PENDING_TABLE: u64 = 0x000fffffffff0000;

/** True when the redistributor of a vCPU accepts LPIs. */
export function takesLpis(gic: usize, vcpu: i32): bool {
  return atomic.load<u32>(cpuBlock(gic, vcpu), GIC_CPU_LPIS_ENABLED) != 0;
}

/** The INTID after the last LPI in the vCPU's table. */
function endOfLpis(gic: usize, vcpu: i32): i32 {
  const bits = <u32>load<u64>(cpuBlock(gic, vcpu), GIC_CPU_PROPBASER) & GICR_PROPBASER_IDBITS;
  return bits >= 15 ? GIC_FIRST_LPI + GIC_LPIS : 1 << (bits + 1);
}

/** Whether an INTID is that of an LPI. */
export function isLpiNumber(intid: u32): bool {
  return intid >= <u32>GIC_FIRST_LPI && intid < <u32>(GIC_FIRST_LPI + GIC_LPIS);
}

/** Whether an INTID is one of the vCPU's LPIs. */
export function isLpi(gic: usize, vcpu: i32, intid: u32): bool {
  return intid >= <u32>GIC_FIRST_LPI && intid < <u32>endOfLpis(gic, vcpu);
}

/** gpa of the configuration table of a vCPU's LPIs. */
function configurationTable(gic: usize, vcpu: i32): u64 {
  return load<u64>(cpuBlock(gic, vcpu), GIC_CPU_PROPBASER) & PAGE_ADDRESS;
}

/**
 * Reads the configuration of an LPI from RAM. Without RAM at its address the LPI is
 * disabled.
 */
function configure(gic: usize, table: u64, word: usize, intid: i32): void {
  const at = ramAt(gic, table + (intid - GIC_FIRST_LPI), 1);
  const byte: u32 = at != 0 ? atomic.load<u8>(at) : 0;
  const enabled: u32 = (byte & LPI_CONFIG_ENABLE) != 0 ? GIC_INT_ENABLED : 0;
  const bits = enabled | ((byte & GIC_PRIORITY_BITS) << GIC_INT_PRIORITY_SHIFT);
  // `change` compares as well, but its call would make INVALL take half as long again.
  if ((atomic.load<u32>(word) & CONFIGURED) != bits) change(gic, word, intid, CONFIGURED, bits);
}

/** Reads the configuration of an LPI. */
export function readConfiguration(gic: usize, vcpu: i32, intid: i32): void {
  configure(gic, configurationTable(gic, vcpu), wordAt(gic, vcpu, intid), intid);
}

/** `readConfiguration` of all LPIs of a vCPU. */
export function readConfigurations(gic: usize, vcpu: i32): void {
  const end = endOfLpis(gic, vcpu);
  const table = configurationTable(gic, vcpu);
  let word = wordAt(gic, vcpu, GIC_FIRST_LPI);
  for (let intid: i32 = GIC_FIRST_LPI; intid < end; intid++, word += 4)
    configure(gic, table, word, intid);
}

/** Makes an LPI pending on a vCPU. */
export function raiseLpi(gic: usize, vcpu: i32, intid: i32): void {
  const target = vcpu << GIC_INT_TARGET_SHIFT;
  change(gic, wordAt(gic, vcpu, intid), intid, GIC_INT_TARGET, target | GIC_INT_LATCH);
}

/** Ends the pending state of an LPI. */
export function clearLpi(gic: usize, intid: i32): void {
  const at = wordAt(gic, 0, intid);
  if ((atomic.load<u32>(at) & GIC_INT_LATCH) != 0) change(gic, at, intid, GIC_INT_LATCH, 0);
}

/**
 * Moves an LPI that is pending on one vCPU to another. It is lost if the other one does
 * not have it. Commands that involve LPIs of a redistributor without them are ignored
 * (IHI 0069, GICR_CTLR.EnableLPIs). Whether a MOVI to it is one as a whole is left open:
 * here half of it is executed, as the event moves, and only its pending state does not.
 */
export function moveLpi(gic: usize, from: i32, to: i32, intid: i32): void {
  const at = wordAt(gic, from, intid);
  const isTaken = takesLpis(gic, to) && isLpi(gic, to, intid);
  for (;;) {
    const old = atomic.load<u32>(at);
    if ((old & GIC_INT_LATCH) == 0 || targetOf(old) != from || from == to) return;
    const moved = (old & ~GIC_INT_TARGET) | (to << GIC_INT_TARGET_SHIFT);
    const word = isTaken ? moved : old & ~GIC_INT_LATCH;
    if (replace(gic, at, intid, old, word)) return;
  }
}

/**
 * Moves all pending LPIs of a vCPU to another, with `moveLpi`. That compares as well, but
 * its calls for LPIs that are not pending would take four times as long as this loop.
 */
export function moveLpis(gic: usize, from: i32, to: i32): void {
  let at = wordAt(gic, from, GIC_FIRST_LPI);
  for (let intid: i32 = GIC_FIRST_LPI; intid < GIC_FIRST_LPI + GIC_LPIS; intid++, at += 4)
    if ((atomic.load<u32>(at) & GIC_INT_LATCH) != 0) moveLpi(gic, from, to, intid);
}

/**
 * Makes the LPIs pending that the pending table names, unless GICR_PENDBASER.PTZ tells
 * that it is empty.
 */
function readPendingTable(gic: usize, vcpu: i32): void {
  const base = load<u64>(cpuBlock(gic, vcpu), GIC_CPU_PENDBASER);
  if ((<u32>(base >> 32) & GICR_PENDBASER_PTZ) != 0) return;
  const end = endOfLpis(gic, vcpu);
  for (let intid: i32 = GIC_FIRST_LPI; intid < end; intid += 32) {
    const at = ramAt(gic, (base & PENDING_TABLE) + (intid >> 3), 4);
    let bits: u32 = at != 0 ? atomic.load<u32>(at) : 0;
    while (bits != 0) {
      raiseLpi(gic, vcpu, intid + <i32>ctz(bits));
      bits &= bits - 1;
    }
  }
}

/**
 * GICR_CTLR.EnableLPIs: enabling reads the pending table, disabling ends the pending
 * state of all LPIs.
 */
export function enableLpis(gic: usize, vcpu: i32, enable: bool): void {
  const cpu = cpuBlock(gic, vcpu);
  if (atomic.xchg<u32>(cpu, enable ? 1 : 0, GIC_CPU_LPIS_ENABLED) == (enable ? 1 : 0)) return;
  addWork(gic, GIC_LPIS);
  if (enable) {
    readConfigurations(gic, vcpu);
    readPendingTable(gic, vcpu);
    return;
  }
  for (let intid: i32 = GIC_FIRST_LPI; intid < GIC_FIRST_LPI + GIC_LPIS; intid++) {
    const at = wordAt(gic, vcpu, intid);
    const word = atomic.load<u32>(at);
    if ((word & GIC_INT_LATCH) != 0 && targetOf(word) == vcpu) clearLpi(gic, intid);
  }
}
