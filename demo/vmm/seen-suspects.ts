// SPDX-License-Identifier: MIT
// Stale entries in use that the sanitizer has detected. Each is a suspect until its
// invalidation comes, which clears it, or has not come in time, which makes it a finding.

import type { SuspectPicture } from '../protocol.ts';

const KEPT = 20;
/**
 * A suspect without a finding after this time has been cleared: the sanitizer decides
 * after a second.
 */
const JUDGED_MS = 1500;

interface Suspect {
  readonly text: string;
  readonly since: number;
  readonly found: boolean;
}

export class Suspects {
  #all: readonly Suspect[] = [];

  suspect(text: string, now: number): void {
    if (this.#find(text)?.found) return;
    this.#put({ text, since: now, found: false });
  }

  finding(text: string, now: number): void {
    this.#put({ text, since: now, found: true });
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

  /**
   * @param judged the machines have ended, and the sanitizer has decided about all
   *   suspects.
   */
  pictures(now: number, judged: boolean): SuspectPicture[] {
    return this.#all.map(({ text, since, found }) => ({
      text,
      state: found ? 'found' : judged || now - since > JUDGED_MS ? 'cleared' : 'pending',
    }));
  }
}
