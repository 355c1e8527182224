// SPDX-License-Identifier: MIT
// The browser's storage, if the page may use it. In a foreign frame, or by a setting of
// the user, even reading the property throws.

type Kind = 'localStorage' | 'sessionStorage';

/** The stored value; null also when storage is not available. */
export function stored(kind: Kind, key: string): string | null {
  try {
    return globalThis[kind].getItem(key);
  } catch {
    return null;
  }
}

/** Stores a value, or removes it with null. @returns false when nothing can be stored. */
export function store(kind: Kind, key: string, value: string | null): boolean {
  try {
    if (value === null) globalThis[kind].removeItem(key);
    else globalThis[kind].setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
