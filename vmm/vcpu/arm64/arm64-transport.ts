// SPDX-License-Identifier: MIT
// The interface between a machine and the thread of one of its arm64 vCPUs.

import type { VcpuHost } from '../vcpu.ts';
import type { PostedMemory } from './posted-registers.ts';

// Results of a thread's calls.
/** It has returned; X0 has its result. */
export const ANSWER_RETURNED = 0;
/** The same, when the vCPU has an interrupt. */
export const ANSWER_SUSPENDED = 1;
/** The instruction is UNDEFINED. */
export const ANSWER_UNDEFINED = 2;
/** The vCPU is off. */
export const ANSWER_OFF = 3;
/** The machine ends, or restarts. */
export const ANSWER_ENDED = 4;

/**
 * Why the thread of a vCPU returned. `stopped`: on request; `asleep`: the same, while it
 * waited for an interrupt without its own timer.
 */
export type Arm64ThreadExit = 'stopped' | 'asleep' | 'off' | 'ended' | 'records-full';

/**
 * Requests of a vCPU with its own thread to its machine; their operands are in its block.
 */
export interface Arm64ThreadCalls {
  /** An access to a device; 0 when there is none. */
  mmio(isWrite: number): number;
  /** After HVC: one of ANSWER_*. */
  hypercall(): number;
  /** At HLT: one of ANSWER_*. */
  semihosting(): number;
  /** It was requested to exit. */
  wait(): void;
  /** At MRS or MSR of a system register that there is not. Absent: nobody asks. */
  unknownRegister?(encoding: number, isWrite: number): void;
}

/** Places in memory for the thread of a vCPU. */
export interface Arm64ThreadMemory {
  readonly memory: WebAssembly.Memory;
  /** Block of vCPU 0. */
  readonly cpus: number;
  /** Its own block. */
  readonly block: number;
  /** The board's area in the memory. */
  readonly board: number;
}

/** A vCPU to run on its own thread. */
export interface Arm64ThreadOptions {
  readonly index: number;
  /** Name in messages and for threads: "vm0 vCPU 1". */
  readonly name: string;
  /** From `loadArm64`. */
  readonly module: WebAssembly.Module;
  readonly memory: Arm64ThreadMemory;
  readonly calls: Arm64ThreadCalls;
  /** Registers that it accesses without a call. */
  readonly posted: PostedMemory | undefined;
  readonly host: VcpuHost;
}

/** The thread of a vCPU. */
export interface Arm64Thread {
  /** It is paused, or not in the guest at all. */
  readonly still: boolean;
  /** Runs the vCPU until it is stopped, or cannot continue by itself. */
  run(): Promise<Arm64ThreadExit>;
  setPaused(paused: boolean): void;
  /** Ends the thread, soon: the vCPU has been requested to leave the guest. */
  stop(): Promise<void>;
}

/** Runs vCPUs on their own threads. */
export interface Arm64Transport {
  /** @param signal aborted, it ends the thread, and `start` throws its reason. */
  start(options: Arm64ThreadOptions, signal: AbortSignal): Promise<Arm64Thread>;
}
