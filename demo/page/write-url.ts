// SPDX-License-Identifier: MIT
// The address bar.

import type { Settings } from '../demo-settings.ts';
import { bringsGuest } from '../link/offered-guest.ts';
import { linkOf } from '../link/page-link.ts';

/** What the page shows, as an address. */
let shown = new URL(location.href);

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
 * @param guest how a link brings the guest, if one does. @param before the settings until now.
 */
export function writeUrl(settings: Settings, guest: string | undefined, before: Settings): void {
  const link = linkOf(settings, new URL(location.href), { guest });
  const url = `${location.pathname}${link}`;
  if (isOther(settings, before)) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  shown = new URL(location.href);
}

/** Tells of each address to which Back, Forward or the user leads within the page. */
export function onAddressChange(open: (address: URL) => void): void {
  addEventListener('popstate', () => {
    const { search, hash } = shown;
    shown = new URL(location.href);
    // A link to a place in the page leads to no other machines.
    if (shown.search !== search || (shown.hash !== hash && bringsGuest(shown))) open(shown);
  });
}
