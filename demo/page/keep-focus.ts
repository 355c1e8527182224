// SPDX-License-Identifier: MIT
// The keyboard's place when the control that had it is removed or switched off by its own
// press: the control that comes in its place.

import { hideExplanation, hideOrphanedExplanation } from './explain.ts';

/** Successors of a control by its id: the first one that is on the page, when it can be used. */
const HEIRS: Readonly<Record<string, readonly string[]>> = {
  'tour-step': ['#tour-next', '#tour-step', '#leave-tour'],
  'tour-next': ['#tour-step', '#tour-next', '#leave-tour'],
  'leave-tour': ['[data-tour="1"]'],
  'look-closer': ['#event-forward', '#look-closer'],
  'look-away': ['#look-closer', '#look-away'],
  'event-back': ['#event-back:enabled', '#event-forward'],
  'start-offer': ['#run'],
  run: ['#run:enabled', '#reset'],
  step: ['#step:enabled', '#reset'],
};

/** The control that had the focus last. */
let last: Element | undefined;
let heirs: readonly string[] = [];

const forget = () => {
  last = undefined;
  heirs = [];
};

/** Watches the focus from now on. */
export function watchFocus(): void {
  document.addEventListener('focusin', ({ target }) => {
    forget();
    if (target instanceof Element && target.id in HEIRS) last = target;
  });
  // The user goes somewhere else.
  document.addEventListener(
    'pointerdown',
    ({ target }) => {
      forget();
      const button = target instanceof Element ? target.closest('button') : null;
      if (button && button.id in HEIRS) last = button;
    },
    { capture: true },
  );
}

/** Call it after the page has changed. */
export function keepPlace(): void {
  hideOrphanedExplanation();
  keepFocus();
}

function keepFocus(): void {
  const { activeElement: at, body } = document;
  // Chromium moves the focus from a disabled control only later.
  if (at !== body && !at?.matches(':disabled')) return;
  if (last && !(last.isConnected && last.matches(':enabled'))) {
    heirs = HEIRS[last.id] ?? [];
    last = undefined;
  }
  for (const heir of heirs) {
    const found = document.querySelector<HTMLElement>(heir);
    if (!found) continue;
    // Until then the place stays free.
    if (found.matches(':disabled')) return;
    found.focus();
    // Its explanation would cover what the press has brought.
    hideExplanation();
    return;
  }
}
