// SPDX-License-Identifier: MIT
// Single keys, and files that are dropped anywhere on the page.

import type { Actions } from './controls.ts';

export function listenToKeys(page: Actions): void {
  const keys: Readonly<Record<string, () => void>> = {
    p: () => page.toggleRun(),
    s: () => page.step(),
    r: () => page.reset(),
  };
  document.addEventListener('keydown', (event) => {
    const typing =
      event.target instanceof Element && event.target.closest('input, select, textarea');
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    keys[event.key]?.();
  });
}

export function listenToDrops(page: Actions): void {
  const root = document.documentElement;
  const over = (event: DragEvent, isOver: boolean) => {
    event.preventDefault();
    root.toggleAttribute('data-drop', isOver);
  };
  document.addEventListener('dragover', (event) => over(event, true));
  document.addEventListener('dragleave', (event) => over(event, event.relatedTarget !== null));
  document.addEventListener('drop', (event) => {
    over(event, false);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) page.pickGuest(files);
  });
}
