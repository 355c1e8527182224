// SPDX-License-Identifier: MIT
// The life cycle of a machine: its states and their transitions.
//
//   new ──booted──► ready ──enter──► entered ──leave──► ready
//    │                │                 │  │
//    └──────end───────┴──────► ended ◄──┘  └──end──► leaving ──leave──► ended
//
// `leaving`: guest code is on a stack or a thread, and everything that it calls throws
// until it has returned. `reset` leads to `new` from every state except `entered` and
// `leaving`.
//
// `ready` and `entered` have a pace:
//
//   free ◄──resume, pause──► paused ──step──► step ──pause──► paused
//    ▲                                         │
//    └─────────────────resume──────────────────┘
//
// While the machine is `paused`, vCPUs on threads are stopped inside the guest, and
// `ready` cannot change to `entered`. `step` resumes it until the caller pauses it again.

import type { MachineError } from '../../devices/plugin/index.ts';
import type { VcpuExit } from '../vcpu/index.ts';

/**
 * `new` until `boot`, `running` while the guest can continue, `off` when it has ended by
 * itself, `stopped` by its owner or because nothing can wake it, `failed` when one of its
 * parts failed.
 */
export type CoreStatus = 'new' | 'running' | 'off' | 'stopped' | 'failed';

/** How a machine ended, and why. */
export type CoreEnd =
  | { readonly status: 'off'; readonly exitCode: number }
  | { readonly status: 'stopped'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: MachineError };

/**
 * How a machine continues: by itself, not at all, or for a step that its owner has
 * requested.
 */
export type Pace = 'free' | 'paused' | 'step';

type State =
  | { readonly name: 'new' }
  | { readonly name: 'ready' | 'entered'; readonly pace: Pace }
  | { readonly name: 'leaving' | 'ended'; readonly end: CoreEnd };

const NEW: State = { name: 'new' };

/** Reason for stopping a machine that could never do anything again. */
const ASLEEP = 'all vCPUs wait for an interrupt that cannot come: no timer runs, no device has one';

/**
 * How a machine ends when its vCPU returned with this exit; undefined when it continues.
 * @param isQuiet its devices have no work, and no timer.
 */
export function endOf(exit: VcpuExit, isQuiet = false): CoreEnd | undefined {
  if (exit.reason === 'off') return { status: 'off', exitCode: exit.code };
  if (exit.reason === 'idle' && exit.isForever && isQuiet)
    return { status: 'stopped', reason: exit.why ?? ASLEEP };
  return exit.reason === 'failed' ? { status: 'failed', error: exit.error } : undefined;
}

export class MachineState {
  #state: State = NEW;
  /**
   * The value that every call of the guest throws while the machine is `leaving`;
   * undefined otherwise.
   */
  thrown: unknown;

  get status(): CoreStatus {
    const state = this.#state;
    if (state.name === 'ended') return state.end.status;
    return state.name === 'new' ? 'new' : 'running';
  }

  /** True while guest code of vCPU 0 is on a stack or a thread, perhaps at an exit. */
  get isEntered(): boolean {
    return this.#state.name === 'entered' || this.#state.name === 'leaving';
  }

  /** How the machine ended; undefined before. */
  get ended(): CoreEnd | undefined {
    return this.#state.name === 'ended' ? this.#state.end : undefined;
  }

  /** `free` for a machine that has not been booted, or is ending. */
  get pace(): Pace {
    const state = this.#state;
    return state.name === 'ready' || state.name === 'entered' ? state.pace : 'free';
  }

  /**
   * No guest code is entered until `resume` or `step`. A machine that has not been
   * booted, or is ending, cannot be paused.
   */
  pause(): void {
    this.#setPace('paused');
  }

  resume(): void {
    this.#setPace('free');
  }

  /** Guest code may be entered until `pause`. Only a paused machine can be stepped. */
  step(): void {
    if (this.pace === 'paused') this.#setPace('step');
  }

  #setPace(pace: Pace): void {
    const { name } = this.#state;
    if (name === 'ready' || name === 'entered') this.#state = { name, pace };
  }

  /** The guest was instantiated. A machine that was ended in the meantime stays ended. */
  booted(): void {
    if (this.#state.name === 'new') this.#state = { name: 'ready', pace: 'free' };
  }

  /** vCPU 0 is about to run. False when the machine is not ready for it. */
  enter(): boolean {
    const state = this.#state;
    if (state.name !== 'ready' || state.pace === 'paused') return false;
    this.#state = { name: 'entered', pace: state.pace };
    return true;
  }

  /** vCPU 0 has left the guest. @param end how the machine ends with it, if it does. */
  leave(end?: CoreEnd): void {
    const state = this.#state;
    this.thrown = undefined;
    if (state.name === 'leaving') this.#state = { name: 'ended', end: state.end };
    else if (state.name === 'entered')
      this.#state = end ? { name: 'ended', end } : { name: 'ready', pace: state.pace };
  }

  /**
   * Ends the machine, as soon as it has left the guest. The first of several reasons
   * counts; but a machine that its owner stops is `stopped`, whatever else fails
   * meanwhile.
   * @param thrown the value that the guest's calls throw until then.
   * @returns false when the vCPUs need not be asked to leave: the machine has ended
   *   already, or it is ending and its guest ends it once more. A guest can do that tens
   *   of thousands of times in one exit.
   */
  end(end: CoreEnd, thrown: unknown): boolean {
    const state = this.#state;
    if (state.name === 'ended' || (state.name === 'leaving' && end.status === 'off')) return false;
    if (state.name === 'new' || state.name === 'ready') {
      this.#state = { name: 'ended', end };
      return true;
    }
    if (state.name === 'entered' || end.status === 'stopped')
      this.#state = { name: 'leaving', end };
    this.thrown ??= thrown;
    return true;
  }

  /** Returns to the state before the boot. No guest code is running. */
  reset(): void {
    this.#state = NEW;
    this.thrown = undefined;
  }
}
