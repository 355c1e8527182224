// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints of a debugger on the host (layout/arm64-stop-points.ts).
// The guest's own (breakpoints.ts) are registers that it reads and writes; these are
// invisible to it. Both are found in the same way: a page with a breakpoint is executed
// one instruction at a time (stepwise.ts), and a page with a watchpoint is not in the
// data TLB.

import { ARM64_COUNT, ARM64_PC, ARM64_SS, ARM64_STEPPING } from '../layout/arm64-state';
import {
  ARM64_DEBUGGER_BREAKPOINT_COUNT,
  ARM64_DEBUGGER_BREAKPOINTS,
  ARM64_DEBUGGER_STOP,
  ARM64_DEBUGGER_STOP_ADDRESS,
  ARM64_DEBUGGER_WATCHPOINT_COUNT,
  ARM64_DEBUGGER_WATCHPOINT_SIZE,
  ARM64_DEBUGGER_WATCHPOINTS,
  ARM64_WATCH_READ,
  ARM64_WATCH_WRITE,
} from '../layout/arm64-stop-points';

/** The address bits that are compared, as in breakpoints.ts: a tag is ignored. */
const ADDRESS: u64 = 0x1ffffffffffff;
const PAGE: u64 = 4096;

/** Whether a watchpoint has been hit: its instruction must not be executed. */
export function isStopped(cpu: usize): bool {
  return load<u32>(cpu + ARM64_DEBUGGER_STOP) != 0;
}

/**
 * Whether there is a breakpoint at the PC; `ignored` are the address bits that are not
 * compared.
 */
function hasBreakpoint(cpu: usize, ignored: u64): bool {
  const count = load<u32>(cpu + ARM64_DEBUGGER_BREAKPOINT_COUNT);
  const pc = load<u64>(cpu, ARM64_PC);
  for (let n: u32 = 0; n < count; n++) {
    const address = load<u64>(cpu + ARM64_DEBUGGER_BREAKPOINTS + (n << 3));
    if (((address ^ pc) & ADDRESS & ~ignored) == 0) return true;
  }
  return false;
}

/** Whether the page of the PC has a breakpoint. */
export function isDebuggerPage(cpu: usize): bool {
  return hasBreakpoint(cpu, PAGE - 1);
}

/** Whether there is a breakpoint at the PC. */
export function isDebuggerBreakpoint(cpu: usize): bool {
  return hasBreakpoint(cpu, 0);
}

/** Whether `size` bytes at an address overlap a watchpoint. */
function overlaps(watchpoint: usize, va: u64, size: u64): bool {
  const address = load<u64>(watchpoint);
  return (
    ((va - address) & ADDRESS) < u64(load<u32>(watchpoint, 8)) || ((address - va) & ADDRESS) < size
  );
}

/** Whether the page of an address has a watchpoint. */
export function isDebuggerWatchedPage(cpu: usize, va: u64): bool {
  const count = load<u32>(cpu + ARM64_DEBUGGER_WATCHPOINT_COUNT);
  for (let n: u32 = 0; n < count; n++) {
    const watchpoint = cpu + ARM64_DEBUGGER_WATCHPOINTS + n * ARM64_DEBUGGER_WATCHPOINT_SIZE;
    if (overlaps(watchpoint, va & ~(PAGE - 1), PAGE)) return true;
  }
  return false;
}

/**
 * Whether a watchpoint covers an access. If so, stores the stop; the access is then not
 * made.
 */
export function isDebuggerWatched(cpu: usize, va: u64, size: u32, isWrite: bool): bool {
  const count = load<u32>(cpu + ARM64_DEBUGGER_WATCHPOINT_COUNT);
  const access: u32 = isWrite ? ARM64_WATCH_WRITE : ARM64_WATCH_READ;
  for (let n: u32 = 0; n < count; n++) {
    const watchpoint = cpu + ARM64_DEBUGGER_WATCHPOINTS + n * ARM64_DEBUGGER_WATCHPOINT_SIZE;
    const accesses = load<u32>(watchpoint, 12);
    if ((accesses & access) == 0 || !overlaps(watchpoint, va, size)) continue;
    const address = load<u64>(watchpoint);
    const isBefore = ((address - va) & ADDRESS) < u64(size);
    store<u32>(cpu + ARM64_DEBUGGER_STOP, accesses);
    store<u64>(cpu + ARM64_DEBUGGER_STOP_ADDRESS, isBefore ? address : va);
    return true;
  }
  return false;
}

/**
 * Undoes the start of the instruction at the PC: it has neither been executed nor stepped
 * by the guest.
 */
export function withdrawInstruction(cpu: usize): void {
  store<u64>(cpu, load<u64>(cpu, ARM64_COUNT) - 1, ARM64_COUNT);
  withdrawStep(cpu);
}

/** Undoes what `beginStep` has stored of a software step. */
export function withdrawStep(cpu: usize): void {
  store<u32>(cpu, load<u32>(cpu, ARM64_SS) | load<u32>(cpu, ARM64_STEPPING), ARM64_SS);
  store<u32>(cpu, 0, ARM64_STEPPING);
}
