// SPDX-License-Identifier: MIT
// What an arm64 vCPU is built from, its entry point, and its waits.

import type { Arm64Exports } from '../../../assembly/load.ts';
import type { VcpuHost } from '../vcpu.ts';
import type { Arm64Block } from './arm64-block.ts';
import type { Arm64Board } from './arm64-board.ts';
import type { Arm64Counter } from './arm64-counter.ts';
import type { Arm64Regions } from './translator/index.ts';

/** What a vCPU is built from. */
export interface Arm64VcpuOptions {
  readonly index: number;
  readonly block: Arm64Block;
  /** MPIDR_EL1 without its fixed bits. */
  readonly affinity: bigint;
  readonly exports: Arm64Exports;
  readonly host: VcpuHost;
  readonly board: Arm64Board;
  readonly counter: Arm64Counter;
  /** There is no record page left: makes room. */
  recordsFull(): void;
  /** Makes hot code faster. Undefined: all code is interpreted. */
  readonly regions: Arm64Regions | undefined;
  /** Called when ARM64_STALE_* of its block describe a stale instruction. */
  onStale(block: Arm64Block): void;
  /** A debugger's breakpoint or watchpoint has stopped it. */
  onDebuggerStop(vcpu: number): void;
}

/**
 * What a vCPU that executes nothing waits for, and the counter at which it continues in
 * any case.
 */
export interface Arm64Wait {
  readonly what: 'interrupt' | 'event';
  readonly until: bigint | undefined;
}
