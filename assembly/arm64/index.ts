// SPDX-License-Identifier: MIT
// The arm64 CPU. A vCPU is a block of memory (layout/arm64-state.ts) that one thread runs
// at a time; an instance of this module serves any number of them, and has no state.

import { ARM64_PAGE_RECORDS, ARM64_RECORD_SIZE } from '../layout/arm64-records';
import {
  ARM64_EXIT_DEBUGGER,
  ARM64_EXIT_SLICE,
  ARM64_EXIT_STALE,
  ARM64_FARTHEST,
} from '../layout/arm64-results';
import {
  ARM64_ACC,
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_BASE,
  ARM64_COUNT,
  ARM64_CRC32,
  ARM64_CRC32C,
  ARM64_DAIF,
  ARM64_DP,
  ARM64_EL,
  ARM64_EXIT,
  ARM64_FA,
  ARM64_FB,
  ARM64_FK,
  ARM64_NUMBERS,
  ARM64_NZCV,
  ARM64_OS_LOCK,
  ARM64_PC,
  ARM64_PC_OFFSET,
  ARM64_PEERS,
  ARM64_RECORD_FETCH,
  ARM64_RECORD_LIMIT,
  ARM64_RECORD_SLOW,
  ARM64_RECORD_STEP,
  ARM64_RECORD_TRAP,
  ARM64_RECORD_WEDGED,
  ARM64_SLICE,
  ARM64_SPSEL,
  ARM64_STARTED,
  ARM64_STEPPING,
  ARM64_TIME_RATE,
  ARM64_TLB,
  BANK_SCTLR,
} from '../layout/arm64-state';
import { isBreakpoint } from './breakpoints';
import { isDebuggerBreakpoint, withdrawStep } from './debugger-stops';
import { boundary, DAIF_ALL, EC_BREAKPOINT, EC_SP_ALIGNMENT, takeException } from './exception';
import { locate, locateRecord, STEPWISE } from './fetch';
import {
  HANDLER_FETCH,
  HANDLER_FORGOTTEN,
  HANDLER_LIMIT,
  HANDLER_REGION,
  HANDLER_SLOW,
  HANDLER_STALE,
  HANDLER_STOP,
  HANDLER_TRAP,
  HANDLER_WEDGED,
} from './handlers';
import { foundStale, isChecked } from './icache-check';
import { leaveGuest } from './inboxes';
import { NZCV } from './lazy-flags';
import { fillCrcTable } from './operations';
import { decodeForgotten, decodeRecord, plantStop, removeStop } from './records';
import { isAtRegion, runRegions } from './regions';
import { runFast } from './run-fast';
import { runSlow } from './run-slow';
import { SCTLR_ONES } from './special-registers';
import { FAULT_DEBUG } from './stage1-walk';
import { beginStep, isStackFault, noteStep } from './stepwise';
import { NEXT } from './system-results';
import { flushAll } from './tlb';

export { takeException } from './exception';
export { takeEvent } from './exclusives';
export { readRegister, setStatus, statusOf, writeRegister } from './host-registers';
export { flushFetch, invalidateAll, invalidatePage, resetPool } from './records';
export { entryOf, placeEntry } from './regions';
// A function that is called in one place is inlined, unless it is exported.
export { runFast } from './run-fast';
export { hostAddress } from './slow-access';
export { flushAll } from './tlb';

/** The most instructions of one slice: the count of a run has 32 bits, in eighths. */
const MOST: u32 = 1 << 27;

/**
 * Resets a vCPU: EL1, stack pointer of EL1, all exceptions masked, MMU off. Fields set by
 * the host (ARM64_PEERS to ARM64_TIME_RATE) are kept.
 */
