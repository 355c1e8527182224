// SPDX-License-Identifier: MIT
// Exceptions (Arm ARM, D1.10): entry to EL1, return, interrupts at instruction
// boundaries.

import { ARM64_EXIT_SLICE, ARM64_EXIT_STOP } from '../layout/arm64-results';
import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_EVENT,
  ARM64_EXIT_REQUEST,
  ARM64_FAULT_ESR,
  ARM64_FAULT_FAR,
  ARM64_IL,
  ARM64_LIMIT,
  ARM64_MONITOR_AT,
  ARM64_NZCV,
  ARM64_PAN,
  ARM64_PC,
  ARM64_PENDING,
  ARM64_PENDING_FIQ,
  ARM64_PENDING_IRQ,
  ARM64_PENDING_STOP,
  ARM64_SLICE,
  ARM64_SP,
  ARM64_SPSEL,
  ARM64_SS,
  ARM64_STEPPED,
  ARM64_STEPPING,
  BANK_ELR,
  BANK_ESR,
  BANK_FAR,
  BANK_SCTLR,
  BANK_SP,
  BANK_SPSR,
  BANK_VBAR,
} from '../layout/arm64-state';
import { debugEnabled, debugEnabledFrom, hasDebug, MDSCR_SS } from './debug-state';
import { isStopped, withdrawInstruction } from './debugger-stops';
import { nextLimit } from './heat-samples';
import { synchronize } from './icache-check';
import { passBoundary } from './inboxes';

// Exception classes (ESR_ELx.EC). An abort or a debug exception from a lower level is 1
// less.
export const EC_UNKNOWN: u32 = 0x00;
export const EC_WFX: u32 = 0x01;
const EC_ILLEGAL_STATE: u32 = 0x0e;
export const EC_SVC: u32 = 0x15;
export const EC_SYSTEM: u32 = 0x18;
export const EC_INSTRUCTION_ABORT: u32 = 0x21;
export const EC_PC_ALIGNMENT: u32 = 0x22;
export const EC_DATA_ABORT: u32 = 0x25;
export const EC_SP_ALIGNMENT: u32 = 0x26;
export const EC_BREAKPOINT: u32 = 0x31;
export const EC_STEP: u32 = 0x33;
export const EC_WATCHPOINT: u32 = 0x35;
export const EC_BRK: u32 = 0x3c;

/** ESR_ELx.IL: the instruction has 32 bits. */
const ESR_IL: u32 = 1 << 25;
// Parts of the vector table.
const VECTOR_SYNCHRONOUS: u64 = 0;
const VECTOR_IRQ: u64 = 0x80;
const VECTOR_FIQ: u64 = 0x100;
/** PSTATE.DAIF, all masked. */
export const DAIF_ALL: u32 = 0x3c0;
const DAIF_I: u32 = 0x80;
const DAIF_F: u32 = 0x40;
/** PSTATE.SS. */
export const PSTATE_SS: u32 = 1 << 21;
/** PSTATE.PAN. */
export const PSTATE_PAN: u32 = 1 << 22;
/** SCTLR_EL1.SPAN: PSTATE.PAN is left unchanged. */
const SCTLR_SPAN: u64 = 1 << 23;

/** The registers of an exception level. */
export function bank(cpu: usize, el: u32): usize {
  return cpu + ARM64_BANK + el * ARM64_BANK_STRIDE;
}

function namesLevel(ec: u32): bool {
  return (
    ec == EC_INSTRUCTION_ABORT ||
    ec == EC_DATA_ABORT ||
    ec == EC_BREAKPOINT ||
    ec == EC_STEP ||
    ec == EC_WATCHPOINT
  );
}

/** Sets the exception that `takeFault` will take. */
export function setFault(cpu: usize, ec: u32, iss: u32, far: u64): void {
  const taken = load<u32>(cpu, ARM64_EL) == 0 && namesLevel(ec) ? ec - 1 : ec;
  store<u32>(cpu, (taken << 26) | ESR_IL | iss, ARM64_FAULT_ESR);
  store<u64>(cpu, far, ARM64_FAULT_FAR);
}

