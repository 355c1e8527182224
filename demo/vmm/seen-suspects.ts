// SPDX-License-Identifier: MIT
// Stale entries in use that the sanitizer has detected. Each is a suspect until its
// invalidation comes, which clears it, or has not come in time, which makes it a finding.

import type { SuspectPicture } from '../protocol.ts';

const KEPT = 20;

interface Suspect {
  readonly text: string;
  readonly found: boolean;
}

export class Suspects {
  #all: readonly Suspect[] = [];

  suspect(text: string): void {
    if (this.#find(text)?.found) return;
    this.#put({ text, found: false });
  }

  finding(text: string): void {
    this.#put({ text, found: true });
  }

  #find(text: string): Suspect | undefined {
    return this.#all.find((one) => one.text === text);
  }

  /** In the order of detection; only the last ones. */
  #put(suspect: Suspect): void {
    const isKnown = this.#find(suspect.text) !== undefined;
    this.#all = isKnown
      ? this.#all.map((one) => (one.text === suspect.text ? suspect : one))
      : [...this.#all, suspect].slice(-KEPT);
  }

  /** @param cached texts of the suspects whose stale entry is still cached. */
  pictures(cached: readonly string[]): SuspectPicture[] {
    return this.#all.map(({ text, found }) => ({
      text,
      state: found ? 'found' : cached.includes(text) ? 'pending' : 'cleared',
    }));
  }
}
