// SPDX-License-Identifier: MIT
// Saved states: checks that a state has the shape of a device's, before any of it is
// restored.

import type { DeviceState, StateValue } from './device.ts';
import type { Timer } from './device-host.ts';

/**
 * State that a device keeps in one object, so that reset, save and restore cover all of
 * its fields.
 */
export type PlainState = { [field: string]: number | boolean | number[] };

/** An unsigned 32-bit word. */
export function isWord(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff;
}

function conforms(value: unknown, model: number | boolean | number[]): boolean {
  if (Array.isArray(model)) {
    return (
      Array.isArray(value) &&
      (model.length === 0 || value.length === model.length) &&
      value.every(isWord)
    );
  }
  return typeof model === 'number' ? isWord(value) : typeof value === 'boolean';
}

/**
 * A copy of `state`, which must have exactly the fields of `model`: numbers are unsigned
 * 32-bit words; an array has as many of them as the model's, or any number if the model's
 * is empty.
 * @throws {TypeError} when it does not.
 */
export function plainStateLike<T extends PlainState>(model: T, state: unknown): T {
  const found = (typeof state === 'object' && state !== null ? state : {}) as {
    [field: string]: unknown;
  };
  for (const field of new Set([...Object.keys(model), ...Object.keys(found)])) {
    const expected = model[field];
    if (
      expected === undefined ||
      !Object.hasOwn(found, field) ||
      !conforms(found[field], expected)
    ) {
      throw new TypeError(`the state is not of this device: field ${field}`);
    }
  }
  return structuredClone(found) as T;
}

/**
 * The fields of a saved device state.
 * @throws {TypeError} when they are not exactly the given ones.
 */
export function stateFields<F extends string>(
  state: DeviceState,
  ...fields: F[]
): { readonly [field in F]: StateValue } {
  const found = typeof state === 'object' && state !== null ? Object.keys(state) : [];
  if (found.length !== fields.length || !fields.every((field) => Object.hasOwn(state, field))) {
    throw new TypeError(`the state is not of this device: its fields are not ${fields.join(', ')}`);
  }
  return state as { readonly [field in F]: StateValue };
}

/**
 * A timer in a saved state: its deadline in nanoseconds of the machine's time; false
 * without a deadline.
 */
export type SavedTimer = number | false;

/** The saved state of a timer. */
export function saveTimer(timer: Timer | undefined): SavedTimer {
  return timer?.deadline ?? false;
}

/**
 * A saved timer from a state, checked before anything is restored.
 * @throws {TypeError} when it is not one.
 */
export function savedTimer(state: unknown): SavedTimer {
  if (state === false || (typeof state === 'number' && Number.isFinite(state))) return state;
  throw new TypeError('the state is not of this device: a timer has no deadline');
}

/** Sets a timer to its saved deadline. */
export function restoreTimer(timer: Timer | undefined, saved: SavedTimer): void {
  if (saved === false) timer?.cancel();
  else timer?.at(saved);
}