export function undefinedInstruction(cpu: usize): void {
  setFault(cpu, EC_UNKNOWN, 0, 0);
}

function hasAddress(ec: u32): bool {
  return (ec >= 0x20 && ec <= 0x25 && ec != 0x23) || ec == 0x34 || ec == 0x35;
}

/** PSTATE in the format of SPSR, without SS. */
export function programStatus(cpu: usize): u32 {
  const el = load<u32>(cpu, ARM64_EL);
  return (
    load<u32>(cpu, ARM64_NZCV) |
    load<u32>(cpu, ARM64_DAIF) |
    load<u32>(cpu, ARM64_PAN) |
    (load<u32>(cpu, ARM64_IL) << 20) |
    (el << 2) |
    (el != 0 ? load<u32>(cpu, ARM64_SPSEL) : 0)
  );
}

/** Bank of the exception level whose stack pointer is in use. */
function stackOf(cpu: usize): usize {
  return bank(cpu, load<u32>(cpu, ARM64_SPSEL) != 0 ? load<u32>(cpu, ARM64_EL) : 0);
}

/** Changes exception level and stack pointer selection; EL0 has one stack pointer. */
export function setLevel(cpu: usize, el: u32, spSelect: u32): void {
  store<u64>(stackOf(cpu), load<u64>(cpu, ARM64_SP), BANK_SP);
  store<u32>(cpu, el, ARM64_EL);
  store<u32>(cpu, el == 0 ? 0 : spSelect, ARM64_SPSEL);
  store<u64>(cpu, load<u64>(stackOf(cpu), BANK_SP), ARM64_SP);
}

function enter(cpu: usize, vector: u64, ss: u32): void {
  const target: u32 = 1;
  const registers = bank(cpu, target);
  const el = load<u32>(cpu, ARM64_EL);
  synchronize(cpu);
  store<u64>(registers, u64(programStatus(cpu) | ss), BANK_SPSR);
  store<u64>(registers, load<u64>(cpu, ARM64_PC), BANK_ELR);
  const part: u64 = el < target ? 0x400 : load<u32>(cpu, ARM64_SPSEL) != 0 ? 0x200 : 0;
  store<u64>(cpu, load<u64>(registers, BANK_VBAR) + part + vector, ARM64_PC);
  setLevel(cpu, target, 1);
  store<u32>(cpu, DAIF_ALL, ARM64_DAIF);
  if ((load<u64>(registers, BANK_SCTLR) & SCTLR_SPAN) == 0) store<u32>(cpu, PSTATE_PAN, ARM64_PAN);
  store<u32>(cpu, 0, ARM64_IL);
  store<u32>(cpu, 0, ARM64_SS);
  store<u32>(cpu, 0, ARM64_STEPPING);
  store<u32>(cpu, 0, ARM64_STEPPED);
  store<u32>(cpu, 0, ARM64_MONITOR_AT);
}

/**
 * Takes the exception in ARM64_FAULT_*; the PC in the block is its return address. Takes
 * none when a debugger's watchpoint has prevented the instruction.
 */
export function takeFault(cpu: usize): void {
  if (isStopped(cpu)) {
    withdrawInstruction(cpu);
    return;
  }
  const esr = load<u32>(cpu, ARM64_FAULT_ESR);
  const registers = bank(cpu, 1);
  store<u64>(registers, u64(esr), BANK_ESR);
  if (hasAddress(esr >> 26)) store<u64>(registers, load<u64>(cpu, ARM64_FAULT_FAR), BANK_FAR);
  // An instruction that takes an exception does not count as stepped.
  const ss = load<u32>(cpu, ARM64_SS) | load<u32>(cpu, ARM64_STEPPING);
  enter(cpu, VECTOR_SYNCHRONOUS, ss);
}

