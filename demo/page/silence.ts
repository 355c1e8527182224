// SPDX-License-Identifier: MIT
// Machines that were told to run and are not heard of: a guest on the VMM's own worker that does not yield
// stops everything there.

import { MOST_IDLE_MS } from '../protocol.ts';
import type { Presence } from './idle.ts';

/** A guest that has not come back for so long is said not to. */
const SILENT_MS = 5000;

export class Silence {
  #heard = 0;
  #on = false;

  /**
   * @param expected who is there, while something is to be heard; undefined: nothing is.
   * @param changed called when silence has begun or ended.
   */
  constructor(expected: () => Presence | undefined, changed: () => void) {
    setInterval(() => {
      const presence = expected();
      const limit = SILENT_MS + (presence?.idle ? MOST_IDLE_MS : 0);
      const late = performance.now() - this.#heard > limit;
      const on = presence !== undefined && !document.hidden && late;
      if (on === this.#on) return;
      this.#on = on;
      changed();
    }, SILENT_MS / 2);
  }

  get on(): boolean {
    return this.#on;
  }

  /** Something was heard of them, or could not have been before. */
  heard(): void {
    this.#heard = performance.now();
    this.#on = false;
  }
}
