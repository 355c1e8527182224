// SPDX-License-Identifier: MIT
// Links to the page: settings, place and guest. Foreign parts are kept.

import { isSetting, type Settings, writeSettings } from '../demo-settings.ts';
import { GUEST_HASH } from './guest-text.ts';
import { PLACE_PARAMETERS, type Place, writePlace } from './place.ts';

/** The contents of a link besides the settings. */
export interface LinkExtras {
  readonly place?: Place | undefined;
  /**
   * The guest in the link: "?guest=URL", "#guest=…"; undefined when there is none, or it
   * is the toy.
   */
  readonly guest?: string | undefined;
}

const isOwn = (name: string) =>
  isSetting(name) || name === 'guest' || (PLACE_PARAMETERS as readonly string[]).includes(name);

/**
 * The part of a link after its path: query and hash.
 * @param before the page's current address.
 */
export function linkOf(settings: Settings, before: URL, extras: LinkExtras = {}): string {
  const { place, guest = '' } = extras;
  const query = new URLSearchParams(writeSettings(settings));
  if (place) writePlace(place, query);
  if (guest.startsWith('?guest=')) query.set('guest', decodeURIComponent(guest.slice(7)));
  for (const [name, value] of before.searchParams) if (!isOwn(name)) query.append(name, value);
  const text = query.toString();
  const kept = before.hash.startsWith(GUEST_HASH) ? '' : before.hash;
  const hash = guest.startsWith(GUEST_HASH) ? guest : kept;
  return `${text === '' ? '' : `?${text}`}${hash}`;
}

/** The page in a frame of another page: lines to copy into that. */
export function embedSnippet(settings: Settings, page: URL, title: string): string {
  const embedded = new URL(page);
  embedded.search = '';
  embedded.hash = '';
  // In a page with several frames none should run by itself.
  const link = linkOf({ ...settings, run: false }, embedded);
  embedded.search = link === '' ? '?embed=1' : `${link}&embed=1`;
  const source = embedded.href.replaceAll('&', '&amp;');
  const name = title.replace(/[&"<>]/g, (found) => `&#${found.charCodeAt(0)};`);
  return (
    `<iframe src="${source}" title="vsmmu: ${name}" width="100%" height="620" loading="lazy"\n` +
    '  style="border: 1px solid #8886" allow="cross-origin-isolated; clipboard-write"></iframe>'
  );
}
