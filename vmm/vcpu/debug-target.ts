// SPDX-License-Identifier: MIT
// A machine as its debugger sees it, for any kind of vCPU.

/** A register of a vCPU. */
export interface DebugRegister {
  readonly name: string;
  readonly bits: 32 | 64;
  /**
   * `core`: general-purpose registers, SP, PC and PSTATE, in GDB's order; they come
   * first.
   */
  readonly group: 'core' | 'system';
}

/** The action of a vCPU when its machine is resumed. */
export type DebugAction =
  | { readonly what: 'run' | 'stop' }
  /**
   * One instruction; with a range, until the PC leaves it: from `from` up to, but not
   * including, `to`.
   */
  | {
      readonly what: 'step';
      readonly range?: { readonly from: bigint; readonly to: bigint } | undefined;
    };

/** The reason why a machine has stopped. */
export type DebugStop =
  | { readonly why: 'breakpoint' | 'step' | 'halt'; readonly vcpu: number }
  /** Before the access. */
  | {
      readonly why: 'watchpoint';
      readonly vcpu: number;
      readonly accesses: WatchedAccess;
      readonly address: bigint;
    };

/** The accesses that a watchpoint matches. */
export type WatchedAccess = 'read' | 'write' | 'any';

/**
 * Virtual addresses of a vCPU, by its current translation, or physical addresses of the
 * machine's RAM.
 */
export type AddressSpace = 'virtual' | 'physical';

/** Bytes that stop a vCPU before it accesses them. */
export interface Watchpoint {
  readonly address: bigint;
  /** In bytes, at least 1. */
  readonly length: number;
  readonly accesses: WatchedAccess;
}

/**
 * A machine under a debugger. Registers and memory may be accessed while it is halted.
 */
export interface DebugTarget {
  readonly vcpus: number;
  readonly registers: readonly DebugRegister[];
  /** True when nothing is executed before `resume`. */
  readonly isHalted: boolean;
  /** The state of a vCPU, in a few words. */
  describe(vcpu: number): string;
  /**
   * The value of a register, by its index among `registers`; undefined before the machine
   * has booted.
   */
  readRegister(vcpu: number, register: number): bigint | undefined;
  /** False when it cannot be written, or the value does not fit. */
  writeRegister(vcpu: number, register: number, value: bigint): boolean;
  /** Bytes of RAM, up to the first one that is not RAM; reads have no side effects. */
  readMemory(vcpu: number, space: AddressSpace, address: bigint, length: number): Uint8Array;
  /**
   * False without writing anything unless all bytes are RAM. Permissions are not checked.
   */
  writeMemory(vcpu: number, space: AddressSpace, address: bigint, bytes: Uint8Array): boolean;
  /**
   * Replaces all breakpoints: virtual addresses of instructions. False when there are too
   * many.
   */
  setBreakpoints(addresses: readonly bigint[]): boolean;
  /** Replaces all watchpoints. False when there are too many. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): boolean;
  /**
   * A debugger is connected, or may connect, until the returned function is called: the
   * machine then does not end because its vCPUs sleep for ever.
   */
  expectDebugger(): () => void;
  /** Halts the machine and reports it, unless it is halted. */
  halt(): void;
  /** Resumes it, with an action for each vCPU. */
  resume(actions: readonly DebugAction[]): void;
  /**
   * Sets the listener for stops, called after the run that a stop ends; replaces the
   * previous one.
   */
  onStop(listener: ((stop: DebugStop) => void) | undefined): void;
}
