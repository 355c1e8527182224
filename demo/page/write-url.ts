// SPDX-License-Identifier: MIT
// The address bar, and the browser's history. An entry created by the page has a serial:
// two entries may have the same text and yet lead to different machines, as before and
// after the start of a guest from a link.

import type { Settings } from '../demo-settings.ts';
import { bringsGuest } from '../link/offered-guest.ts';
import { linkOf } from '../link/page-link.ts';
import type { PickedGuest } from '../protocol.ts';

/** The data of an entry in the history. */
interface Entry {
  readonly serial: number;
  /** Name of a picked guest, which is in no address. */
  readonly picked?: string | undefined;
}

/** What the page shows: its address and its entry. */
let shown: { readonly address: URL; readonly serial: number } | undefined;
let lastSerial = 0;

/**
 * Different from those of the page before it was reloaded, which are still in the
 * history.
 */
function newSerial(): number {
  lastSerial = Math.max(lastSerial + 1, Date.now());
  return lastSerial;
}

function entryNow(): Entry | undefined {
  const state = history.state as Partial<Entry> | null;
  if (typeof state?.serial !== 'number') return undefined;
  const { serial, picked } = state;
  return { serial, picked: typeof picked === 'string' ? picked : undefined };
}

/** True when a change of settings is a new place, to which Back leads. */
function isOther(settings: Settings, before: Settings): boolean {
  const { experiment, tour, lines, guest } = settings;
  return (
    experiment !== before.experiment ||
    tour !== before.tour ||
    lines !== before.lines ||
    guest !== before.guest
  );
}

/**
 * Makes the address bar lead to these settings. Foreign parts are kept.
 * @param before the settings until now.
 */
export function writeUrl(
  settings: Settings,
  guest: PickedGuest | undefined,
  before: Settings,
): void {
  const link = linkOf(settings, new URL(location.href), { guest: guest?.link });
  const url = `${location.pathname}${link}`;
  const picked = guest?.link === undefined ? guest?.name : undefined;
  const other = isOther(settings, before);
  const serial = (other ? undefined : entryNow()?.serial) ?? newSerial();
  if (other) history.pushState({ serial, picked }, '', url);
  else history.replaceState({ serial, picked }, '', url);
  shown = { address: new URL(location.href), serial };
}

/** Sets another address for what is shown. */
export function showUrl(url: string): void {
  history.replaceState(history.state, '', url);
  if (shown) shown = { ...shown, address: new URL(location.href) };
}

/** Gives a serial to an entry that the page has not created. */
function adopt(serial: number): number {
  history.replaceState({ serial } satisfies Entry, '');
  return serial;
}

/**
 * Calls `open` for each address to which Back, Forward or the user leads within the page.
 * @param open `picked` is the guest of that entry, when it was picked.
 */
export function onAddressChange(open: (address: URL, picked: string | undefined) => void): void {
  const serial = entryNow()?.serial ?? adopt(newSerial());
  shown = { address: new URL(location.href), serial };
  addEventListener('popstate', () => {
    const before = shown;
    const address = new URL(location.href);
    const entry = entryNow();
    if (entry) {
      shown = { address, serial: entry.serial };
      if (entry.serial !== before?.serial) open(address, entry.picked);
      return;
    }
    // The user has typed it, or followed a link in the page: it leads to other machines
    // only if it says so.
    const { search, hash } = before?.address ?? new URL('about:blank');
    const other = address.search !== search || (address.hash !== hash && bringsGuest(address));
    shown = { address, serial: adopt(other || !before ? newSerial() : before.serial) };
    if (other) open(address, undefined);
  });
}
