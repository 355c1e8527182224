// SPDX-License-Identifier: MIT
// What a machine and the thread of one of its arm64 vCPUs say to each other.

import type { VcpuHost } from '../vcpu.ts';
import type { PostedMemory } from './posted-registers.ts';

// What a call of the thread is answered with.
/** It has returned; X0 has its result. */
export const ANSWER_RETURNED = 0;
/** The same, once the vCPU has an interrupt. */
export const ANSWER_SUSPENDED = 1;
/** The instruction is UNDEFINED. */
export const ANSWER_UNDEFINED = 2;
/** The vCPU is off. */
export const ANSWER_OFF = 3;
/** The machine ends, or begins again. */
export const ANSWER_ENDED = 4;

/**
 * Why the thread of a vCPU came back. `stopped`: it was asked to; `asleep`: the same, while it waited
 * for an interrupt without a timer of its own.
 */
export type Arm64ThreadExit = 'stopped' | 'asleep' | 'off' | 'ended' | 'records-full';

/** What a vCPU on a thread of its own asks the machine for; what is asked lies in its block. */
export interface Arm64ThreadCalls {
  /** An access of a device; 0 where there is none. */
  mmio(isWrite: number): number;
  /** Behind HVC: one of ANSWER_*. */
  hypercall(): number;
  /** At HLT: one of ANSWER_*. */
  semihosting(): number;
  /** It was asked for an exit. */
  wait(): void;
  /** At MRS or MSR of a system register that there is not. */
  unknownRegister(encoding: number, isWrite: number): void;
}

/** Where the thread of a vCPU finds things. */
export interface Arm64ThreadMemory {
  readonly memory: WebAssembly.Memory;
  /** Block of vCPU 0. */
  readonly cpus: number;
  /** Its own block. */
  readonly block: number;
  /** What the board keeps in the memory. */
  readonly board: number;
}

/** A vCPU to be run on a thread of its own. */
export interface Arm64ThreadOptions {
  readonly index: number;
  /** Used in messages and for threads: "vm0 vCPU 1". */
  readonly name: string;
  /** Of `loadArm64`. */
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
  /** Runs the vCPU until it is stopped, or cannot go on by itself. */
  run(): Promise<Arm64ThreadExit>;
  setPaused(paused: boolean): void;
  /** Ends the thread, soon: the vCPU has been asked to leave the guest. */
  stop(): Promise<void>;
}

/** Runs vCPUs on threads of their own. */
export interface Arm64Transport {
  /** @param signal aborted, it ends the thread, and `start` throws its reason. */
  start(options: Arm64ThreadOptions, signal: AbortSignal): Promise<Arm64Thread>;
}