/** Takes an exception whose return address is the PC in the block. */
export function takeException(cpu: usize, ec: u32, iss: u32): void {
  setFault(cpu, ec, iss, 0);
  takeFault(cpu);
}

/** Whether an interrupt is pending and not masked. The masks apply at EL0 as at EL1. */
export function interruptible(cpu: usize): bool {
  const pending = atomic.load<u32>(cpu + ARM64_PENDING);
  const daif = load<u32>(cpu, ARM64_DAIF);
  return (
    ((pending & ARM64_PENDING_IRQ) != 0 && (daif & DAIF_I) == 0) ||
    ((pending & ARM64_PENDING_FIQ) != 0 && (daif & DAIF_F) == 0)
  );
}

/**
 * Passes an instruction boundary after the limit: `count` is 8 times the instructions of
 * this run, the PC in the block is the next instruction. Takes an interrupt; returns the
 * reason why the run ends, or -1.
 */
export function boundary(cpu: usize, count: u32): i32 {
  // The limit first, then the pending bits: a kick writes them in the opposite order.
  const slice = load<u32>(cpu, ARM64_SLICE);
  atomic.store<u32>(cpu + ARM64_LIMIT, nextLimit(cpu, count));
  passBoundary(cpu);
  if (
    (atomic.load<u32>(cpu + ARM64_PENDING) & ARM64_PENDING_STOP) != 0 ||
    atomic.load<u32>(cpu + ARM64_EXIT_REQUEST) != 0
  )
    return ARM64_EXIT_STOP;
  if (interruptible(cpu)) {
    const fiq = (atomic.load<u32>(cpu + ARM64_PENDING) & ARM64_PENDING_FIQ) != 0;
    const first = fiq && (load<u32>(cpu, ARM64_DAIF) & DAIF_F) == 0;
    enter(cpu, first ? VECTOR_FIQ : VECTOR_IRQ, load<u32>(cpu, ARM64_SS));
  }
  return count > slice ? ARM64_EXIT_SLICE : -1;
}

/** ERET. The PC in the block becomes the return address. */
export function exceptionReturn(cpu: usize): void {
  synchronize(cpu);
  const registers = bank(cpu, load<u32>(cpu, ARM64_EL));
  const spsr = u32(load<u64>(registers, BANK_SPSR));
  const mode = spsr & 0x1f;
  const isLegal = mode == 0 || mode == 4 || mode == 5;
  const target = isLegal ? mode >> 2 : load<u32>(cpu, ARM64_EL);
  // A step begins when code that is not being stepped returns to code that is.
  const begins =
    hasDebug(cpu, MDSCR_SS) && !debugEnabled(cpu) && debugEnabledFrom(cpu, target, spsr);
  store<u32>(cpu, begins ? spsr & PSTATE_SS : 0, ARM64_SS);
  if (load<u32>(cpu, ARM64_STEPPING) == 0) store<u32>(cpu, 0, ARM64_STEPPED);
  store<u32>(cpu, spsr & 0xf0000000, ARM64_NZCV);
  store<u32>(cpu, spsr & DAIF_ALL, ARM64_DAIF);
  store<u32>(cpu, spsr & PSTATE_PAN, ARM64_PAN);
  store<u32>(cpu, 0, ARM64_MONITOR_AT);
  // The condition that the monitor waits for may have become true.
  atomic.store<u32>(cpu + ARM64_EVENT, 1);
  store<u64>(cpu, load<u64>(registers, BANK_ELR), ARM64_PC);
  // An illegal return does not change the level.
  store<u32>(cpu, isLegal ? (spsr >> 20) & 1 : 1, ARM64_IL);
  if (isLegal) setLevel(cpu, target, mode & 1);
  // Nothing else sets PSTATE.IL, so its exception for the next instruction is taken here.
  if (load<u32>(cpu, ARM64_IL) != 0) takeException(cpu, EC_ILLEGAL_STATE, 0);
}
