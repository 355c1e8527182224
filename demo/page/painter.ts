// SPDX-License-Identifier: MIT
// Draws the page in parts, a few milliseconds per frame, so that no task of the page's
// thread is long even with many machines.

/** Scripts of a frame stop after this time; layout and painting come on top. */
const FRAME_MS = 2;

export type Part = () => void;

export class Painter {
  readonly #parts: () => readonly Part[];
  #left: Part[] = [];
  #again = false;
  #asked = false;
  #waiting: (() => void)[] = [];

  /** Everything in one frame: the user is absent, and each frame has a cost. */
  unhurried = false;

  /**
   * `parts` is called at the start of each drawing, so that all parts show the same
   * instant.
   */
  constructor(parts: () => readonly Part[]) {
    this.#parts = parts;
  }

  /**
   * Draws; if it is drawing already, draws again. Resolves when the current state is
   * visible.
   */
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
      // A part that throws is reported by the browser; the others are still drawn.
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