export function reset(cpu: usize): void {
  const behind = ARM64_TIME_RATE + 8;
  memory.fill(cpu, 0, ARM64_PEERS);
  memory.fill(cpu + behind, 0, ARM64_TLB - behind);
  store<u64>(cpu, HANDLER_TRAP, ARM64_RECORD_TRAP);
  store<u64>(cpu, HANDLER_LIMIT, ARM64_RECORD_LIMIT);
  store<u64>(cpu, HANDLER_FETCH, ARM64_RECORD_FETCH);
  store<u64>(cpu, HANDLER_WEDGED, ARM64_RECORD_WEDGED);
  store<u64>(cpu, HANDLER_SLOW, ARM64_RECORD_SLOW);
  store<u32>(cpu, 1, ARM64_EL);
  store<u32>(cpu, 1, ARM64_SPSEL);
  store<u32>(cpu, DAIF_ALL, ARM64_DAIF);
  store<u64>(cpu, 1, ARM64_OS_LOCK);
  store<u64>(cpu, SCTLR_ONES, ARM64_BANK + ARM64_BANK_STRIDE + BANK_SCTLR);
  for (let n: usize = 0; n < 32; n++) store<u64>(cpu + (n << 3), u64(n), ARM64_NUMBERS);
  fillCrcTable(cpu + ARM64_CRC32, 0xedb88320);
  fillCrcTable(cpu + ARM64_CRC32C, 0x82f63b78);
  flushAll(cpu);
}

/**
 * Begins a slice. Interrupts that are already pending are taken before its first
 * instruction.
 */
function begin(cpu: usize, slice: u32): i32 {
  store<u32>(cpu, slice, ARM64_SLICE);
  return boundary(cpu, 0);
}

/**
 * Executes instructions, starting with a record, until the end of the slice, or until the
 * host has to act. Returns one of ARM64_EXIT_*.
 */
function runRecords(cpu: usize, record: usize): i32 {
  store<u64>(cpu, load<u64>(cpu, ARM64_COUNT), ARM64_STARTED);
  store<usize>(cpu, record, ARM64_DP);
  store<usize>(cpu, 0 - record, ARM64_ACC);
  store<u64>(cpu, u64(load<u32>(cpu, ARM64_NZCV)), ARM64_FA);
  store<u64>(cpu, 0, ARM64_FB);
  store<u32>(cpu, NZCV, ARM64_FK);
  while (true) {
    if (!isAtRegion(cpu)) runFast(cpu);
    runRegions(cpu);
    const exit = runSlow(cpu);
    if (exit != NEXT) return exit;
  }
}

/**
 * Runs a vCPU for at least `instructions` (at most 2^27), and on to the next taken
 * branch, page or exception, which is at most 1024 instructions later. Returns one of
 * ARM64_EXIT_*.
 */
export function run(cpu: usize, instructions: u32): i32 {
  const exit = runSlice(cpu, instructions);
  leaveGuest(cpu);
  return exit;
}

function runSlice(cpu: usize, instructions: u32): i32 {
  store<u32>(cpu, 0, ARM64_STEPPING);
  let left = i64(min<u32>(instructions, MOST));
  const end = load<u64>(cpu, ARM64_COUNT) + left;
  while (true) {
    let exit = begin(cpu, u32(left) << 3);
    if (exit < 0) exit = runRecords(cpu, locate(cpu));
    if (exit != STEPWISE) return exit;
    exit = step(cpu);
    if (exit != ARM64_EXIT_SLICE) return exit;
    left = i64(end - load<u64>(cpu, ARM64_COUNT));
    if (left <= 0) return ARM64_EXIT_SLICE;
  }
}

/**
 * Whether a debugger's breakpoint is at the PC, whose record has been located. If so, the
 * step is withdrawn.
 */
function isDebuggerStop(cpu: usize, record: usize): bool {
  if (record == cpu + ARM64_RECORD_WEDGED || !isDebuggerBreakpoint(cpu)) return false;
  withdrawStep(cpu);
  return true;
}

