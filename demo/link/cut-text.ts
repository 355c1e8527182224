// SPDX-License-Identifier: MIT
// Shortens foreign text for a line of the page.

const MOST = 40;

/** The beginning of a text of any length. */
export const cut = (text: string): string =>
  text.length > MOST ? `${text.slice(0, MOST).toWellFormed()}\u2026` : text;
