// SPDX-License-Identifier: MIT
// Names of guests from links.

const MOST_NAME = 60;

/**
 * A name for display in a line: without control characters, and without invisible ones,
 * which may reverse the text around them.
 */
export function plainName(name: string): string {
  const seen = name.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
  return seen.slice(0, MOST_NAME).toWellFormed().trim() || 'guest.wasm';
}
