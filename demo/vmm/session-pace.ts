// SPDX-License-Identifier: MIT
// The pause between two steps of machines that run by themselves.

import type { Settings } from '../demo-settings.ts';
import { MOST_IDLE_MS } from '../protocol.ts';

/** Pause between two steps of all machines. */
const PACES: Readonly<Record<Settings['speed'], number>> = { slow: 400, paced: 25, full: 0 };
/** The least such pause while nobody uses the page. */
const IDLE_MS = 2000;
/**
 * While nobody uses the page, steps take at most this part of the time: threads that
 * wait for each other spin.
 */
const IDLE_PART = 0.01;

export class SessionPace {
  #speed: Settings['speed'];
  #idle = false;
  /** When the last pause ended. */
  #ended = performance.now();
  #end: () => void = () => undefined;

  constructor(speed: Settings['speed']) {
    this.#speed = speed;
  }

  set speed(speed: Settings['speed']) {
    this.#speed = speed;
  }

  /** Nobody uses the page. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Whoever comes back does not wait for the next slow step. */
  set idle(idle: boolean) {
    this.#idle = idle;
    this.#end();
  }

  /**
   * Pauses between two steps.
   * @param alone milliseconds for which the machines may be left alone.
   */
  between(alone: number): Promise<void> {
    const taken = performance.now() - this.#ended;
    const idle = Math.min(MOST_IDLE_MS, Math.max(IDLE_MS, taken / IDLE_PART));
    return this.pause(Math.max(PACES[this.#speed], this.#idle ? idle : 0, alone));
  }

  /** Lets everything else on this thread have its turn, for so long. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#ended = performance.now();
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#end = end;
    });
  }
}
