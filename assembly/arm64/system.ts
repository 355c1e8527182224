// SPDX-License-Identifier: MIT
// Instructions outside the interpreter's loop because they read or change more than
// general-purpose registers: exceptions, system registers, cache and TLB maintenance,
// hints. The PC in the block is that of the instruction.

import { register as boardRegister } from '../imports/board';
import {
  ARM64_EXIT_DSB,
  ARM64_EXIT_HLT,
  ARM64_EXIT_HVC,
  ARM64_EXIT_SMC,
  ARM64_EXIT_TIMER,
  ARM64_EXIT_WFE,
  ARM64_EXIT_WFI,
} from '../layout/arm64-results';
import {
  ARM64_DAIF,
  ARM64_EL,
  ARM64_EVENT,
  ARM64_LIMIT,
  ARM64_MMIO_VALUE,
  ARM64_PAN,
  ARM64_PC,
  ARM64_PEER_COUNT,
  ARM64_PENDING,
  ARM64_STEPPING,
  BANK_CNTKCTL,
  BANK_SCTLR,
} from '../layout/arm64-state';
import { DAIF_D } from './debug-state';
import {
  EC_BRK,
  EC_SVC,
  EC_SYSTEM,
  EC_UNKNOWN,
  EC_WFX,
  exceptionReturn,
  interruptible,
  PSTATE_PAN,
  setLevel,
} from './exception';
import { takeEvent } from './exclusives';
import { synchronize } from './icache-check';
import { beginExit, endExit, isThreaded, waitForOthers } from './inboxes';
import { maintain } from './maintenance';
import { peerOf } from './peers';
import { registerOf, setRegister } from './registers';
import { readSpecial, writeSpecial } from './special-registers';
import { regimeOf } from './stage1-walk';
import {
  AT_MDSCR_EL1,
  describeRegister,
  KIND_BOARD,
  KIND_SPECIAL,
  KIND_STORAGE,
  registerBits,
  TRAP_CNTFRQ,
  TRAP_CNTP,
  TRAP_CNTPCT,
  TRAP_CNTV,
  TRAP_CNTVCT,
  TRAP_TDCC,
  TRAP_UCT,
  TRAP_UMA,
} from './system-registers';
import { AGAIN, exception, NEXT, systemSyndrome } from './system-results';
import { flushAll } from './tlb';

// SCTLR_EL1: what EL0 is permitted to do.
const SCTLR_UMA: u64 = 1 << 9;
const SCTLR_UCT: u64 = 1 << 15;
const SCTLR_NTWI: u64 = 1 << 16;
const SCTLR_NTWE: u64 = 1 << 18;
/** MDSCR_EL1: EL0 may not use the debug communication channel. */
const MDSCR_TDCC: u64 = 1 << 12;

/** op2 of ISB; the other barrier that is executed here is DSB. */
const OP2_ISB: u32 = 6;

/**
 * Continues after the instruction, with a check for interrupts that have just been
 * unmasked.
 */
function lookAtInterrupts(cpu: usize): i32 {
  if (!interruptible(cpu)) return NEXT;
  atomic.store<u32>(cpu + ARM64_LIMIT, 0);
  return after(cpu, AGAIN);
}

/** Completes the instruction: advances the PC in the block. */
function after(cpu: usize, result: i32): i32 {
  store<u64>(cpu, load<u64>(cpu, ARM64_PC) + 4, ARM64_PC);
  return result;
}

/** Whether EL0 may access a register under a trap condition. */
function allowed(cpu: usize, trap: u32): bool {
  const sctlr = load<u64>(regimeOf(cpu), BANK_SCTLR);
  const timers = load<u64>(regimeOf(cpu), BANK_CNTKCTL);
  if (trap == TRAP_UCT) return (sctlr & SCTLR_UCT) != 0;
  if (trap == TRAP_UMA) return (sctlr & SCTLR_UMA) != 0;
  if (trap == TRAP_CNTFRQ) return (timers & 3) != 0;
  if (trap == TRAP_CNTPCT) return (timers & 1) != 0;
  if (trap == TRAP_CNTVCT) return (timers & 2) != 0;
  if (trap == TRAP_CNTV) return (timers & (1 << 8)) != 0;
  if (trap == TRAP_CNTP) return (timers & (1 << 9)) != 0;
  if (trap == TRAP_TDCC) return (load<u64>(cpu + AT_MDSCR_EL1) & MDSCR_TDCC) == 0;
  return true;
}

