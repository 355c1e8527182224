// SPDX-License-Identifier: MIT
// Names of guests from links and files.

const MOST_NAME = 60;

/**
 * A name without control characters, and without invisible ones, which may reverse the
 * text around them.
 */
export function visibleName(name: string): string {
  return name.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
}

/** The same for a link, and a bounded length. */
export function plainName(name: string): string {
  const seen = visibleName(name);
  return seen.slice(0, MOST_NAME).toWellFormed().trim() || 'guest.wasm';
}
