// SPDX-License-Identifier: MIT
// The guest that a machine runs, of any kind: its vCPUs, and the words in its memory that
// control them.

import type { InterruptSink, Placement } from '../../devices/bus/index.ts';
import type { ExitRequestWords } from '../../devices/unit/index.ts';
import type { Vcpu, VcpuHost } from './vcpu.ts';

/** What a guest sees of its exits, and its marks about them. */
export interface ExitView {
  /** A vCPU has left the guest; `total` counts the exits of all vCPUs so far. */
  counted(vcpu: number, total: number): void;
  /**
   * The vCPU is between the first doorbell of a batch on the direct path and its last
   * completion.
   */
  isInvalidating(vcpu: number): boolean;
  /** Its exits by another counter; absent when there is none. */
  readonly importCalls?: ImportCalls;
}

/**
 * Calls of JavaScript functions by a guest, counted independently of the exit counter:
 * where both count, they are equal.
 */
export interface ImportCalls {
  /** Calls so far, of all vCPUs. */
  readonly total: number;
  /**
   * Calls while the vCPU had marked a batch on the direct path (ABI_INVALIDATING_DIRECT).
   */
  readonly duringDirect: number;
  /** Calls while it had marked one on the CMDQ (ABI_INVALIDATING_CMDQ). */
  readonly duringCmdq: number;
}

/** A range of device registers and the guest memory that backs it. */
export interface DirectMapEntry {
  readonly gpa: number;
  /** In bytes. The range is in one page. */
  readonly length: number;
  /** Byte offset of the first one in guest memory. */
  readonly memoryOffset: number;
  /**
   * First argument of the `doorbell` call after a store to the range; undefined: no call.
   */
  readonly doorbell: number | undefined;
  /** Stores have to make that call: see `setRinging`. */
  readonly rings: boolean;
}

/**
 * How the vCPUs of a guest are told of direct maps: by a table that its runtime reads, or
 * by the TLBs of a CPU core. The machine decides about maps and their removal.
 */
export interface DirectMapTable {
  /**
   * Size in bytes of a page that can back registers, which is also the unit of their
   * gpas.
   */
  readonly pageSize: number;
  /** Byte offsets of those pages in guest memory. */
  readonly pages: readonly number[];
  /** Maximum number of maps at a time. */
  readonly size: number;
  /** vCPUs may use the map from now on, and do so from the next `announce` on. */
  set(index: number, entry: DirectMapEntry): void;
  /** Sets whether stores to a map with a doorbell ring it. */
  setRinging(index: number, rings: boolean): void;
  /** Removes a map: a vCPU that has seen the next `announce` does not use it. */
  clear(index: number): void;
  /**
   * Makes the vCPUs read the table again.
   * @returns a number for `hasSeen`.
   */
  announce(): number;
  /** True when the vCPU uses what was set at this announcement, or later. */
  hasSeen(vcpu: number, announcement: number): boolean;
  /** Removes all maps, for vCPUs that are stopped. */
  reset(): void;
}

/**
 * Words of guest memory for a drain that sleeps on its own thread: byte offsets,
 * multiples of 4.
 */
export interface DrainSleepWords {
  /**
   * The drain stores 1 before its last check, and sleeps. A vCPU that finds it clears it
   * and wakes the drain.
   */
  readonly sleeping: number;
  /** The word on which the drain sleeps: incremented, then notified. */
  readonly wake: number;
  /**
   * Words that are non-zero while vCPUs may store to a direct map; the vCPUs check
   * `sleeping` only after setting them. While all are 0 the drain sleeps until it is
   * woken. Undefined: vCPUs check it after each store.
   */
  readonly awake?: { readonly offset: number; readonly count: number; readonly stride: number };
}

/** Wakes a drain that sleeps, or is about to. */
export function wakeDrain(words: Int32Array, { sleeping, wake }: DrainSleepWords): void {
  if (Atomics.load(words, sleeping >> 2) === 0) return;
  if (Atomics.exchange(words, sleeping >> 2, 0) === 0) return;
  Atomics.add(words, wake >> 2, 1);
  Atomics.notify(words, wake >> 2);
}

/** The guest of a machine: vCPUs of one kind, and what they share. */
export interface Guest {
  /** Number of its vCPUs. */
  readonly vcpus: number;
  /** Its vCPUs run on the caller's thread. */
  readonly inline: boolean;
  /**
   * The first slice of vCPU 0 is part of the boot: its program initializes itself in it.
   */
  readonly initialSlice: boolean;
  /** Interrupt inputs for its devices. */
  readonly interrupts: InterruptSink;
  readonly exits: ExitView;
  /** Undefined: every register access traps. */
  readonly directMaps: DirectMapTable | undefined;
  /** How any thread requests an exit: the drain, when a queue needs its host. */
  readonly exitRequest: ExitRequestWords;
  /**
   * Undefined: it never wakes the drain, which then checks by itself, at least every 0.6
   * ms.
   */
  readonly drainSleep: DrainSleepWords | undefined;
  /**
   * Describes the devices to the guest: at the start, and after each reset of its memory.
   */
  describe(devices: readonly Placement[]): void;
  /**
   * Creates the vCPUs. vCPU 0 is at its entry point, the others are off.
   * @param signal aborted, it ends what has been started on other threads, and `start`
   *   throws its reason.
   * @throws {GuestImageError} when the guest imports something that no machine has.
   */
  start(host: VcpuHost, signal: AbortSignal): Promise<readonly Vcpu[]>;
  /** Called after a safe point: updates interrupts and time in the guest's memory. */
  safePoint(nowNs: number): void;
  /**
   * Requests every vCPU to reach a safe point soon, or clears the request. It belongs to
   * the guest and not to a vCPU: the caller need not know which of them runs.
   */
  setExitRequest(wanted: boolean): void;
  /** Returns to the state before `start`: memory, interrupts. There are no vCPUs. */
  reset(): void;
}
