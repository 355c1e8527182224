// SPDX-License-Identifier: MIT
// The guest in the page's address, while it waits for a click.

import { bringsGuest, type OfferedGuest, offeredGuest } from '../link/offered-guest.ts';
import { type Place, readPlace } from '../link/place.ts';

/** Time for a server to send all of it. */
const OFFER_S = 120;

export class GuestOffer {
  #offered: OfferedGuest | undefined;
  #place: Place = {};
  /** Ends the current fetch. */
  #look = new AbortController();
  #late: ReturnType<typeof setTimeout> | undefined;

  get offered(): OfferedGuest | undefined {
    return this.#offered;
  }

  /** The place of the guest when it has been started. */
  get place(): Place {
    return this.#place;
  }

  clear(): void {
    this.#offered = undefined;
    this.#look.abort();
    // The result of the former fetch is not used any more.
    this.#look = new AbortController();
    clearTimeout(this.#late);
  }

  /**
   * Fetches the guest of an address.
   * @param told called when it is there, or with the reason why it is not.
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
