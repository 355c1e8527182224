// SPDX-License-Identifier: MIT
// Messages of the page in the line below its controls, and their conditions.

import type { Picture } from '../protocol.ts';
import { store, stored } from './storage.ts';

export const COPIED_MS = 1500;
export const SILENT =
  'The guest does not come back from its step; Reset and every setting still work.';
export const IDLE =
  'No input for 60 s: a step every few seconds, to spare the battery. Any input brings the speed back.';
export const NO_CLIPBOARD =
  'The browser keeps the clipboard from this page; the link is in its address bar.';

const GUEST_KEY = 'vsmmu-guest';

/** Stores the name of a picked guest until the page loads again; undefined for none. */
export function rememberGuest(name: string | undefined): void {
  store('sessionStorage', GUEST_KEY, name ?? null);
}

/**
 * The line about a picked file, which is lost with its machines.
 * @param how it was lost.
 */
export function goneGuest(name: string, how: string): string {
  return `The guest ${name.slice(0, 60)} has gone${how}: open it again. This is the toy.`;
}

/** The message of a reloaded page about its former guest. */
export function lostGuest(): readonly string[] {
  const name = stored('sessionStorage', GUEST_KEY);
  return name === null ? [] : [goneGuest(name, ' with the reload')];
}

/** The line about machines that have ended before the step to which a link leads. */
export function endedBefore(step: number, picture: Picture | undefined): readonly string[] {
  if (picture?.state !== 'ended' || picture.steps >= step) return [];
  return [`step=${step}: the machines have ended at step ${picture.steps}.`];
}
