// SPDX-License-Identifier: MIT
// "Look at …" of an experiment: the words that name a place on the page lead to it, since
// not all of the page fits on a screen.

import { html, type TemplateResult } from 'lit-html';
import { lookParts } from './look-places.ts';
import { withTerms } from './terms.ts';

/** Brings a place into view, and the keyboard to it where it can be focused. */
function goTo(selector: string): void {
  const place = document.querySelector<HTMLElement>(selector);
  if (!place) return;
  place.scrollIntoView({ block: 'center' });
  const target = place.matches('[tabindex]') ? place : place.querySelector('[tabindex]');
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}

export function lookLine(name: string, look: string): TemplateResult {
  const parts = lookParts(name, look).map(({ text, selector }) =>
    selector === undefined
      ? withTerms(text)
      : html`<button type="button" class="to-look" @click=${() => goTo(selector)}
          data-explain="Goes there; it is outlined.">${text}</button>`,
  );
  return html`<p class="look">Look at ${parts}.</p>`;
}
