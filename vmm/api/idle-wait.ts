// What a loop that runs guests does between two turns.

import { tick } from '../threads/index.ts';

/** Guests with nothing to do are asked again after a time that grows between these. */
const MIN_IDLE_MS = 1;
const MAX_IDLE_MS = 8;

export class IdleWait {
  #ms = MIN_IDLE_MS;

  /** There was something to do: everything else on this thread gets its turn. */
  async busy(): Promise<void> {
    this.#ms = MIN_IDLE_MS;
    await tick();
  }

  /**
   * There was nothing to do: waits, each time longer, but never beyond the next timer of a device.
   * @param untilTimerMs milliseconds until that is due.
   */
  async idle(untilTimerMs: number): Promise<void> {
    const ms = Math.min(this.#ms, untilTimerMs);
    this.#ms = Math.min(2 * this.#ms, MAX_IDLE_MS);
    if (ms <= 0) await tick();
    else
      await new Promise((resolve) => {
        setTimeout(resolve, ms);
      });
  }
}
