// SPDX-License-Identifier: MIT
// The system registers of the CPU interface (IHI 0069 section 12.2). Only the thread that
// runs the vCPU calls these functions; changes outside its block follow the protocol of
// interrupt.ts.

import {
  GIC_AT_VCPUS,
  GIC_CPU_AP0R,
  GIC_CPU_AP1R,
  GIC_CPU_BPR0,
  GIC_CPU_BPR1,
  GIC_CPU_CTLR,
  GIC_CPU_IGRPEN0,
  GIC_CPU_IGRPEN1,
  GIC_CPU_PMR,
  GIC_INT_ACTIVE,
  GIC_INT_GROUP1,
  GIC_INT_LATCH,
  GIC_SGIS,
} from '../layout/gic-memory';
import {
  GIC_PRIORITY_BITS,
  ICC_AP0R0_EL1,
  ICC_AP1R0_EL1,
  ICC_ASGI1R_EL1,
  ICC_BPR0_EL1,
  ICC_BPR1_EL1,
  ICC_CTLR_CBPR,
  ICC_CTLR_EL1,
  ICC_CTLR_EOIMODE,
  ICC_CTLR_FIXED,
  ICC_DIR_EL1,
  ICC_EOIR0_EL1,
  ICC_EOIR1_EL1,
  ICC_HPPIR0_EL1,
  ICC_HPPIR1_EL1,
  ICC_IAR0_EL1,
  ICC_IAR1_EL1,
  ICC_IGRPEN0_EL1,
  ICC_IGRPEN1_EL1,
  ICC_INTID_NONE,
  ICC_INTID_SPECIAL,
  ICC_MIN_BPR0,
  ICC_MIN_BPR1,
  ICC_PMR_EL1,
  ICC_RPR_EL1,
  ICC_SGI0R_EL1,
  ICC_SGI1R_EL1,
  ICC_SRE_EL1,
  ICC_SRE_VALUE,
} from '../layout/gic-registers';
import { acknowledge, highest, lookAgain, runningPriority, usesCommonPoint } from './candidates';
import { change, cpuBlock, exists, replace, wordAt } from './interrupt';

/** A binary point: three bits, raised to the least implemented value. */
function clamped(value: u32, least: u32): u32 {
  const point = value & 7;
  return point < least ? least : point;
}

function readBpr1(cpu: usize): u32 {
  if (!usesCommonPoint(cpu)) return load<u32>(cpu, GIC_CPU_BPR1);
  const common = load<u32>(cpu, GIC_CPU_BPR0) + 1;
  return common > 7 ? 7 : common;
}

/**
 * Executes an MRS of a GIC register.
 * @param register op0:op1:CRn:CRm:op2 in 16 bits.
 * @returns the value, or -1 when the access is UNDEFINED.
 */
export function iccRead(gic: usize, vcpu: i32, register: u32): i64 {
  const cpu = cpuBlock(gic, vcpu);
  switch (register) {
    case ICC_PMR_EL1:
      return load<u32>(cpu, GIC_CPU_PMR);
    case ICC_IAR0_EL1:
    case ICC_HPPIR0_EL1:
      return ICC_INTID_NONE;
    case ICC_BPR0_EL1:
      return load<u32>(cpu, GIC_CPU_BPR0);
    case ICC_AP0R0_EL1:
      return load<u32>(cpu, GIC_CPU_AP0R);
    case ICC_AP1R0_EL1:
      return load<u32>(cpu, GIC_CPU_AP1R);
    case ICC_RPR_EL1:
      return runningPriority(cpu);
    case ICC_IAR1_EL1:
      return acknowledge(gic, vcpu);
    case ICC_HPPIR1_EL1:
      return highest(gic, vcpu);
    case ICC_BPR1_EL1:
      return readBpr1(cpu);
    case ICC_CTLR_EL1:
      return load<u32>(cpu, GIC_CPU_CTLR) | ICC_CTLR_FIXED;
    case ICC_SRE_EL1:
      return ICC_SRE_VALUE;
    case ICC_IGRPEN0_EL1:
      return load<u32>(cpu, GIC_CPU_IGRPEN0);
    case ICC_IGRPEN1_EL1:
      return load<u32>(cpu, GIC_CPU_IGRPEN1);
    default:
      return -1;
  }
}

/** Drops the running priority, which is that of the last interrupt acknowledged. */
function dropPriority(gic: usize, vcpu: i32): void {
  const cpu = cpuBlock(gic, vcpu);
  const active = load<u32>(cpu, GIC_CPU_AP1R);
  store<u32>(cpu, active & (active - 1), GIC_CPU_AP1R);
  lookAgain(gic, vcpu);
}

/**
 * Ends the active state, which LPIs do not have. A line that is still high makes the
 * interrupt deliverable again.
 */
