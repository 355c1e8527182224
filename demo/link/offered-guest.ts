// SPDX-License-Identifier: MIT
// A guest that comes by link, "?guest=URL" or in the hash. It is fetched and shown with its origin and
// size; only a click starts it.

import { guestOf } from '../guest-files.ts';
import type { PickedGuest } from '../protocol.ts';
import { GUEST_HASH, guestOfText, MOST_GUEST_BYTES, readAtMost } from './guest-text.ts';

export interface OfferedGuest {
  readonly guest: PickedGuest;
  /** Where it comes from, in words. */
  readonly from: string;
  readonly size: number;
}

/** True when a page's address brings a guest. */
export function bringsGuest({ searchParams, hash }: URL): boolean {
  const asked = searchParams.get('guest');
  return (asked !== null && asked !== 'toy') || hash.startsWith(GUEST_HASH);
}

/** What the browser does not say of a request that failed. */
async function whyNot(url: URL): Promise<string> {
  if (isSecureContext && location.protocol === 'https:' && url.protocol === 'http:')
    return 'a page from https may not load from http';
  try {
    await fetch(url, { mode: 'no-cors', credentials: 'omit', referrerPolicy: 'no-referrer' });
  } catch {
    return crossOriginIsolated
      ? 'nothing came: the server cannot be reached, or it sends neither ' +
          'Access-Control-Allow-Origin (CORS) nor Cross-Origin-Resource-Policy (CORP)'
      : 'the server cannot be reached';
  }
  return 'its server lets no page of another origin read it (Access-Control-Allow-Origin, CORS)';
}

async function download(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'omit', referrerPolicy: 'no-referrer' });
  } catch {
    throw new Error(await whyNot(url));
  }
  if (!response.ok || !response.body) throw new Error(`the server answers ${response.status}`);
  return await readAtMost(response.body, MOST_GUEST_BYTES);
}

function addressOf(text: string, page: URL): URL {
  let url: URL;
  try {
    url = new URL(text, page);
  } catch {
    throw new Error('it is no URL');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error('it is a URL of http or https');
  return url;
}

function nameOf({ pathname, hostname }: URL): string {
  const last = pathname.split('/').at(-1) || hostname;
  try {
    return decodeURIComponent(last).slice(0, 60);
  } catch {
    return last.slice(0, 60);
  }
}

/**
 * Fetches the guest that a page's address brings.
 * @throws {Error} one line that says why there is none.
 */
export async function offeredGuest(page: URL): Promise<OfferedGuest> {
  const asked = page.searchParams.get('guest');
  if (asked === null) {
    const { name, bytes } = await guestOfText(page.hash);
    const guest = { ...guestOf([{ name, bytes }]), link: page.hash };
    return { guest, from: 'the link itself', size: bytes.length };
  }
  const shown = asked.length > 80 ? `${asked.slice(0, 80)}\u2026` : asked;
  try {
    const url = addressOf(asked, page);
    const bytes = await download(url);
    const guest = guestOf([{ name: nameOf(url), bytes }]);
    const link = `?guest=${encodeURIComponent(asked)}`;
    return { guest: { ...guest, link }, from: url.origin, size: bytes.length };
  } catch (error) {
    throw new Error(`guest=${shown}: ${error instanceof Error ? error.message : error}`);
  }
}
