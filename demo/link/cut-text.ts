// SPDX-License-Identifier: MIT
// What somebody else has made up, as a line of the page can show it.

const MOST = 40;

/** The beginning of a text that may be of any length. */
export const cut = (text: string): string =>
  text.length > MOST ? `${text.slice(0, MOST).toWellFormed()}\u2026` : text;
