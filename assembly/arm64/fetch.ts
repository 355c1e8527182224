// SPDX-License-Identifier: MIT
// Finds the records of the PC.

import {
  ARM64_EXIT_DEBUGGER,
  ARM64_EXIT_RECORDS_FULL,
  ARM64_EXIT_SLICE,
} from '../layout/arm64-results';
import {
  ARM64_BASE,
  ARM64_COUNT,
  ARM64_EL,
  ARM64_EXIT,
  ARM64_PC,
  ARM64_PC_OFFSET,
  ARM64_RECORD_WEDGED,
  ARM64_TLB,
  ARM64_TLB_FETCH,
  ARM64_TLB_STRIDE,
  ARM64_WALK_PA,
  ARM64_WALK_SHIFT,
} from '../layout/arm64-state';
import { isBreakpointPage } from './breakpoints';
import { isDebuggerPage, isStopped } from './debugger-stops';
import { EC_INSTRUCTION_ABORT, EC_PC_ALIGNMENT, setFault, takeFault } from './exception';
import { hostOf, pageNumber } from './guest-ram';
import { recordPage } from './records';
import { FAULT_EXTERNAL, FETCH, TRANSLATED, translate, untagged } from './stage1-walk';
import { isStepwise } from './stepwise';
import { noteEntry } from './tlb';

/**
 * Address of the instruction TLB entry for a PC, at the current exception level;
 * ARM64_TLB_FETCH has to be added.
 */
export function fetchEntry(cpu: usize, pc: u64): usize {
  const tlb = cpu + ARM64_TLB + load<u32>(cpu, ARM64_EL) * ARM64_TLB_STRIDE;
  return tlb + ((usize(pc) >> 8) & 0xff0);
}

/** Whether the entry is for the page of the PC, and the PC is aligned. */
export function isFetchEntry(entry: usize, pc: u64): bool {
  return load<u64>(entry, ARM64_TLB_FETCH) == (pc & ~0xffc);
}

/**
 * The record of a PC in a record page. Sets ARM64_PC_OFFSET for the records of that page.
 */
export function enterPage(cpu: usize, base: usize, pc: u64): usize {
  store<u64>(cpu, (pc & ~0xfff) - u64(base >> 1), ARM64_PC_OFFSET);
  return base + ((usize(pc) & 0xfff) << 1);
}

/** Stored in ARM64_BASE when the PC cannot be fetched. */
const FAULTED: usize = 0;
const POOL_FULL: usize = 1;

/**
 * The record page of the PC, or FAULTED (the fault is in ARM64_FAULT_*), or POOL_FULL.
 */
function basePage(cpu: usize): usize {
  const pc = load<u64>(cpu, ARM64_PC);
  const entry = fetchEntry(cpu, pc);
  if (isFetchEntry(entry, pc)) return load<usize>(entry, ARM64_TLB_FETCH + 8);
  // The PC has no tag (DDI 0487, AArch64.BranchAddr), and the TLB has no entry for a
  // tagged address.
  if (untagged(cpu, pc) != pc) {
    store<u64>(cpu, untagged(cpu, pc), ARM64_PC);
    return basePage(cpu);
  }
  if ((pc & 3) != 0) {
    setFault(cpu, EC_PC_ALIGNMENT, 0, pc);
    return FAULTED;
  }
  const el = load<u32>(cpu, ARM64_EL);
  const status = translate(cpu, pc, el, FETCH, false);
  if (status != TRANSLATED) {
    setFault(cpu, EC_INSTRUCTION_ABORT, status, pc);
    return FAULTED;
  }
  const pa = load<u64>(cpu, ARM64_WALK_PA);
  if (hostOf(cpu, pa & ~0xfff, 4096) == 0) {
    setFault(cpu, EC_INSTRUCTION_ABORT, FAULT_EXTERNAL, pc);
    return FAULTED;
  }
  const base = recordPage(cpu, pageNumber(cpu, pa));
  if (base == 0) return POOL_FULL;
  // A page in the TLB is entered without a check for breakpoints.
  if (isBreakpointPage(cpu) || isDebuggerPage(cpu)) return base;
  noteEntry(cpu, pc, el, load<u32>(cpu, ARM64_WALK_SHIFT));
  store<u64>(entry, pc & ~0xfff, ARM64_TLB_FETCH);
  store<usize>(entry, base, ARM64_TLB_FETCH + 8);
  return base;
}

/**
 * The run ends, because `step` has to execute the next instruction. Not an ARM64_EXIT_*:
 * hosts do not see it.
 */
export const STEPWISE: i32 = 0x100;

/** The record that leaves the run, with the given reason. */
function leave(cpu: usize, exit: i32): usize {
  store<i32>(cpu, exit, ARM64_EXIT);
  return cpu + ARM64_RECORD_WEDGED;
}

/**
 * The record of the PC in the block, for a loop; one that leaves the run if the loop may
 * not execute it.
 */
export function locate(cpu: usize): usize {
  if (isStopped(cpu)) return leave(cpu, ARM64_EXIT_DEBUGGER);
  return isStepwise(cpu) ? leave(cpu, STEPWISE) : locateRecord(cpu, false);
}

/**
 * The record of the PC in the block; its page is stored in ARM64_BASE. If the fetch
 * faults, the exception is taken first. If the exception's handler cannot be fetched
 * either, or no record page is free, the record is one that leaves the run.
 */
export function locateRecord(cpu: usize, steps: bool): usize {
  let base = basePage(cpu);
  if (base == FAULTED) {
    takeFault(cpu);
    if (!steps && isStepwise(cpu)) return leave(cpu, STEPWISE);
    base = basePage(cpu);
  }
  if (base > POOL_FULL) {
    store<usize>(cpu, base, ARM64_BASE);
    return enterPage(cpu, base, load<u64>(cpu, ARM64_PC));
  }
  if (base == FAULTED) {
    // The vCPU only takes this exception again and again. Each turn counts as an
    // instruction, so that a slice ends.
    store<u64>(cpu, load<u64>(cpu, ARM64_COUNT) + 1, ARM64_COUNT);
    return leave(cpu, ARM64_EXIT_SLICE);
  }
  return leave(cpu, ARM64_EXIT_RECORDS_FULL);
}
