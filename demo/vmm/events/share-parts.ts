// SPDX-License-Identifier: MIT
// Structural sharing: pictures that follow each other have most of what they show in common.

/** Bytes that a value takes beyond what it holds, roughly: an object or array, and each of its places. */
const OBJECT_BYTES = 32;
const PLACE_BYTES = 8;

/** Where the bytes are added up that sharing could not save. */
export interface Cost {
  bytes: number;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/**
 * Plain data equal to `now`, made of parts of `before` where those are equal.
 * @param cost is raised by what is new.
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