/** An UNDEFINED access, which the host reports. */
function unknown(cpu: usize, encoding: u32, isWrite: bool): i32 {
  beginExit(cpu);
  boardRegister(cpu, encoding, isWrite);
  endExit(cpu);
  return exception(cpu, EC_UNKNOWN, 0);
}

/**
 * The ID space: op0 3, op1 0, CRn 0, CRm 1 to 7. Registers that are not in the table read
 * as 0.
 */
function isIdentification(encoding: u32): bool {
  return encoding >> 7 == 3 << 7 && ((encoding >> 3) & 15) - 1 < 7;
}

/** op0 of debug registers. */
const DEBUG: u32 = 2;

/** Whether a register is a timer's: CRn 14. */
function isTimer(encoding: u32): bool {
  return ((encoding >> 7) & 15) == 14;
}

/**
 * Completes a write of a debug register, on which the TLBs and the next instruction
 * depend.
 */
function debugChanged(cpu: usize): i32 {
  flushAll(cpu);
  return after(cpu, AGAIN);
}

function moveRegister(cpu: usize, word: u32, isRead: bool): i32 {
  const encoding = (word >> 5) & 0xffff;
  const el = load<u32>(cpu, ARM64_EL);
  const rt = word & 31;
  const what = describeRegister(encoding);
  if (what == 0) {
    if (!isIdentification(encoding) || !isRead || el == 0) return unknown(cpu, encoding, !isRead);
    setRegister(cpu, rt, 0);
    return NEXT;
  }
  const mayAt = (el == 0 ? 22 : 20) + u32(!isRead);
  if (((what >> mayAt) & 1) == 0) return exception(cpu, EC_UNKNOWN, 0);
  if (el == 0 && !allowed(cpu, (what >> 24) & 15))
    return exception(cpu, EC_SYSTEM, systemSyndrome(word));
  const kind = (what >> 16) & 15;
  if (kind == KIND_BOARD) {
    store<u64>(cpu, registerOf(cpu, rt), ARM64_MMIO_VALUE);
    if (!boardRegister(cpu, encoding, !isRead)) return exception(cpu, EC_UNKNOWN, 0);
    if (isRead) setRegister(cpu, rt, load<u64>(cpu, ARM64_MMIO_VALUE));
    return lookAtInterrupts(cpu);
  }
  if (kind == KIND_SPECIAL) {
    if (
      isRead ? !readSpecial(cpu, encoding, rt) : !writeSpecial(cpu, encoding, registerOf(cpu, rt))
    )
      return exception(cpu, EC_UNKNOWN, 0);
    if (isTimer(encoding) && !isRead) return after(cpu, ARM64_EXIT_TIMER);
    // The write may have changed where the next instruction is fetched from.
    return isRead ? NEXT : interruptible(cpu) ? lookAtInterrupts(cpu) : after(cpu, AGAIN);
  }
  const bits = registerBits(encoding);
  if (kind == KIND_STORAGE) {
    const at = cpu + (what & 0xffff);
    if (isRead) setRegister(cpu, rt, load<u64>(at));
    else {
      store<u64>(at, registerOf(cpu, rt) & bits);
      if (encoding >> 14 == DEBUG) return debugChanged(cpu);
    }
  } else if (isRead) setRegister(cpu, rt, bits);
  return NEXT;
}

/** MSR (immediate): PAN, SPSel, DAIFSet, DAIFClr. */
function movePstate(cpu: usize, word: u32): i32 {
  const op1 = (word >> 16) & 7;
  const op2 = (word >> 5) & 7;
  const value = (word >> 8) & 15;
  const el = load<u32>(cpu, ARM64_EL);
  if (op1 == 3 && (op2 == 6 || op2 == 7)) {
    if (el == 0 && !allowed(cpu, TRAP_UMA)) return exception(cpu, EC_SYSTEM, systemSyndrome(word));
    const daif = load<u32>(cpu, ARM64_DAIF);
    store<u32>(cpu, op2 == 6 ? daif | (value << 6) : daif & ~(value << 6), ARM64_DAIF);
    const next = lookAtInterrupts(cpu);
    // D decides whether the next instruction is stepped.
    return next == NEXT && ((value << 6) & DAIF_D) != 0 ? after(cpu, AGAIN) : next;
  }
  if (op1 != 0 || el == 0) return exception(cpu, EC_UNKNOWN, 0);
  if (op2 == 4) store<u32>(cpu, (value & 1) != 0 ? PSTATE_PAN : 0, ARM64_PAN);
  else if (op2 == 5) {
    setLevel(cpu, el, value & 1);
    return after(cpu, AGAIN);
  } else return exception(cpu, EC_UNKNOWN, 0);
  return NEXT;
}

