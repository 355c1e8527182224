// SPDX-License-Identifier: MIT
// What the page says of itself in the line below its controls, and when.

import { store, stored } from './storage.ts';

export const COPIED_MS = 1500;
export const SILENT =
  'The guest does not come back from its step; Reset and every setting still work.';
export const IDLE =
  'No input for 60 s: a step every few seconds, to spare the battery. Any input brings the speed back.';
export const NO_CLIPBOARD =
  'The browser keeps the clipboard from this page; the link is in its address bar.';

const GUEST_KEY = 'vsmmu-guest';

/** Keeps the name of a guest that was picked until the page loads again; undefined: none was. */
export function rememberGuest(name: string | undefined): void {
  store('sessionStorage', GUEST_KEY, name ?? null);
}

/** Nothing of a file that was picked outlasts its machines: a line that says so. @param how it went. */
export function goneGuest(name: string, how: string): string {
  return `The guest ${name.slice(0, 60)} has gone${how}: open it again. This is the toy.`;
}

/** What a page that loads again says of the guest that it had. */
export function lostGuest(): readonly string[] {
  const name = stored('sessionStorage', GUEST_KEY);
  return name === null ? [] : [goneGuest(name, ' with the reload')];
}
