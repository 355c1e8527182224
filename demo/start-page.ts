// SPDX-License-Identifier: MIT
// The document's script: creates the page, and connects it to events around it.

import { Page } from './demo-page.ts';
import { readSettings } from './demo-settings.ts';
import { becomeIsolated } from './isolation.ts';
import { onThemeChange, restoreTheme } from './page/colours.ts';
import { element } from './page/element.ts';
import { embedPage, isEmbedded } from './page/embedded.ts';
import { startExplaining } from './page/explain.ts';
import { listenToDrops } from './page/file-drops.ts';
import { watchPresence } from './page/idle.ts';
import { watchFocus } from './page/keep-focus.ts';
import { fillLoadingBar } from './page/loading-bar.ts';
import { goneGuest, lostGuest } from './page/notices.ts';
import { watchPanels } from './page/open-panel.ts';
import { listenToKeys } from './page/single-keys.ts';
import { onAddressChange } from './page/write-url.ts';

restoreTheme();
embedPage();
startExplaining(element('explain'));
watchFocus();
if (!(await becomeIsolated())) {
  fillLoadingBar();
  const address = new URL(location.href);
  const page = new Page(readSettings(address.searchParams));
  // A page that embeds this one has its own keys, and the switch for these is not shown
  // there.
  if (!isEmbedded()) listenToKeys(page);
  listenToDrops(page);
  watchPanels();
  // For the console of the browser's tools: the machines of the page.
  Object.assign(globalThis, { vsmmu: page });
  onThemeChange(() => page.retheme());
  watchPresence((presence) => page.present(presence));
  onAddressChange((other, picked) =>
    page.openAddress(other, ...(picked === undefined ? [] : [goneGuest(picked, '')])),
  );
  page.openAddress(address, ...lostGuest());
}
