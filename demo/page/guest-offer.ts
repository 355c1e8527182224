// SPDX-License-Identifier: MIT
// The guest that the page's address brings, while it waits for a click.

import { bringsGuest, type OfferedGuest, offeredGuest } from '../link/offered-guest.ts';
import { type Place, readPlace } from '../link/place.ts';

/** How long a server may take for all of it. */
const OFFER_S = 120;

export class GuestOffer {
  #offered: OfferedGuest | undefined;
  #place: Place = {};
  /** Ends the fetch that is under way. */
  #look = new AbortController();
  #late: ReturnType<typeof setTimeout> | undefined;

  get offered(): OfferedGuest | undefined {
    return this.#offered;
  }

  /** Where the guest is to stand when it has been started. */
  get place(): Place {
    return this.#place;
  }

  clear(): void {
    this.#offered = undefined;
    this.#look.abort();
    // What it comes to now is for nobody.
    this.#look = new AbortController();
    clearTimeout(this.#late);
  }

  /**
   * Fetches what an address brings.
   * @param told hears of it when it is there, or why it is not.
   */
  look(address: URL, told: (problem?: string) => void): void {
    this.clear();
    if (!bringsGuest(address)) return;
    this.#place = readPlace(address.searchParams);
    const look = this.#look;
    const late = new Error(`it has not come within ${OFFER_S} s`);
    this.#late = setTimeout(() => look.abort(late), OFFER_S * 1000);
    offeredGuest(address, look.signal)
      .then((offered) => {
        // Another address may be open by now.
        if (look !== this.#look) return;
        this.#offered = offered;
        told();
      })
      .catch((error: unknown) => {
        if (look === this.#look) told(error instanceof Error ? error.message : String(error));
      })
      .finally(() => {
        if (look === this.#look) clearTimeout(this.#late);
      });
  }
}
