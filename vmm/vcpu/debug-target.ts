// SPDX-License-Identifier: MIT
// What a debugger sees of a machine, of whatever kind its vCPUs are.

/** A register of a vCPU. */
export interface DebugRegister {
  readonly name: string;
  readonly bits: 32 | 64;
  /** `core`: general-purpose registers, SP, PC and PSTATE, in GDB's order; they come first. */
  readonly group: 'core' | 'system';
}

/** What a vCPU does when its machine is resumed. */
export type DebugAction =
  | { readonly what: 'run' | 'stop' }
  /** One instruction; with a range, as long as the PC stays in it: from `from` to before `to`. */
  | {
      readonly what: 'step';
      readonly range?: { readonly from: bigint; readonly to: bigint } | undefined;
    };

/** Why a machine has stopped. */
export type DebugStop =
  | { readonly why: 'breakpoint' | 'step' | 'halt'; readonly vcpu: number }
  /** Before the access. */
  | {
      readonly why: 'watchpoint';
      readonly vcpu: number;
      readonly accesses: WatchedAccess;
      readonly address: bigint;
    };

/** Which accesses a watchpoint is for. */
export type WatchedAccess = 'read' | 'write' | 'any';

/** Addresses of a vCPU, as its translation has them now, or those of the machine's RAM. */
export type AddressSpace = 'virtual' | 'physical';

/** Bytes that stop a vCPU which is about to access them. */
export interface Watchpoint {
  readonly address: bigint;
  /** Bytes, at least 1. */
  readonly length: number;
  readonly accesses: WatchedAccess;
}

/** A machine that a debugger works. Registers and memory are for when it is halted. */
export interface DebugTarget {
  readonly vcpus: number;
  readonly registers: readonly DebugRegister[];
  /** Nothing is executed before `resume`. */
  readonly isHalted: boolean;
  /** What a vCPU does, in a few words. */
  describe(vcpu: number): string;
  /**
   * The value of a register, by its index among `registers`; undefined before the machine has booted.
   */
  readRegister(vcpu: number, register: number): bigint | undefined;
  /** False where it cannot be written, or the value is none of it. */
  writeRegister(vcpu: number, register: number, value: bigint): boolean;
  /** Bytes of RAM, as many of them as there are before one that is not RAM; reads have no effects. */
  readMemory(vcpu: number, space: AddressSpace, address: bigint, length: number): Uint8Array;
  /** False, and nothing is written, where not all of them are RAM. Permissions are not looked at. */
  writeMemory(vcpu: number, space: AddressSpace, address: bigint, bytes: Uint8Array): boolean;
  /** Replaces all breakpoints: virtual addresses of instructions. False: there are too many. */
  setBreakpoints(addresses: readonly bigint[]): boolean;
  /** Replaces all watchpoints. False: there are too many. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): boolean;
  /**
   * A debugger is connected, or may connect, until the function that is returned is called: vCPUs that
   * sleep for ever are something to look at then, and not the machine's end.
   */
  expectDebugger(): () => void;
  /** Halts the machine, and tells of it, unless it is halted. */
  halt(): void;
  /** Lets it go on: what each vCPU does. */
  resume(actions: readonly DebugAction[]): void;
  /** Who is told of stops, after the run that it ends; replaces who was before. */
  onStop(listener: ((stop: DebugStop) => void) | undefined): void;
}
