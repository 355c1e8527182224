// SPDX-License-Identifier: MIT
// The worker whose machines are shown, and the one in the making, which replaces it when
// its machines are ready. Calls go to the first, one after the other.

import type { Remote } from 'comlink';
import type { Settings } from '../demo-settings.ts';
import { cut } from '../link/cut-text.ts';
import type { Place } from '../link/place.ts';
import type { PickedGuest, SessionFacts, Sink, Vmm } from '../protocol.ts';
import { VmmWorker } from './vmm-worker.ts';

/** How machines start. */
export interface Beginning {
  /** Where they are stopped when they are shown; undefined: as the settings say. */
  readonly place?: Place | undefined;
  /** The address bar already describes them. */
  readonly keepsUrl?: boolean;
}

/** The page's handlers for workers. */
export interface SuccessionStage {
  readonly sink: Sink;
  /** New machines have replaced the former ones. */
  taken(worker: VmmWorker, facts: SessionFacts, beginning: Beginning): Promise<void>;
  /** An error in one line; empty clears it. */
  wrong(line: string): void;
}

export class Succession {
  readonly #stage: SuccessionStage;
  #running: VmmWorker | undefined;
  #next: VmmWorker | undefined;
  #calls: Promise<unknown> = Promise.resolve();

  constructor(stage: SuccessionStage) {
    this.#stage = stage;
  }

  /** The worker whose machines are shown; undefined when there are none. */
  get running(): VmmWorker | undefined {
    return this.#running;
  }

  /** The worker whose machines are in the making. */
  get next(): VmmWorker | undefined {
    return this.#next;
  }

  /** Calls the worker; an error is shown in one line. */
  use<T>(call: (vmm: Remote<Vmm>) => Promise<T>): void {
    const running = this.#running;
    if (!running || this.#next) return;
    this.#calls = this.#calls
      .then(() => (running === this.#running ? call(running.vmm) : undefined))
      .catch((error: unknown) => this.#failed(running, error));
  }

  /**
   * Calls the worker for a result, after the previous calls; the worker continues if that
   * fails.
   * @throws {Error} one line about why there is no result.
   */
  async ask<T>(call: (vmm: Remote<Vmm>) => Promise<T>): Promise<T> {
    const running = this.#running;
    if (!running || this.#next) throw new Error('there are no machines yet');
    const answer = this.#calls.then(() => {
      if (running !== this.#running) throw new Error('the machines have gone');
      return call(running.vmm);
    });
    this.#calls = answer.catch(() => undefined);
    return await answer;
  }

  /** A worker without machines is ended; others continue. */
  #failed(worker: VmmWorker, error: unknown): void {
    if (worker !== this.#next && worker !== this.#running) return;
    const text = error instanceof Error ? error.message : String(error);
    worker.end();
    if (worker === this.#next) this.#next = undefined;
    else this.#running = undefined;
    this.#stage.wrong(worker.guest ? `${cut(worker.guest.name)}: ${text}` : text);
  }

  /**
   * Creates new machines on a new worker. When they are ready, the former ones end with
   * everything that they had; until then those continue.
   */
  start(settings: Settings, guest: PickedGuest | undefined, beginning: Beginning): void {
    this.#next?.end();
    const next = new VmmWorker(settings, guest, this.#stage.sink, (error) =>
      this.#failed(next, error),
    );
    this.#next = next;
    this.#stage.wrong('');
    next
      .boot()
      .then((facts) => this.#take(next, facts, beginning))
      .catch((error: unknown) => this.#failed(next, error));
  }

  async #take(next: VmmWorker, facts: SessionFacts, beginning: Beginning): Promise<void> {
    if (next !== this.#next) return;
    this.#running?.end();
    // Calls of the former worker may never be answered.
    this.#calls = Promise.resolve();
    this.#running = next;
    this.#next = undefined;
    await this.#stage.taken(next, facts, beginning);
  }
}
