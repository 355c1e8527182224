// SPDX-License-Identifier: MIT
// The worker whose machines are shown, and the one in the making, which takes its place when its machines
// are there. Calls go to the first, one after the other.

import type { Remote } from 'comlink';
import type { Settings } from '../demo-settings.ts';
import type { Place } from '../link/place.ts';
import type { PickedGuest, SessionFacts, Sink, Vmm } from '../protocol.ts';
import { VmmWorker } from './vmm-worker.ts';

/** How machines begin. */
export interface Beginning {
  /** Where they stand when they are shown; undefined: as the settings say. */
  readonly place?: Place | undefined;
  /** The address bar says already what they are. */
  readonly keepsUrl?: boolean;
}

/** What the page does with workers. */
export interface SuccessionStage {
  readonly sink: Sink;
  /** Machines have taken the others' place. */
  taken(worker: VmmWorker, facts: SessionFacts, beginning: Beginning): Promise<void>;
  /** What went wrong, in one line; empty: nothing any more. */
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

  /** Whose machines are shown; undefined: there are none. */
  get running(): VmmWorker | undefined {
    return this.#running;
  }

  /** Whose machines are in the making. */
  get next(): VmmWorker | undefined {
    return this.#next;
  }

  /** Calls the worker; what goes wrong there is said in one line. */
  use<T>(call: (vmm: Remote<Vmm>) => Promise<T>): void {
    const running = this.#running;
    if (!running || this.#next) return;
    this.#calls = this.#calls
      .then(() => (running === this.#running ? call(running.vmm) : undefined))
      .catch((error: unknown) => this.#failed(running, error));
  }

  /**
   * Asks the worker for something, behind the calls before; the worker goes on when that fails.
   * @throws {Error} one line that says why there is no answer.
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

  /** What has no machines is ended; others are left alone. */
  #failed(worker: VmmWorker, error: unknown): void {
    if (worker !== this.#next && worker !== this.#running) return;
    const text = error instanceof Error ? error.message : String(error);
    worker.end();
    if (worker === this.#next) this.#next = undefined;
    else this.#running = undefined;
    this.#stage.wrong(worker.guest ? `${worker.guest.name}: ${text}` : text);
  }

  /**
   * Makes new machines on a new worker. When they are there, the ones before go with all
   * that they had; until then those go on.
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
    // Calls of the one before may never be answered.
    this.#calls = Promise.resolve();
    this.#running = next;
    this.#next = undefined;
    await this.#stage.taken(next, facts, beginning);
  }
}
