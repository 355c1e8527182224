// SPDX-License-Identifier: MIT
// Files that are dropped anywhere on the page.

import type { Actions } from './controls.ts';

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
