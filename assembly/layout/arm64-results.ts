// SPDX-License-Identifier: MIT
// The reason why `run` of an arm64 vCPU returned.

/** The end of the slice. */
export const ARM64_EXIT_SLICE = 0;
/** The host asked for the vCPU (ARM64_PENDING_STOP). */
export const ARM64_EXIT_STOP = 1;
/**
 * No record page is free: the host resets the pool and flushes the instruction TLBs of
 * all vCPUs.
 */
export const ARM64_EXIT_RECORDS_FULL = 2;
/**
 * HVC or SMC, in that order: X0 to X7 are the arguments, PC is after the instruction.
 */
export const ARM64_EXIT_HVC = 3;
export const ARM64_EXIT_SMC = 4;
/** WFI without a pending interrupt; WFE without an event. PC is after the instruction. */
export const ARM64_EXIT_WFI = 5;
export const ARM64_EXIT_WFE = 6;
/**
 * HLT, which the host may treat as semihosting: its immediate is in ARM64_MMIO_VALUE, PC
 * is at the instruction.
 */
export const ARM64_EXIT_HLT = 7;
/**
 * A timer register has been written: the host updates deadlines and lines. PC is after
 * the instruction.
 */
export const ARM64_EXIT_TIMER = 8;
/**
 * The next instruction has been stored to: ARM64_STALE_* tell what is missing
 * (arm64-records.ts). PC is at the instruction, and the vCPU can continue.
 */
export const ARM64_EXIT_STALE = 9;
/**
 * A debugger's breakpoint or watchpoint (arm64-stop-points.ts): PC is at the instruction,
 * no part of which has been executed.
 */
export const ARM64_EXIT_DEBUGGER = 10;
/**
 * DSB: other vCPUs have not completed their requests. PC is at the instruction; until the
 * vCPU runs again, others do not wait for it.
 */
export const ARM64_EXIT_DSB = 11;

/**
 * The most instructions that a run which is not exact executes between two checks of its
 * limit: those of a page, and those that lead to the next page.
 */
export const ARM64_FARTHEST = 1025;
