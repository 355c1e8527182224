// SPDX-License-Identifier: MIT
// The recorded frames: the last few thousand, within a bound of memory.

import type { Frame } from '../../protocol.ts';
import { type Cost, shareParts } from './share-parts.ts';

const MOST_FRAMES = 4096;
/** Memory for the parts of their pictures that they do not share. */
const MOST_BYTES = 32 * 2 ** 20;

export interface FrameLimits {
  readonly frames: number;
  readonly bytes: number;
}

export class FrameStore {
  readonly #limits: FrameLimits;
  /** A ring, by number modulo its size. */
  readonly #frames: (Frame | undefined)[] = [];
  readonly #bytes: number[] = [];
  #total = 0;
  #first = 0;
  #next = 0;

  constructor(limits: FrameLimits = { frames: MOST_FRAMES, bytes: MOST_BYTES }) {
    this.#limits = limits;
  }

  /** Number of the oldest existing frame. */
  get first(): number {
    return this.#first;
  }

  /** Number of the newest one; below `first` when there is none. */
  get last(): number {
    return this.#next - 1;
  }

  /** Approximate size of the pictures. */
  get bytes(): number {
    return this.#total;
  }

  get(number: number): Frame | undefined {
    if (!(number >= this.#first && number < this.#next)) return undefined;
    return this.#frames[number % this.#limits.frames];
  }

  /**
   * Adds a frame and removes the oldest ones if there are too many, but never the new
   * one.
   */
  add(frame: Omit<Frame, 'number'>): void {
    const number = this.#next;
    const cost: Cost = { bytes: 0 };
    const shared = shareParts(this.get(number - 1), { ...frame, number }, cost);
    this.#next++;
    while (
      number - this.#first >= this.#limits.frames ||
      (this.#first < number && this.#total + cost.bytes > this.#limits.bytes)
    )
      this.#dropFirst();
    const at = number % this.#limits.frames;
    this.#frames[at] = shared;
    this.#bytes[at] = cost.bytes;
    this.#total += cost.bytes;
  }

  /** Changes the text or picture of the newest frame. */
  retell(change: Partial<Pick<Frame, 'text' | 'picture'>>): void {
    const frame = this.get(this.last);
    if (frame) this.#frames[frame.number % this.#limits.frames] = { ...frame, ...change };
  }

  #dropFirst(): void {
    const at = this.#first % this.#limits.frames;
    this.#total -= this.#bytes[at] ?? 0;
    this.#frames[at] = undefined;
    this.#bytes[at] = 0;
    this.#first++;
  }
}
