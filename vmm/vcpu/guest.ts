// SPDX-License-Identifier: MIT
// What a machine runs, of whatever kind: its vCPUs, and the ways to them that lie in its memory.

import type { InterruptSink, Placement } from '../../devices/bus/index.ts';
import type { ExitRequestWords } from '../../devices/unit/index.ts';
import type { Vcpu, VcpuHost } from './vcpu.ts';

/** What a guest sees of its exits, and what it says about them. */
export interface ExitView {
  /** A vCPU has left the guest: `total` times in all so far, of all vCPUs. */
  counted(vcpu: number, total: number): void;
  /** The vCPU is between the first doorbell of a batch on the direct path and its last completion. */
  isInvalidating(vcpu: number): boolean;
  /** Its exits by another count; absent: there is none. */
  readonly importCalls?: ImportCalls;
}

/**
 * Calls of JavaScript functions out of a guest, counted apart from the exit counter: where both
 * count, they agree.
 */
export interface ImportCalls {
  /** Calls so far, of all vCPUs. */
  readonly total: number;
  /** Those while the vCPU had marked a batch on the direct path (ABI_INVALIDATING_DIRECT). */
  readonly duringDirect: number;
  /** Those while it had marked one on the CMDQ (ABI_INVALIDATING_CMDQ). */
  readonly duringCmdq: number;
}

/** A range of device registers and the guest memory that backs it. */
export interface DirectMapEntry {
  readonly gpa: number;
  /** Bytes; the range lies in one page. */
  readonly length: number;
  /** Byte offset of the first one in guest memory. */
  readonly memoryOffset: number;
  /** First argument of the `doorbell` call behind a store to the range; undefined: there is none. */
  readonly doorbell: number | undefined;
  /** Stores do make that call: see `setRinging`. */
  readonly rings: boolean;
}

/**
 * How the vCPUs of a guest learn of direct maps: a table that its runtime reads, or the
 * TLBs of a CPU core. Who may have a map, and when it is gone, is its machine's affair.
 */
export interface DirectMapTable {
  /** Bytes of a page that can back registers, and what their gpas are cut into. */
  readonly pageSize: number;
  /** Where those pages lie: byte offsets in guest memory. */
  readonly pages: readonly number[];
  /** Maps at once. */
  readonly size: number;
  /** vCPUs may use the map from now on; from `announce` on they do. */
  set(index: number, entry: DirectMapEntry): void;
  /** Stores to the map, which has a doorbell, ring it from now on, or do not. */
  setRinging(index: number, rings: boolean): void;
  /** The map is to be used no more: whoever has seen the next `announce` does not. */
  clear(index: number): void;
  /**
   * Has the vCPUs look anew.
   * @returns what `hasSeen` is asked with.
   */
  announce(): number;
  /** The vCPU uses what was set when this was announced, or later. */
  hasSeen(vcpu: number, announcement: number): boolean;
  /** Without a map, for vCPUs that are stopped. */
  reset(): void;
}

/** Words of guest memory for a drain that sleeps on a thread of its own: byte offsets, multiples of 4. */
export interface DrainSleepWords {
  /**
   * The drain stores 1 before it looks for the last time and sleeps. A vCPU that finds it
   * takes it back and wakes the drain.
   */
  readonly sleeping: number;
  /** What the drain sleeps on: raised, then notified. */
  readonly wake: number;
  /**
   * Words that are not 0 while vCPUs may store to a direct map, which look at `sleeping` only behind setting them.
   * While all are 0 the drain sleeps until it is woken. Undefined: they look at it behind each store.
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

/** What a machine runs: vCPUs of one kind, and what they share. */
export interface Guest {
  /** How many vCPUs it has. */
  readonly vcpus: number;
  /** Its vCPUs run on the caller's thread. */
  readonly inline: boolean;
  /** The first slice of vCPU 0 belongs to the boot: its program initializes itself in it. */
  readonly initialSlice: boolean;
  /** Where the interrupt lines of its devices end. */
  readonly interrupts: InterruptSink;
  readonly exits: ExitView;
  /** Undefined: every register access traps. */
  readonly directMaps: DirectMapTable | undefined;
  /** How any thread asks for an exit: the drain where a queue needs its host. */
  readonly exitRequest: ExitRequestWords;
  /** Undefined: it never wakes the drain, which then looks by itself, every 0.6 ms at least. */
  readonly drainSleep: DrainSleepWords | undefined;
  /** Tells the guest which devices there are: at the start, and after each reset of its memory. */
  describe(devices: readonly Placement[]): void;
  /**
   * Makes the vCPUs. vCPU 0 is at its entry, the others are off.
   * @param signal aborted, it ends what has been started on other threads, and `start` throws its reason.
   * @throws {GuestImageError} when the guest asks for something that no machine has.
   */
  start(host: VcpuHost, signal: AbortSignal): Promise<readonly Vcpu[]>;
  /** A safe point is over: what the guest sees of interrupts and time is put right. */
  safePoint(nowNs: number): void;
  /**
   * Asks every vCPU to come to a safe point soon, or takes that back. It is the guest's and
   * not a vCPU's: whoever wants an exit does not have to know which of them runs.
   */
  setExitRequest(wanted: boolean): void;
  /** Everything as before `start`: memory, interrupts. No vCPU is left. */
  reset(): void;
}
