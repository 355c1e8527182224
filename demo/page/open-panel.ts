// SPDX-License-Identifier: MIT
// The panel that is open: the one that the user has touched or focused last, or that a link names.

import { PANEL_NAMES, PANELS, type PanelName } from '../link/panel-names.ts';

let last: PanelName | undefined;

/** The panel that was used last; undefined: none was. */
export function openPanel(): PanelName | undefined {
  return last;
}

/** Notes from now on which panel is used. */
export function watchPanels(): void {
  const note = ({ target }: Event) => {
    if (!(target instanceof Element)) return;
    // Panels on the right lie in one that has no name: no panel lies in another that has one.
    last = PANEL_NAMES.find((name) => target.closest(PANELS[name])) ?? last;
  };
  document.addEventListener('pointerdown', note, { passive: true, capture: true });
  document.addEventListener('focusin', note, { passive: true, capture: true });
}

/** Scrolls to a panel and puts the focus on its heading. */
export function showPanel(name: PanelName): void {
  const panel = document.querySelector<HTMLElement>(PANELS[name]);
  if (!panel) return;
  last = name;
  panel.scrollIntoView({ block: 'start' });
  panel.querySelector<HTMLElement>('h2[tabindex], h3[tabindex]')?.focus({ preventScroll: true });
}
