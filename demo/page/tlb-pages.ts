// SPDX-License-Identifier: MIT
// The pages of the IOTLB as a list. There can be thousands: only visible rows are in the
// document.

import { html, nothing, render } from 'lit-html';
import type { PagePicture } from '../protocol.ts';
import { short } from './page-text.ts';

/** Height of a row in the style sheet. */
const ROW_PX = 16;
const KIB = 1024;

/** 4096 as "4K". */
function sizeText(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T'];
  const unit = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), units.length - 1);
  return `${bytes / KIB ** unit}${units[unit]}`;
}

function row(page: PagePicture, index: number) {
  const { vm, vmid, asid, iova, pa, size, writable, hits } = page;
  const counted = hits === undefined ? '' : ` It has answered ${hits} accesses of devices.`;
  return html`<div role="row" class="page" style="top:${(index + 1) * ROW_PX}px"
      data-explain=${
        `${vm}: a device\u2019s ${sizeText(size)} at ${iova} become physical ${pa}, ` +
        `${writable ? 'read and write' : 'read only'}; ASID ${asid}, VMID ${vmid}.${counted}`
      }><span role="cell">${iova}</span><span role="cell">${pa}</span><span
      role="cell">${asid}</span><span role="cell">${vmid}</span><span role="cell"
      data-value="hits">${hits === undefined ? '\u2013' : short(hits)}</span></div>`;
}

export class TlbPages {
  #pages: readonly PagePicture[] = [];
  #place: HTMLElement | undefined;

  show(place: HTMLElement | null, pages: readonly PagePicture[]): void {
    this.#pages = pages;
    if (place && place !== this.#place) {
      this.#place = place;
      place.addEventListener('scroll', () => this.#draw(), { passive: true });
    }
    this.#draw();
  }

  #draw(): void {
    const place = this.#place;
    if (!place) return;
    const pages = this.#pages;
    const first = Math.max(0, Math.floor(place.scrollTop / ROW_PX) - 1);
    const shown = pages.slice(first, first + Math.ceil(place.clientHeight / ROW_PX) + 2);
    render(
      html`<div role="row" class="page head"><span role="columnheader">iova</span><span
          role="columnheader">pa</span><span role="columnheader">ASID</span><span
          role="columnheader">VMID</span><span role="columnheader">hits</span></div>
        ${shown.map((page, i) => row(page, first + i))}
        ${pages.length === 0 ? html`<p class="none">no page yet</p>` : nothing}
        <i class="end" style="top:${(pages.length + 1) * ROW_PX}px"></i>`,
      place,
    );
  }
}
