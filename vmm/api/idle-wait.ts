// SPDX-License-Identifier: MIT
// What a loop that runs guests does between two turns.

import { tick } from '../threads/index.ts';

/** Guests with nothing to do are asked again after a time that grows between these. */
const MIN_IDLE_MS = 1;
/** Interrupts and input wake them at once; what else there may be is found after this time. */
const MAX_IDLE_MS = 64;

export class IdleWait {
  #ms = MIN_IDLE_MS;
  /** Ends the wait under way. */
  #end: (() => void) | undefined;

  /** There was something to do: everything else on this thread gets its turn. */
  async busy(): Promise<void> {
    this.#ms = MIN_IDLE_MS;
    await tick();
  }

  /**
   * There was nothing to do: waits, each time longer, but never beyond the next timer.
   * @param untilTimerMs milliseconds until that is due.
   */
  async idle(untilTimerMs: number): Promise<void> {
    const ms = Math.min(this.#ms, untilTimerMs);
    this.#ms = Math.min(2 * this.#ms, MAX_IDLE_MS);
    if (ms <= 0) {
      await tick();
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#end = undefined;
  }

  /** There may be something to do: a wait under way ends. */
  wake(): void {
    this.#end?.();
  }
}
