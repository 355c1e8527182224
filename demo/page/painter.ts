// SPDX-License-Identifier: MIT
// Draws the page in parts, a few milliseconds of each frame, so that no task of the
// page's thread is long however many machines there are.

/** Scripts of a frame stop after this; layout and painting of what they changed come on top. */
const FRAME_MS = 2;

export type Part = () => void;

export class Painter {
  readonly #parts: () => readonly Part[];
  #left: Part[] = [];
  #again = false;
  #asked = false;
  #waiting: (() => void)[] = [];

  /** In one frame, because nobody waits for the page and each frame costs. */
  unhurried = false;

  /** `parts` is asked at the beginning of each drawing: what belongs together shows the same instant. */
  constructor(parts: () => readonly Part[]) {
    this.#parts = parts;
  }

  /** Draws, once more when it is drawing already. Resolves when what holds now can be seen. */
  draw(): Promise<void> {
    this.#again = true;
    const drawn = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#ask();
    return drawn;
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#frame();
    });
  }

  #frame(): void {
    try {
      this.#drawSome();
    } finally {
      // A part that throws is reported by the browser; the others are drawn all the same.
      if (this.#left.length > 0 || this.#again) this.#ask();
    }
  }

  #drawSome(): void {
    const end = performance.now() + (this.unhurried ? Number.POSITIVE_INFINITY : FRAME_MS);
    if (this.#left.length === 0 && this.#again) {
      this.#again = false;
      const parts = this.#parts();
      const waiting = this.#waiting.splice(0);
      this.#left = [
        ...parts,
        () => {
          for (const resolve of waiting) resolve();
        },
      ];
    }
    do this.#left.shift()?.();
    while (this.#left.length > 0 && performance.now() < end);
  }
}
