// SPDX-License-Identifier: MIT
// The distributor (IHI 0069 section 12.9) with one security state, affinity routing
// always enabled, and SPIs of group 1 delivered to one vCPU each. A register of 64 bits
// is accessed as two of 32.

import {
  GIC_AT_CTLR,
  GIC_AT_INTIDS,
  GIC_AT_LPIS,
  GIC_AT_VCPUS,
  GIC_FIRST_LPI,
  GIC_INT_NOWHERE,
  GIC_INT_TARGET,
  GIC_INT_TARGET_SHIFT,
  GIC_LPIS,
  GIC_PRIVATE_INTIDS,
  GIC_ROUTES,
} from '../layout/gic-memory';
import {
  GIC_IDENTIFICATION,
  GIC_IIDR_VALUE,
  GIC_IPRIORITYR,
  GICD_CTLR,
  GICD_CTLR_ENABLE_GRP0,
  GICD_CTLR_ENABLE_GRP1,
  GICD_CTLR_FIXED,
  GICD_IIDR,
  GICD_IROUTER,
  GICD_TYPER,
  GICD_TYPER_FIXED,
  GICD_TYPER_LPIS,
} from '../layout/gic-registers';
import { isBanked, readBank, writeBank, writePriority } from './banks';
import { addWork, changeGroup, replace, wordAt } from './interrupt';

/**
 * PIDR4 (the 4 of 64 KiB, JEP106 continuation 4) to 7, PIDR0 to 3 (PIDR2: GICv3), CIDR0
 * to 3; a byte each.
 */
const PIDR4: u64 = 0x003bb49200000044;
const CIDR: u32 = 0xb105f00d;

/** Reads an identification register, which all frames have. */
export function readIdentification(offset: i32): u32 {
  if (offset < GIC_IDENTIFICATION || offset >= GIC_IDENTIFICATION + 0x30) return 0;
  const index = (offset - GIC_IDENTIFICATION) >> 2;
  return index < 8 ? <u32>(PIDR4 >> (index << 3)) & 0xff : (CIDR >> ((index - 8) << 3)) & 0xff;
}

/** INTID of a GICD_IROUTER register, 0 when the offset is not one of these. */
function routedIntid(gic: usize, offset: i32): i32 {
  if (offset < GICD_IROUTER) return 0;
  const intid = (offset - GICD_IROUTER) >> 3;
  return intid < load<i32>(gic, GIC_AT_INTIDS) && intid >= GIC_PRIVATE_INTIDS ? intid : 0;
}

function routeAt(gic: usize, intid: i32): usize {
  return gic + GIC_ROUTES + (intid << 2);
}

/** The vCPU of an affinity, GIC_INT_NOWHERE when no vCPU has it. */
function vcpuOf(gic: usize, affinity: u32): i32 {
  if ((affinity & 0xffff00f0) != 0) return GIC_INT_NOWHERE;
  const vcpu = <i32>(((affinity >> 4) & 0xff0) | (affinity & 0xf));
  return vcpu < load<i32>(gic, GIC_AT_VCPUS) ? vcpu : GIC_INT_NOWHERE;
}

/**
 * Reads one half of GICD_IROUTER: the low half has Aff2.Aff1.Aff0, the high half Aff3.
 */
function readRoute(gic: usize, intid: i32, high: bool): u32 {
  const route = atomic.load<u32>(routeAt(gic, intid));
  return high ? route >> 24 : route & 0xffffff;
}

/** Writes one half of GICD_IROUTER. A pending interrupt moves to the new target. */
function writeRoute(gic: usize, intid: i32, high: bool, value: u32): void {
  const routed = routeAt(gic, intid);
  const mask: u32 = high ? 0xff000000 : 0xffffff;
  const bits = high ? value << 24 : value & 0xffffff;
  for (;;) {
    const old = atomic.load<u32>(routed);
    if (atomic.cmpxchg<u32>(routed, old, (old & ~mask) | bits) == old) break;
  }
  applyRoute(gic, intid);
}

