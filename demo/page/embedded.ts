// SPDX-License-Identifier: MIT
// ?embed=1: the page in a frame of another page, with one experiment, the drawing and the
// steps only.

let embedded = false;

/** Embeds the page if the address says so; call it before anything is drawn. */
export function embedPage(): void {
  embedded = new URLSearchParams(location.search).get('embed') === '1';
  document.body.toggleAttribute('data-embed', embedded);
}

export function isEmbedded(): boolean {
  return embedded;
}

/** The address of the page without a frame. */
export function wholePage(): string {
  const url = new URL(location.href);
  url.searchParams.delete('embed');
  return url.href;
}
