// SPDX-License-Identifier: MIT
// What an arm64 vCPU needs of its board.

import type { InterruptSink } from '../../../devices/bus/index.ts';
import type { PostedRegisters } from './posted-registers.ts';

/** A vCPU's part of an interrupt controller: a CPU interface in system registers. */
export interface CpuInterface {
  /**
   * Sets where it signals that `irqAsserted` may be true: bit 0 of a word, and then 0 in
   * another one.
   */
  connect(vcpu: number, pendingAt: number, limitAt: number): void;
  /** False: the bit has been cleared, and a later interrupt sets it again. */
  irqAsserted(vcpu: number): boolean;
  setPrivateLine(vcpu: number, intid: number, asserted: boolean): void;
  readInterface(vcpu: number, register: number): bigint | undefined;
  writeInterface(vcpu: number, register: number, value: bigint): boolean;
}

/** An interrupt controller with a CPU interface in system registers: a GICv3. */
export interface CpuInterrupts extends CpuInterface, InterruptSink {
  /**
   * The work of accesses to its registers since the last call, in units of which 64 take
   * as long as an exit. Absent: none of them takes longer than others.
   */
  takeWork?(): number;
}

/** X0 to X3 of a vCPU that calls the layer above its operating system. */
export interface Hypercall {
  readonly vcpu: number;
  readonly x0: bigint;
  readonly x1: bigint;
  readonly x2: bigint;
  readonly x3: bigint;
}

/** The result of a call: it returns a value in X0, or does not return. */
export type HypercallResult =
  | { readonly what: 'return'; readonly x0: bigint }
  /** Returns the value when the vCPU has an interrupt. */
  | { readonly what: 'suspend'; readonly x0: bigint }
  /** The vCPU is off. */
  | { readonly what: 'stopped' }
  /** The machine is off. `code`: the exit code of its program, by default 0. */
  | { readonly what: 'off'; readonly code?: number }
  /** The machine restarts from its initial state. */
  | { readonly what: 'reset' };

/** HLT #0xF000 at EL1. */
export interface SemihostingCall {
  /** W0, unsigned. */
  readonly operation: number;
  /** X1. */
  readonly parameter: bigint;
  /**
   * The first bytes at a virtual address that EL1 can read, at least one and at most
   * `length`, valid until the call returns; undefined outside RAM. Costs the vCPU an
   * exit.
   */
  readonly read: (address: bigint, length: number) => Uint8Array | undefined;
}

/** MRS or MSR of a system register that neither a vCPU nor its board has: UNDEFINED. */
export interface UnknownRegister {
  readonly vcpu: number;
  /** S3_0_C15_C2_0. */
  readonly register: string;
  readonly isWrite: boolean;
  /** Address of the instruction. */
  readonly pc: bigint;
}

/** The board of an arm64 guest. */
export interface Arm64Board {
  readonly interrupts: CpuInterrupts;
  /**
   * True when anything except vCPUs and timers can still interrupt a vCPU. Called only
   * while none of them runs. Default: it can.
   */
  canInterrupt?(): boolean;
  /** Executes a HVC. */
  hypercall(call: Hypercall): HypercallResult;
  /** Executes a semihosting call. Without it HLT is UNDEFINED. */
  semihosting?(call: SemihostingCall): HypercallResult;
  /**
   * Registers that vCPUs on threads of their own access without an exit. Default: there
   * are none.
   */
  readonly posted?: PostedRegisters | undefined;
  /**
   * Told of system registers that there are not. Absent: nobody is, and a vCPU on a
   * thread of its own does not leave it for them.
   */
  readonly unknownRegister?: ((access: UnknownRegister) => void) | undefined;
}
