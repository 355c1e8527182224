// SPDX-License-Identifier: MIT
// The open panel: the one that the user has touched or focused last, or that a link
// names.

import { PANEL_NAMES, PANELS, type PanelName } from '../link/panel-names.ts';

let last: PanelName | undefined;

/** The panel that was used last; undefined for none. */
export function openPanel(): PanelName | undefined {
  return last;
}

/** Records from now on which panel is used. */
export function watchPanels(): void {
  const note = ({ target }: Event) => {
    if (!(target instanceof Element)) return;
    // Panels on the right are inside one without a name; no other panel is inside another
    // one.
    last = PANEL_NAMES.find((name) => target.closest(PANELS[name])) ?? last;
  };
  document.addEventListener('pointerdown', note, { passive: true, capture: true });
  document.addEventListener('focusin', note, { passive: true, capture: true });
}

/** Scrolls to a panel and focuses its heading. */
export function showPanel(name: PanelName): void {
  const panel = document.querySelector<HTMLElement>(PANELS[name]);
  if (!panel) return;
  last = name;
  panel.scrollIntoView({ block: 'start' });
  panel.querySelector<HTMLElement>('h2[tabindex], h3[tabindex]')?.focus({ preventScroll: true });
}