function deactivate(gic: usize, vcpu: i32, value: u32): void {
  const intid = <i32>(value & 0xffffff);
  if (!exists(gic, intid)) return;
  change(gic, wordAt(gic, vcpu, intid), intid, GIC_INT_ACTIVE, 0);
}

/** EOIR: drops the priority and, with EOImode = 0, deactivates the interrupt. */
function endOfInterrupt(gic: usize, vcpu: i32, value: u32): void {
  const intid = <i32>(value & 0xffffff);
  if (intid >= ICC_INTID_SPECIAL && intid <= ICC_INTID_NONE) return;
  dropPriority(gic, vcpu);
  if ((load<u32>(cpuBlock(gic, vcpu), GIC_CPU_CTLR) & ICC_CTLR_EOIMODE) == 0)
    deactivate(gic, vcpu, value);
}

/** Makes an SGI pending on a vCPU, if the SGI is in group 1. */
function sendSgi(gic: usize, vcpu: i32, intid: i32): void {
  const at = wordAt(gic, vcpu, intid);
  for (;;) {
    const old = atomic.load<u32>(at);
    if ((old & GIC_INT_GROUP1) == 0 || (old & GIC_INT_LATCH) != 0) return;
    if (replace(gic, at, intid, old, old | GIC_INT_LATCH)) return;
  }
}

/**
 * ICC_SGI1R_EL1 (IHI 0069 section 12.2.37). The affinity of vCPU n is 0.0.(n / 16).(n %
 * 16), so that a target list of 16 covers one Aff1.
 */
function generateSgi(gic: usize, vcpu: i32, value: u64): void {
  const intid = <i32>(value >> 24) & (GIC_SGIS - 1);
  const vcpus = load<i32>(gic, GIC_AT_VCPUS);
  if (((value >> 40) & 1) != 0) {
    for (let target: i32 = 0; target < vcpus; target++)
      if (target != vcpu) sendSgi(gic, target, intid);
    return;
  }
  // Aff2, Aff3 and the range selector of every vCPU are 0.
  if ((value & 0x00fff0ff_00000000) != 0) return;
  const first = (<i32>(value >> 16) & 0xff) << 4;
  let list = <u32>value & 0xffff;
  while (list != 0) {
    const target = first + <i32>ctz(list);
    list &= list - 1;
    if (target < vcpus) sendSgi(gic, target, intid);
  }
}

/** Stores a register of the CPU interface that decides which interrupts are signalled. */
function writeMasking(gic: usize, vcpu: i32, at: usize, value: u32): void {
  store<u32>(cpuBlock(gic, vcpu) + at, value);
  lookAgain(gic, vcpu);
}

/**
 * Executes an MSR of a GIC register.
 * @param register op0:op1:CRn:CRm:op2 in 16 bits.
 * @returns false when the access is UNDEFINED.
 */
export function iccWrite(gic: usize, vcpu: i32, register: u32, value: u64): bool {
  const cpu = cpuBlock(gic, vcpu);
  const low = <u32>value;
  switch (register) {
    case ICC_PMR_EL1:
      writeMasking(gic, vcpu, GIC_CPU_PMR, low & GIC_PRIORITY_BITS);
      return true;
    case ICC_EOIR0_EL1:
    case ICC_ASGI1R_EL1:
    case ICC_SGI0R_EL1:
    case ICC_SRE_EL1:
      return true;
    case ICC_BPR0_EL1:
      writeMasking(gic, vcpu, GIC_CPU_BPR0, clamped(low, ICC_MIN_BPR0));
      return true;
    case ICC_AP0R0_EL1:
      writeMasking(gic, vcpu, GIC_CPU_AP0R, low);
      return true;
    case ICC_AP1R0_EL1:
      writeMasking(gic, vcpu, GIC_CPU_AP1R, low);
      return true;
    case ICC_DIR_EL1:
      if ((load<u32>(cpu, GIC_CPU_CTLR) & ICC_CTLR_EOIMODE) != 0) deactivate(gic, vcpu, low);
      return true;
    case ICC_SGI1R_EL1:
      generateSgi(gic, vcpu, value);
      return true;
    case ICC_EOIR1_EL1:
      endOfInterrupt(gic, vcpu, low);
      return true;
    case ICC_BPR1_EL1:
      if (!usesCommonPoint(cpu)) writeMasking(gic, vcpu, GIC_CPU_BPR1, clamped(low, ICC_MIN_BPR1));
      return true;
    case ICC_CTLR_EL1:
      writeMasking(gic, vcpu, GIC_CPU_CTLR, low & (ICC_CTLR_CBPR | ICC_CTLR_EOIMODE));
      return true;
    case ICC_IGRPEN0_EL1:
      store<u32>(cpu, low & 1, GIC_CPU_IGRPEN0);
      return true;
    case ICC_IGRPEN1_EL1:
      writeMasking(gic, vcpu, GIC_CPU_IGRPEN1, low & 1);
      return true;
    default:
      return false;
  }
}
