// SPDX-License-Identifier: MIT
// Structural sharing: consecutive pictures have most of their contents in common.

/**
 * Approximate overhead of a value in bytes: of an object or array, and of each element.
 */
const OBJECT_BYTES = 32;
const PLACE_BYTES = 8;

/** Sum of the bytes that sharing could not save. */
export interface Cost {
  bytes: number;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/**
 * Plain data equal to `now`, built from parts of `before` where they are equal.
 * @param cost is increased by what is new.
 */
export function shareParts<T>(before: unknown, now: T, cost: Cost): T {
  if (!isObject(now)) {
    if (typeof now === 'string' && before !== now) cost.bytes += 2 * now.length;
    return now;
  }
  const old = isObject(before) && Array.isArray(before) === Array.isArray(now) ? before : {};
  const keys = Object.keys(now);
  let same = isObject(before) && old === before && Object.keys(old).length === keys.length;
  const shared = keys.map((key) => {
    const value = shareParts(old[key], now[key], cost);
    if (value !== old[key] || !Object.hasOwn(old, key)) same = false;
    return [key, value] as const;
  });
  if (same) return before as T;
  cost.bytes += OBJECT_BYTES + PLACE_BYTES * keys.length;
  if (Array.isArray(now)) return shared.map(([, value]) => value) as T;
  return Object.fromEntries(shared) as T;
}
