// SPDX-License-Identifier: MIT
// The line that offers a guest from a link.

import { html, nothing, type TemplateResult } from 'lit-html';
import type { OfferedGuest } from '../link/offered-guest.ts';

export function offerLine(
  offer: OfferedGuest | undefined,
  start: () => void,
): TemplateResult | typeof nothing {
  if (!offer) return nothing;
  const { guest, from, size } = offer;
  return html`<p class="offer" role="status">This link brings a guest, which has not been checked.
    <button type="button" id="start-offer" class="primary" @click=${start}
        data-explain=${
          'Starts it on a host, worker and consoles of its own: it gets nothing of the guests ' +
          'before it, and the page has nothing else to give.'
        }>Start <b><bdi>${guest.name}</bdi></b> from <b>${from}</b>, ${size.toLocaleString('en')} bytes</button>
  </p>`;
}