/** Sets the target in an SPI's word according to its route. */
export function applyRoute(gic: usize, intid: i32): void {
  const routed = routeAt(gic, intid);
  const at = wordAt(gic, 0, intid);
  for (;;) {
    const old = atomic.load<u32>(at);
    const route = atomic.load<u32>(routed);
    const word = (old & ~GIC_INT_TARGET) | (vcpuOf(gic, route) << GIC_INT_TARGET_SHIFT);
    if (word != old && !replace(gic, at, intid, old, word)) continue;
    // Another thread may have changed the route in the meantime, and found the old target
    // in the word.
    if (atomic.load<u32>(routed) == route) return;
  }
}

/**
 * GICD_CTLR. Each interrupt's word has a copy of the enables, so that none is claimed
 * after this returns.
 */
function writeControl(gic: usize, value: u32): void {
  const enables = value & (GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1);
  if (atomic.xchg<u32>(gic, enables, GIC_AT_CTLR) == enables) return;
  const vcpus = load<i32>(gic, GIC_AT_VCPUS);
  for (let vcpu: i32 = 0; vcpu < vcpus; vcpu++)
    for (let intid: i32 = 0; intid < GIC_PRIVATE_INTIDS; intid++)
      changeGroup(gic, wordAt(gic, vcpu, intid), intid, 0, 0);
  const intids = load<i32>(gic, GIC_AT_INTIDS);
  for (let intid: i32 = GIC_PRIVATE_INTIDS; intid < intids; intid++)
    changeGroup(gic, wordAt(gic, 0, intid), intid, 0, 0);
  if (load<u32>(gic, GIC_AT_LPIS) == 0) return;
  addWork(gic, GIC_LPIS);
  for (let intid: i32 = GIC_FIRST_LPI; intid < GIC_FIRST_LPI + GIC_LPIS; intid++)
    changeGroup(gic, wordAt(gic, 0, intid), intid, 0, 0);
}

function readTyper(gic: usize): u32 {
  const lpis: u32 = load<u32>(gic, GIC_AT_LPIS) != 0 ? GICD_TYPER_LPIS : 0;
  return GICD_TYPER_FIXED | lpis | ((load<i32>(gic, GIC_AT_INTIDS) >> 5) - 1);
}

/** Reads 32 bits. */
export function readDistributor(gic: usize, offset: i32): u32 {
  const intids = load<i32>(gic, GIC_AT_INTIDS);
  if (isBanked(offset)) return readBank(gic, 0, GIC_PRIVATE_INTIDS, intids, offset);
  switch (offset) {
    case GICD_CTLR:
      return atomic.load<u32>(gic, GIC_AT_CTLR) | GICD_CTLR_FIXED;
    case GICD_TYPER:
      return readTyper(gic);
    case GICD_IIDR:
      return GIC_IIDR_VALUE;
  }
  const intid = routedIntid(gic, offset);
  return intid != 0 ? readRoute(gic, intid, (offset & 4) != 0) : readIdentification(offset);
}

/** Writes 32 bits. */
export function writeDistributor(gic: usize, offset: i32, value: u32): void {
  if (isBanked(offset)) {
    writeBank(gic, 0, GIC_PRIVATE_INTIDS, load<i32>(gic, GIC_AT_INTIDS), offset, value);
  } else if (offset == GICD_CTLR) {
    writeControl(gic, value);
  } else {
    const intid = routedIntid(gic, offset);
    if (intid != 0) writeRoute(gic, intid, (offset & 4) != 0, value);
  }
}

/** Writes one byte, which only priorities accept. */
export function writeDistributor8(gic: usize, offset: i32, value: u32): void {
  if (offset < GIC_IPRIORITYR) return;
  const intid = offset - GIC_IPRIORITYR;
  writePriority(gic, 0, GIC_PRIVATE_INTIDS, load<i32>(gic, GIC_AT_INTIDS), intid, value);
}
