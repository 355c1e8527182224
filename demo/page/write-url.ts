// SPDX-License-Identifier: MIT
// The address bar, and the browser's history. An entry that the page has made has a serial: two entries
// may have the same text and yet lead to different machines, as before and after a guest is started that
// came by link.

import type { Settings } from '../demo-settings.ts';
import { bringsGuest } from '../link/offered-guest.ts';
import { linkOf } from '../link/page-link.ts';
import type { PickedGuest } from '../protocol.ts';

/** What the history keeps of an entry. */
interface Entry {
  readonly serial: number;
  /** Name of a guest that was picked: no address has it. */
  readonly picked?: string | undefined;
}

/** What the page shows: its address and its entry. */
let shown: { readonly address: URL; readonly serial: number } | undefined;
let lastSerial = 0;

/** Differs from those of this page before it was loaded again, which the history has still. */
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

/** True when a change of settings is a place of its own, to which Back leads. */
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
 * Has the address bar lead back to these settings. What is not the page’s own stays in it.
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

/** Puts another address into the bar for what is shown. */
export function showUrl(url: string): void {
  history.replaceState(history.state, '', url);
  if (shown) shown = { ...shown, address: new URL(location.href) };
}

/** Gives an entry that the page has not made its serial. */
function adopt(serial: number): number {
  history.replaceState({ serial } satisfies Entry, '');
  return serial;
}

/**
 * Tells of each address to which Back, Forward or the user leads within the page.
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
    // The user has written it, or a link in the page leads there: to no other machines, unless it says so.
    const { search, hash } = before?.address ?? new URL('about:blank');
    const other = address.search !== search || (address.hash !== hash && bringsGuest(address));
    shown = { address, serial: adopt(other || !before ? newSerial() : before.serial) };
    if (other) open(address, undefined);
  });
}
