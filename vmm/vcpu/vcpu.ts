// SPDX-License-Identifier: MIT
// A vCPU as a machine sees it, whatever it executes and on whatever thread it runs; and what the
// machine is for a vCPU.

import type { Bus, Clock } from '../../devices/bus/index.ts';
import type { MachineError } from '../../devices/plugin/index.ts';

/** Why a vCPU came back from `run`. */
export type VcpuExit =
  /** Its budget is used up, or it was asked to come back: it goes on when it is run again. */
  | { readonly reason: 'yield' }
  /**
   * It has nothing to do before its next interrupt. `untilMs`: its own timer is due then, by the
   * computer's time. Default: never. `isForever`: nor will there be one, but by a timer of a device.
   */
  | { readonly reason: 'idle'; readonly untilMs?: number; readonly isForever?: boolean }
  /** It is off until its next reset. `code`: the exit code of its program. */
  | { readonly reason: 'off'; readonly code: number }
  /** It cannot go on. */
  | { readonly reason: 'failed'; readonly error: MachineError };

/** Where a vCPU begins after a reset. */
export interface VcpuEntry {
  /** What its program is started with, 32 bits. */
  readonly argument: number;
}

/** State of a vCPU that is outside of the guest, beside the machine's memory: plain data. */
export type VcpuState = Readonly<Record<string, number | string | boolean>>;

/** One virtual processor. Nothing that guest code does makes a method of it throw. */
export interface Vcpu {
  /** From 0. */
  readonly index: number;
  /** Guest code may be running: it is neither at an exit, nor paused, nor outside of the guest. */
  readonly inGuest: boolean;
  /** It is paused, or outside of the guest. */
  readonly still: boolean;
  /**
   * Puts it at the beginning of its program; a promise when that takes time, and it is not to
   * run before.
   * @throws {GuestImageError} when the program does not fit this machine.
   */
  reset(entry: VcpuEntry): void | Promise<void>;
  /**
   * Runs guest code: on the caller's stack, or on a thread of its own, and then the result is a
   * promise.
   * @param budget how much work it may do, in its own measure.
   */
  run(budget: number): VcpuExit | Promise<VcpuExit>;
  /** Its interrupt input. Asserted, it ends the sleep of a vCPU that waits for an interrupt. */
  setIrq(asserted: boolean): void;
  /** Has it stop at its next safe point until it is let go on. */
  setPaused(paused: boolean): void;
  /** A copy of its state, while it is outside of the guest. */
  save(): VcpuState;
  /**
   * Takes over a state that `save` returned. The machine's memory is restored after it.
   * @throws {TypeError} when the state is not of a vCPU of this kind.
   */
  restore(state: VcpuState): Promise<void>;
  /** Ends it for good: at its next safe point, or after a time of grace wherever it is. */
  stop(): Promise<void>;
}

/** The border between guest and VMM, crossed by every JavaScript import of a guest. */
export interface ExitGate {
  /** Before anything else happens on an exit; `kind` is an index into EXIT_KINDS. */
  enter(vcpu: number, kind: number): void;
  /** After it, before the guest goes on: a safe point. */
  leave(vcpu: number, kind: number): void;
  /**
   * Something was thrown between the two.
   * @param exit what it means for the vCPU.
   * @returns what goes on through the guest, which may catch it.
   */
  threw(exit: VcpuExit, thrown: unknown): unknown;
}

/** What a machine is for its vCPUs. */
export interface VcpuHost {
  readonly name: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly gate: ExitGate;
  /** An inline vCPU enters guest code, or has left it: not for exits, which the gate sees. */
  setInGuest(vcpu: number, inGuest: boolean): void;
  /** True while guest code runs on an inline vCPU. */
  isInGuest(vcpu: number): boolean;
  /**
   * Starts a secondary vCPU at its entry, for a guest that asks for it.
   * @returns 0, or -1 when there is none of this number or it still runs.
   */
  startVcpu(vcpu: number, entry: VcpuEntry): number;
  /** A vCPU has nothing to do for a while: the others that share its thread get their turn. */
  wait(): void;
  /**
   * To be called now and then while vCPUs run on other threads: work that waits for no
   * exit. True when there may be more at once.
   */
  attend(): boolean;
  /** Milliseconds until the next timer of a device is due; Infinity: never. `attend` then. */
  untilTimerMs(): number;
  /** A vCPU has ended without having been asked to. */
  failed(vcpu: number, cause: Error): void;
}
