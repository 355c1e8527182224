// SPDX-License-Identifier: MIT
// Typed events: listeners are kept by event name, and one that throws affects no others.

import { unknownName } from '../../devices/plugin/index.ts';
import { OptionsError } from './api-errors.ts';

/**
 * Listeners of the events in `Events`, a map from event names to the values passed to
 * listeners.
 */
export class Emitter<Events extends object> {
  readonly #names: readonly (keyof Events & string)[];
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** @param names of all events. */
  constructor(names: readonly (keyof Events & string)[]) {
    this.#names = names;
  }

  /**
   * Calls `listener` at each event with a name. Returns a function that removes it.
   * @throws {OptionsError} when there is no such event, or the listener is not a
   *   function.
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
   * Called inside a guest's exit, where a listener's error would look like the guest's,
   * so it is thrown later, as if from a timer.
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
