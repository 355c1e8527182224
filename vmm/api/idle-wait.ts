// SPDX-License-Identifier: MIT
// How a loop that runs guests waits between two turns.

import { tick } from '../threads/index.ts';

/**
 * Guests with nothing to do are polled again after a time that grows between these
 * limits.
 */
const MIN_IDLE_MS = 1;
/** Interrupts and input wake them at once; other work is found after this time. */
const MAX_IDLE_MS = 64;

export class IdleWait {
  #ms = MIN_IDLE_MS;
  /** Ends the current wait. */
  #end: (() => void) | undefined;

  /** There was work: yields to everything else on this thread. */
  async busy(): Promise<void> {
    this.#ms = MIN_IDLE_MS;
    await tick();
  }

  /**
   * There was no work: waits, longer each time, but not beyond the next timer.
   * @param untilTimerMs milliseconds until it is due.
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

  /** There may be work: ends the current wait. */
  wake(): void {
    this.#end?.();
  }
}
