// SPDX-License-Identifier: MIT
// Names of guests that come by link.

const MOST_NAME = 60;

/**
 * A name as a line can show it: without control characters, and without those that nobody sees, which
 * may turn the text around them.
 */
export function plainName(name: string): string {
  const seen = name.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
  return seen.slice(0, MOST_NAME).toWellFormed().trim() || 'guest.wasm';
}
