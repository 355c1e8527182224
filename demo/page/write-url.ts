// SPDX-License-Identifier: MIT

import { queryOf, type Settings } from '../demo-settings.ts';

/** Has the address bar lead back to these settings. What is not the page’s own stays in it. */
export function writeUrl(settings: Settings): void {
  const query = queryOf(settings, new URLSearchParams(location.search));
  history.replaceState(null, '', `${location.pathname}${query}${location.hash}`);
}
