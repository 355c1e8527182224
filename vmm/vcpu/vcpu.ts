// SPDX-License-Identifier: MIT
// A vCPU in the form that a machine uses, independent of what it executes and on which
// thread; and the machine's interface for a vCPU.

import type { Bus, Clock } from '../../devices/bus/index.ts';
import type { MachineError } from '../../devices/plugin/index.ts';

/** Why `run` of a vCPU returned. */
export type VcpuExit =
  /**
   * Its budget is used up, or it was requested to return: it continues when it is run
   * again.
   */
  | { readonly reason: 'yield' }
  /**
   * It has nothing to do before its next interrupt. `untilMs`: its own timer is due then,
   * by the computer's time. Default: never. `isForever`: only a timer of a device can
   * interrupt it. `why`: if not because it waits.
   */
  | {
      readonly reason: 'idle';
      readonly untilMs?: number;
      readonly isForever?: boolean;
      readonly why?: string;
    }
  /** It is off until its next reset. `code`: the exit code of its program. */
  | { readonly reason: 'off'; readonly code: number }
  /** It cannot continue. */
  | { readonly reason: 'failed'; readonly error: MachineError };

/** Where a vCPU starts after a reset. */
export interface VcpuEntry {
  /** Argument of its program, 32 bits. */
  readonly argument: number;
}

/** State of a vCPU outside the guest that is not in the machine's memory: plain data. */
export type VcpuState = Readonly<Record<string, number | string | boolean>>;

/** One virtual processor. Its methods do not throw because of guest code. */
export interface Vcpu {
  /** From 0. */
  readonly index: number;
  /**
   * Guest code may be running: it is neither at an exit, nor paused, nor outside the
   * guest.
   */
  readonly inGuest: boolean;
  /** It is paused, or outside the guest. */
  readonly still: boolean;
  /**
   * Something has ended its wait since `run` returned `idle`. Undefined: it cannot tell.
   */
  readonly isWoken?: boolean;
  /**
   * Sets it to the start of its program; a promise when that takes time, before which it
   * must not run.
   * @throws {GuestImageError} when the program does not fit this machine.
   */
  reset(entry: VcpuEntry): void | Promise<void>;
  /**
   * Runs guest code: on the caller's stack, or on its own thread, and then the result is
   * a promise.
   * @param budget amount of work that it may do, in its own unit.
   */
  run(budget: number): VcpuExit | Promise<VcpuExit>;
  /**
   * Sets its interrupt input. When asserted, it ends the sleep of a vCPU that waits for
   * an interrupt.
   */
  setIrq(asserted: boolean): void;
  /** Makes it stop at its next safe point until it is resumed. */
  setPaused(paused: boolean): void;
  /** A copy of its state, while it is outside the guest. */
  save(): VcpuState;
  /**
   * Restores a state that `save` returned. The machine's memory is restored after it.
   * @throws {TypeError} when the state is not of a vCPU of this kind.
   */
  restore(state: VcpuState): Promise<void>;
  /** Ends it for good: at its next safe point, or after a grace period wherever it is. */
  stop(): Promise<void>;
}

/** The boundary between guest and VMM, crossed by every JavaScript import of a guest. */
export interface ExitGate {
  /** Called before anything else on an exit; `kind` is an index into EXIT_KINDS. */
  enter(vcpu: number, kind: number): void;
  /** Called at its end, before the guest continues: a safe point. */
  leave(vcpu: number, kind: number): void;
  /**
   * Something was thrown between the two.
   * @param exit its consequence for the vCPU.
   * @returns what is thrown through the guest, which may catch it.
   */
  threw(exit: VcpuExit, thrown: unknown): unknown;
}

/** The machine's interface for its vCPUs. */
export interface VcpuHost {
  readonly name: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly gate: ExitGate;
  /**
   * An inline vCPU enters or leaves guest code, except for exits, which the gate sees.
   */
  setInGuest(vcpu: number, inGuest: boolean): void;
  /** True while guest code runs on an inline vCPU. */
  isInGuest(vcpu: number): boolean;
  /**
   * Starts a secondary vCPU at its entry point, on a guest's request.
   * @returns 0, or -1 when there is none with this number or it still runs.
   */
  startVcpu(vcpu: number, entry: VcpuEntry): number;
  /** A vCPU has nothing to do for a while: the others on its thread get their turn. */
  wait(): void;
  /**
   * To be called regularly while vCPUs run on other threads: work that does not depend on
   * an exit. True when there may be more at once.
   */
  attend(): boolean;
  /**
   * Milliseconds until the next timer of a device is due, when `attend` has to be called;
   * Infinity: never.
   */
  untilTimerMs(): number;
  /** True when the devices had work at the last safe point, and may have more. */
  isBusy(): boolean;
  /** A vCPU has ended unexpectedly. */
  failed(vcpu: number, cause: Error): void;
}
