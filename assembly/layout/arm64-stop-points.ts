// SPDX-License-Identifier: MIT
// Stop points of a debugger on the host: offsets in the block of a vCPU (arm64-state.ts).
// The host writes them while the vCPU does not run, and a reset does not change them.

/** u32 each: the numbers of breakpoints and watchpoints. */
export const ARM64_DEBUGGER_BREAKPOINT_COUNT = 0x3c000;
export const ARM64_DEBUGGER_WATCHPOINT_COUNT = 0x3c004;

/**
 * u32, ARM64_WATCH_*, and u64: the watchpoint that has stopped the vCPU, and the address
 * of the access. The host clears the first; while it is not 0, nothing is executed.
 */
export const ARM64_DEBUGGER_STOP = 0x3c008;
export const ARM64_DEBUGGER_STOP_ADDRESS = 0x3c010;

/** Virtual addresses of instructions, u64 each. */
export const ARM64_DEBUGGER_BREAKPOINTS = 0x3c100;
export const ARM64_DEBUGGER_BREAKPOINTS_MAX = 256;

/** Virtual address (u64), length in bytes, ARM64_WATCH_* (u32 each). */
export const ARM64_DEBUGGER_WATCHPOINTS = 0x3c900;
export const ARM64_DEBUGGER_WATCHPOINTS_MAX = 32;
export const ARM64_DEBUGGER_WATCHPOINT_SIZE = 16;

/** The kinds of access that trigger a watchpoint: bits. */
export const ARM64_WATCH_READ = 1;
export const ARM64_WATCH_WRITE = 2;
