// SPDX-License-Identifier: MIT
// The guest that the page's address brings, while it waits for a click.

import { bringsGuest, type OfferedGuest, offeredGuest } from '../link/offered-guest.ts';

export class GuestOffer {
  #offered: OfferedGuest | undefined;
  /** Counts the addresses. */
  #turn = 0;

  get offered(): OfferedGuest | undefined {
    return this.#offered;
  }

  clear(): void {
    this.#offered = undefined;
    this.#turn++;
  }

  /**
   * Fetches what an address brings.
   * @param told hears of it when it is there, or why it is not.
   */
  look(address: URL, told: (problem?: string) => void): void {
    this.clear();
    if (!bringsGuest(address)) return;
    const turn = this.#turn;
    offeredGuest(address)
      .then((offered) => {
        // Another address may be open by now.
        if (turn !== this.#turn) return;
        this.#offered = offered;
        told();
      })
      .catch((error: unknown) => {
        if (turn === this.#turn) told(error instanceof Error ? error.message : String(error));
      });
  }
}
