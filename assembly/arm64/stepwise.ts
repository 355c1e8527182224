// SPDX-License-Identifier: MIT
// Conditions that the loops of the interpreter do not check, because a check would slow
// down each instruction and they hardly ever hold. Code under such a condition is
// executed one instruction at a time (`step`), with the checks before each.

import { ARM64_PAGE_CODE } from '../layout/arm64-records';
import {
  ARM64_BASE,
  ARM64_EL,
  ARM64_SP,
  ARM64_SS,
  ARM64_STEPPED,
  ARM64_STEPPING,
  BANK_SCTLR,
} from '../layout/arm64-state';
import { isBreakpointPage } from './breakpoints';
import { isStepActive } from './debug-state';
import { isDebuggerPage } from './debugger-stops';
import { EC_STEP, PSTATE_SS, takeException } from './exception';
import { HANDLER_NOP, HANDLER_UNDEFINED } from './handlers';
import { FAULT_DEBUG, regimeOf } from './stage1-walk';

// SCTLR_EL1: the stack pointer has to be aligned to 16 bytes, at EL1 and at EL0.
const SCTLR_SA: u64 = 1 << 3;
const SCTLR_SA0: u64 = 1 << 4;

// ISS of a software step exception: EX is valid; a load-exclusive has been stepped.
const ISS_ISV: u32 = 1 << 24;
const ISS_EX: u32 = 1 << 6;

/** Whether an access with SP as its base faults. */
function isStackMisaligned(cpu: usize): bool {
  if ((load<u64>(cpu, ARM64_SP) & 15) == 0) return false;
  const checked = load<u32>(cpu, ARM64_EL) == 0 ? SCTLR_SA0 : SCTLR_SA;
  return (load<u64>(regimeOf(cpu), BANK_SCTLR) & checked) != 0;
}

/** Whether the next instruction has to be executed with checks. */
export function isStepwise(cpu: usize): bool {
  return (
    isStackMisaligned(cpu) || isStepActive(cpu) || isBreakpointPage(cpu) || isDebuggerPage(cpu)
  );
}

/**
 * Software step, before an instruction (D2.12): takes the pending exception, or stores
 * that this instruction is being stepped.
 */
export function beginStep(cpu: usize): void {
  store<u32>(cpu, 0, ARM64_STEPPING);
  if (!isStepActive(cpu)) return;
  if (load<u32>(cpu, ARM64_SS) == 0) {
    takeException(cpu, EC_STEP, FAULT_DEBUG | load<u32>(cpu, ARM64_STEPPED));
    return;
  }
  store<u32>(cpu, 0, ARM64_SS);
  store<u32>(cpu, PSTATE_SS, ARM64_STEPPING);
}

/** Stores what is being stepped, before it is executed. */
export function noteStep(cpu: usize, record: usize): void {
  if (load<u32>(cpu, ARM64_STEPPING) == 0) return;
  const word = wordOf(cpu, record);
  // LDXR, LDAXR and their pairs; a "pair" with a size below 32 bits is CASP.
  const isExclusive = (word & 0x3fc00000) == 0x08400000 && (word & 0x80200000) != 0x00200000;
  store<u32>(cpu, ISS_ISV | (isExclusive ? ISS_EX : 0), ARM64_STEPPED);
}

/** The instruction word of a record in the page that `locate` has found. */
function wordOf(cpu: usize, record: usize): u32 {
  const base = load<usize>(cpu, ARM64_BASE);
  return load<u32>(load<usize>(base - ARM64_PAGE_CODE) + ((record - base) >> 1));
}

/**
 * Whether a decoded instruction takes an SP alignment fault (Arm ARM, D1.8.2): all
 * implemented loads and stores do, except literals, whose field is not a register, and
 * prefetches.
 */
export function isStackFault(cpu: usize, record: usize, handler: u64): bool {
  if (!isStackMisaligned(cpu)) return false;
  if (handler == HANDLER_UNDEFINED || handler == HANDLER_NOP) return false;
  const word = wordOf(cpu, record);
  const isAccess = (word & 0x0a000000) == 0x08000000;
  const isLiteral = (word & 0x3b000000) == 0x18000000;
  return isAccess && !isLiteral && ((word >> 5) & 31) == 31;
}
