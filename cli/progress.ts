// SPDX-License-Identifier: MIT
// A progress line for long runs, on terminals only.

import type { Machine } from '../vmm/api/index.ts';
import { terminals } from './terminal.ts';

/** Shorter runs show no progress. */
const PATIENCE_MS = 2000;
const EVERY_MS = 250;
const ERASE_LINE = '\r\u001b[K';

export class Progress {
  readonly #stream: { write(text: string): unknown };
  readonly #on: boolean;
  readonly #start: number;
  #next: number;
  #shown = false;

  constructor(
    stream: { write(text: string): unknown },
    quiet: boolean,
    terminal = terminals().stderr,
    now = performance.now(),
  ) {
    this.#stream = stream;
    this.#on = terminal && !quiet;
    this.#start = now;
    this.#next = now + PATIENCE_MS;
  }

  /** Shows the progress; call it often. */
  show(machines: readonly Pick<Machine, 'status' | 'statistics'>[], now = performance.now()): void {
    if (!this.#on || now < this.#next) return;
    this.#next = now + EVERY_MS;
    const left = machines.filter(
      ({ status }) => status === 'running' || status === 'paused',
    ).length;
    const exits = machines.reduce((sum, { statistics }) => sum + statistics.exits.total, 0);
    const seconds = Math.floor((now - this.#start) / 1000);
    this.#stream.write(
      `${ERASE_LINE}${seconds} s, ${left} of ${machines.length} machines running, ${exits} ` +
        'exits so far',
    );
    this.#shown = true;
  }

  /** Erases the line while `write` writes other output. */
  around(write: () => void): void {
    this.end();
    write();
  }

  end(): void {
    if (this.#shown) this.#stream.write(ERASE_LINE);
    this.#shown = false;
  }
}
