// The life cycle of a machine: its states, and what leads from one to another.
//
//   new ──booted──► ready ──enter──► entered ──leave──► ready
//    │                │                 │  │
//    └──────end───────┴──────► ended ◄──┘  └──end──► leaving ──leave──► ended
//
// `leaving`: guest code is on a stack or a thread, and everything that it calls throws until it has
// come out. `reset` leads from every state but `entered` and `leaving` to `new`.
//
// `ready` and `entered` can be paused: `pause` and `resume` lead there and back. vCPUs on threads
// stand still inside the guest then, and from `ready` no way leads to `entered`.

import type { MachineError } from '../../devices/plugin/index.ts';

/**
 * `new` until `boot`, `running` while the guest wants to go on, `off` when it has ended by itself,
 * `stopped` by its owner, `failed` when one of its parts failed.
 */
export type CoreStatus = 'new' | 'running' | 'off' | 'stopped' | 'failed';

/** How a machine ended, and why. */
export type CoreEnd =
  | { readonly status: 'off'; readonly exitCode: number }
  | { readonly status: 'stopped'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: MachineError };

type State =
  | { readonly name: 'new' }
  | { readonly name: 'ready' | 'entered'; readonly paused: boolean }
  | { readonly name: 'leaving' | 'ended'; readonly end: CoreEnd };

const NEW: State = { name: 'new' };
const READY: State = { name: 'ready', paused: false };
const ENTERED: State = { name: 'entered', paused: false };

export class MachineState {
  #state: State = NEW;
  /** What every call of the guest throws while the machine is `leaving`; undefined otherwise. */
  thrown: unknown;

  get status(): CoreStatus {
    const state = this.#state;
    if (state.name === 'ended') return state.end.status;
    return state.name === 'new' ? 'new' : 'running';
  }

  /** Guest code of vCPU 0 is on a stack or a thread, perhaps at an exit. */
  get isEntered(): boolean {
    return this.#state.name === 'entered' || this.#state.name === 'leaving';
  }

  /** How the machine ended, once it has. */
  get ended(): CoreEnd | undefined {
    return this.#state.name === 'ended' ? this.#state.end : undefined;
  }

  get isPaused(): boolean {
    const state = this.#state;
    return (state.name === 'ready' || state.name === 'entered') && state.paused;
  }

  /** No guest code is entered until `resume`. One that has not been booted, or ends, cannot be paused. */
  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  #setPaused(paused: boolean): void {
    const { name } = this.#state;
    if (name === 'ready' || name === 'entered') this.#state = { name, paused };
  }

  /** The guest is instantiated. One that was ended in the meantime stays so. */
  booted(): void {
    if (this.#state.name === 'new') this.#state = READY;
  }

  /** vCPU 0 is about to run. False when the machine is not ready for that. */
  enter(): boolean {
    if (this.#state.name !== 'ready' || this.#state.paused) return false;
    this.#state = ENTERED;
    return true;
  }

  /** vCPU 0 has come out of the guest. @param end how the machine ends with it, if it does. */
  leave(end?: CoreEnd): void {
    const state = this.#state;
    this.thrown = undefined;
    if (state.name === 'leaving') this.#state = { name: 'ended', end: state.end };
    else if (state.name === 'entered')
      this.#state = end ? { name: 'ended', end } : { name: 'ready', paused: state.paused };
  }

  /**
   * The machine ends, as soon as it has left the guest. Of several reasons the first one counts; but
   * a machine that its owner stops is stopped, whatever else goes wrong on the way.
   * @param thrown what the guest's calls throw until then.
   * @returns false when it has ended already.
   */
  end(end: CoreEnd, thrown: unknown): boolean {
    const state = this.#state;
    if (state.name === 'ended') return false;
    if (state.name === 'new' || state.name === 'ready') {
      this.#state = { name: 'ended', end };
      return true;
    }
    if (state.name === 'entered' || end.status === 'stopped')
      this.#state = { name: 'leaving', end };
    this.thrown ??= thrown;
    return true;
  }

  /** As before the boot. No guest code is left. */
  reset(): void {
    this.#state = NEW;
    this.thrown = undefined;
  }
}
