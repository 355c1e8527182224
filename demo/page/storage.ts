// SPDX-License-Identifier: MIT
// The browser's storage where the page may use it. In a foreign frame, or when its user says so, even
// a look at it throws.

type Kind = 'localStorage' | 'sessionStorage';

/** What is stored; null also where nothing can be. */
export function stored(kind: Kind, key: string): string | null {
  try {
    return globalThis[kind].getItem(key);
  } catch {
    return null;
  }
}

/** Stores a value, or removes it with null. @returns false where nothing can be stored. */
export function store(kind: Kind, key: string, value: string | null): boolean {
  try {
    if (value === null) globalThis[kind].removeItem(key);
    else globalThis[kind].setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
