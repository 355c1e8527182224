// SPDX-License-Identifier: MIT
// Events with types: listeners are kept by name, and one that throws harms nobody.

import { unknownName } from '../../devices/plugin/index.ts';
import { OptionsError } from './api-errors.ts';

/** Listeners of the events in `Events`, a map from an event's name to what its listeners are given. */
export class Emitter<Events extends object> {
  readonly #names: readonly (keyof Events & string)[];
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** @param names of all events that there are. */
  constructor(names: readonly (keyof Events & string)[]) {
    this.#names = names;
  }

  /**
   * Calls `listener` at each event of a name. Returns the function that takes it away again.
   * @throws {OptionsError} when there is no such event, or the listener is no function.
   */
  on<K extends keyof Events>(name: K, listener: (value: Events[K]) => void): () => void {
    const text = String(name);
    if (!this.#names.some((known) => known === name))
      throw new OptionsError('unknown-option', text, unknownName('event', text, this.#names));
    if (typeof listener !== 'function')
      throw new OptionsError('bad-option', text, `the listener of "${text}" must be a function`);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /**
   * Called within a guest's exit, where a listener's error would become the guest's: it
   * is thrown later, as of a timer's.
   */
  emit<K extends keyof Events>(name: K, value: Events[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])] as ((
      value: Events[K],
    ) => void)[]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