/** The decoded content of an instruction's record. Its page is in ARM64_BASE. */
function decodedRecord(cpu: usize, record: usize): u64 {
  const base = load<usize>(cpu, ARM64_BASE);
  while (true) {
    const decoded = load<u64>(record);
    const handler = decoded & 0xffff;
    if (handler == 0) decodeRecord(cpu, record, base);
    else if (handler == HANDLER_REGION) return load<u64>(usize(decoded >> 32));
    else if (handler != HANDLER_FORGOTTEN) return decoded;
    else {
      const aside = decodeForgotten(cpu, record, base);
      if (aside != 0) return load<u64>(aside);
    }
  }
}

/**
 * Executes exactly one instruction, or takes its exception: runs a copy of its record,
 * followed by a record that stops. Returns one of ARM64_EXIT_*.
 */
export function step(cpu: usize): i32 {
  const exit = begin(cpu, 0);
  if (exit >= 0) return exit;
  beginStep(cpu);
  let record = locateRecord(cpu, true);
  if (isDebuggerStop(cpu, record)) return ARM64_EXIT_DEBUGGER;
  // A fetch fault has priority over a breakpoint (D1.13.4).
  if (record != cpu + ARM64_RECORD_WEDGED && isBreakpoint(cpu)) {
    takeException(cpu, EC_BREAKPOINT, FAULT_DEBUG);
    record = locateRecord(cpu, true);
    if (isDebuggerStop(cpu, record)) return ARM64_EXIT_DEBUGGER;
  }
  if (record == cpu + ARM64_RECORD_WEDGED) return load<i32>(cpu, ARM64_EXIT);
  const isStale = load<u16>(record) == u16(HANDLER_STALE);
  if (isStale && foundStale(cpu, record, load<u64>(cpu, ARM64_PC))) return ARM64_EXIT_STALE;
  const decoded = decodedRecord(cpu, record);
  if (isStackFault(cpu, record, decoded & 0xffff)) {
    store<u64>(cpu, load<u64>(cpu, ARM64_COUNT) + 1, ARM64_COUNT);
    takeException(cpu, EC_SP_ALIGNMENT, 0);
    return ARM64_EXIT_SLICE;
  }
  noteStep(cpu, record);
  const copy = cpu + ARM64_RECORD_STEP;
  store<u64>(copy, decoded);
  store<u64>(copy, HANDLER_STOP, 8);
  store<u64>(cpu, load<u64>(cpu, ARM64_PC) - u64(copy >> 1), ARM64_PC_OFFSET);
  const end = runRecords(cpu, copy);
  return end == STEPWISE ? ARM64_EXIT_SLICE : end;
}

/**
 * Executes up to the next taken branch or the end of the page, but at most `most`
 * instructions: for that time a record that stops is planted after them. Returns one of
 * ARM64_EXIT_*.
 */
function runAtMost(cpu: usize, most: u32): i32 {
  let exit = begin(cpu, 0);
  if (exit >= 0) return exit;
  const record = locate(cpu);
  if (record == cpu + ARM64_RECORD_WEDGED) return load<i32>(cpu, ARM64_EXIT);
  const stop = record + most * ARM64_RECORD_SIZE;
  if (stop >= load<usize>(cpu, ARM64_BASE) + ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE)
    return runRecords(cpu, record);
  const kept = plantStop(stop);
  exit = runRecords(cpu, record);
  removeStop(stop, kept);
  return exit;
}

/**
 * Runs until exactly `due` instructions have been executed since reset, or until the host
 * has to act. Returns one of ARM64_EXIT_*.
 */
export function runTo(cpu: usize, due: u64): i32 {
  let exit: i32 = ARM64_EXIT_SLICE;
  while (exit == ARM64_EXIT_SLICE) {
    const left = i64(due - load<u64>(cpu, ARM64_COUNT));
    if (left <= 0) break;
    // Where stores to instructions are tracked, such a store would remove the planted
    // record.
    if (left > ARM64_FARTHEST) exit = run(cpu, u32(min<i64>(left - ARM64_FARTHEST, MOST)));
    else exit = isChecked(cpu) ? STEPWISE : runAtMost(cpu, u32(left));
    if (exit == STEPWISE) exit = step(cpu);
  }
  return exit;
}
