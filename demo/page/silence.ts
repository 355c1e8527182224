// SPDX-License-Identifier: MIT
// Detects that machines which should run no longer report: a guest on the VMM's own worker
// that does not yield blocks everything there.

import { MOST_IDLE_MS } from '../protocol.ts';
import type { Presence } from './idle.ts';

/** Time without a report after which the page shows that a guest does not yield. */
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