/**
 * WFE and WFI. At EL0 they may trap; otherwise the vCPU leaves its run unless it is to be
 * woken at once.
 */
function wait(cpu: usize, isEvent: bool): i32 {
  if (isEvent && takeEvent(cpu)) return NEXT;
  if (!isEvent && atomic.load<u32>(cpu + ARM64_PENDING) != 0) return NEXT;
  const mayWait = isEvent ? SCTLR_NTWE : SCTLR_NTWI;
  if (load<u32>(cpu, ARM64_EL) == 0 && (load<u64>(regimeOf(cpu), BANK_SCTLR) & mayWait) == 0)
    // Condition 14, always, is valid.
    return exception(cpu, EC_WFX, (1 << 24) | (14 << 20) | u32(isEvent));
  return after(cpu, isEvent ? ARM64_EXIT_WFE : ARM64_EXIT_WFI);
}

/** SEV: an event for every vCPU, this one included. */
function sendEvent(cpu: usize): void {
  atomic.store<u32>(cpu + ARM64_EVENT, 1);
  const count = load<u32>(cpu, ARM64_PEER_COUNT);
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    const peer = peerOf(cpu, vcpu);
    atomic.store<u32>(peer + ARM64_EVENT, 1);
    // A vCPU that waits for an event on its own thread sleeps on this word.
    if (peer != cpu && isThreaded(cpu)) atomic.notify(peer + ARM64_PENDING, -1);
  }
}

function hint(cpu: usize, word: u32): i32 {
  switch ((word >> 5) & 0x7f) {
    case 2:
      return wait(cpu, true);
    case 3:
      return wait(cpu, false);
    case 4:
      sendEvent(cpu);
      return NEXT;
    default:
      // SEVL.
      atomic.store<u32>(cpu + ARM64_EVENT, 1);
      return NEXT;
  }
}

/** SVC, HVC, SMC, BRK, HLT. */
function generate(cpu: usize, word: u32): i32 {
  const immediate = (word >> 5) & 0xffff;
  const isEl0 = load<u32>(cpu, ARM64_EL) == 0;
  switch (((word >> 19) & 0x1c) | (word & 3)) {
    case 1:
      after(cpu, AGAIN);
      // The instruction counts as executed, so its step is complete.
      store<u32>(cpu, 0, ARM64_STEPPING);
      return exception(cpu, EC_SVC, immediate);
    case 2:
      return isEl0 ? exception(cpu, EC_UNKNOWN, 0) : after(cpu, ARM64_EXIT_HVC);
    case 3:
      return isEl0 ? exception(cpu, EC_UNKNOWN, 0) : after(cpu, ARM64_EXIT_SMC);
    case 4:
      return exception(cpu, EC_BRK, immediate);
    default:
      store<u64>(cpu, u64(immediate), ARM64_MMIO_VALUE);
      return ARM64_EXIT_HLT;
  }
}

/** Executes an instruction: NEXT, AGAIN, or one of ARM64_EXIT_*. */
export function executeSystem(cpu: usize, word: u32): i32 {
  if (word >> 24 == 0xd4) return generate(cpu, word);
  if (word >> 24 == 0xd6) {
    if (load<u32>(cpu, ARM64_EL) == 0) return exception(cpu, EC_UNKNOWN, 0);
    exceptionReturn(cpu);
    if (interruptible(cpu)) atomic.store<u32>(cpu + ARM64_LIMIT, 0);
    return AGAIN;
  }
  const op0 = (word >> 19) & 3;
  if (op0 >= 2) return moveRegister(cpu, word, (word & (1 << 21)) != 0);
  if (op0 == 1) {
    // No such instruction returns a value: SYSL is UNDEFINED.
    if ((word & (1 << 21)) != 0) return exception(cpu, EC_UNKNOWN, 0);
    return maintain(cpu, word);
  }
  const crn = (word >> 12) & 15;
  if (crn == 4) return movePstate(cpu, word);
  if (crn == 2) return hint(cpu, word);
  if (((word >> 5) & 7) != OP2_ISB) return waitForOthers(cpu) ? NEXT : ARM64_EXIT_DSB;
  // ISB: the next instructions are fetched again.
  synchronize(cpu);
  return after(cpu, AGAIN);
}
