// SPDX-License-Identifier: MIT
// Why `run` of an arm64 vCPU returned.

/** The slice is over. */
export const ARM64_EXIT_SLICE = 0;
/** The host wanted the vCPU back (ARM64_PENDING_STOP). */
export const ARM64_EXIT_STOP = 1;
/**
 * No record page is left: the host resets the pool and flushes the instruction TLBs of
 * all vCPUs.
 */
export const ARM64_EXIT_RECORDS_FULL = 2;
/**
 * HVC or SMC, in that order: X0 to X7 hold what is asked, PC is behind the instruction.
 */
export const ARM64_EXIT_HVC = 3;
export const ARM64_EXIT_SMC = 4;
/**
 * WFI without a pending interrupt; WFE without an event. PC is behind the instruction.
 */
export const ARM64_EXIT_WFI = 5;
export const ARM64_EXIT_WFE = 6;
/**
 * HLT, which the host may take for semihosting: its immediate is in ARM64_MMIO_VALUE, PC is
 * at the instruction.
 */
export const ARM64_EXIT_HLT = 7;
/**
 * A register of a timer has been written: the host looks at deadlines and lines. PC is
 * behind the instruction.
 */
export const ARM64_EXIT_TIMER = 8;
/**
 * An instruction is to be executed that has been stored to: ARM64_STALE_* say what is
 * missing (arm64-records.ts). PC is at the instruction, and the vCPU can go on.
 */
export const ARM64_EXIT_STALE = 9;
/**
 * A debugger's breakpoint or watchpoint (arm64-stop-points.ts): PC is at the instruction, of which
 * nothing has been executed.
 */
export const ARM64_EXIT_DEBUGGER = 10;
/**
 * DSB: other vCPUs have not done what they have been asked for. PC is at the instruction, and
 * others need not wait for this one meanwhile.
 */
export const ARM64_EXIT_DSB = 11;

/**
 * A run that is not exact looks at its limit at least once in so many instructions: those of a
 * page, and what leads to the next.
 */
export const ARM64_FARTHEST = 1025;
