// SPDX-License-Identifier: MIT
// Background loops: bounded work that devices do in parallel with the guest. With the
// inline transport they are polled at safe points: at the end of every exit and at every
// yield.

import type { BackgroundLoop } from '../plugin/index.ts';
import { MachineError } from '../plugin/index.ts';

export class BackgroundLoops {
  #loops: readonly BackgroundLoop[] = [];

  /** Registers a loop; the returned function removes it. */
  add(loop: BackgroundLoop): () => void {
    this.#loops = [...this.#loops, loop];
    return () => {
      this.#loops = this.#loops.filter((other) => other !== loop);
    };
  }

  /** Polls every loop once. @returns the amount of work done. */
  poll(): number {
    let done = 0;
    for (const loop of this.#loops) {
      try {
        done += loop.poll();
      } catch (cause) {
        throw MachineError.of(loop.name, cause);
      }
    }
    return done;
  }
}
