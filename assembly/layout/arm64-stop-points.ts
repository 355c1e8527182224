// SPDX-License-Identifier: MIT
// What a debugger on the host looks for in a vCPU: offsets in its block (arm64-state.ts), which the
// host writes while the vCPU does not run, and which a reset leaves as they are.

/** u32 each: how many breakpoints and watchpoints there are. */
export const ARM64_DEBUGGER_BREAKPOINT_COUNT = 0x3c000;
export const ARM64_DEBUGGER_WATCHPOINT_COUNT = 0x3c004;

/**
 * u32, ARM64_WATCH_*, and u64: the watchpoint that has stopped the vCPU, and the address that it
 * was about to access. The host clears the first: while it is not 0, nothing is executed.
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

/** Which accesses a watchpoint is for: bits. */
export const ARM64_WATCH_READ = 1;
export const ARM64_WATCH_WRITE = 2;
