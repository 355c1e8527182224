// SPDX-License-Identifier: MIT
// A guest from a link, "?guest=URL" or in the hash. It is fetched and shown with its
// origin and size; only a click starts it.

import { readAtMost } from '../../devices/plugin/join-bytes.ts';
import { guestOf } from '../guest-files.ts';
import type { PickedGuest } from '../protocol.ts';
import { plainName } from './guest-name.ts';
import { GUEST_HASH, guestOfText, MOST_GUEST_BYTES, TOO_LARGE } from './guest-text.ts';

export interface OfferedGuest {
  readonly guest: PickedGuest;
  /** Its source, in words. */
  readonly from: string;
  readonly size: number;
}

/**
 * The URL of a guest in a page's address; undefined when there is none, or it is the toy.
 */
function askedGuest({ searchParams }: URL): string | undefined {
  const asked = searchParams.get('guest') ?? '';
  return asked === '' || asked === 'toy' ? undefined : asked;
}

/** True when a page's address contains a guest. */
export function bringsGuest(page: URL): boolean {
  return askedGuest(page) !== undefined || page.hash.startsWith(GUEST_HASH);
}

/** True when there is any answer, whose body is not awaited. */
async function isReached(url: URL, signal: AbortSignal): Promise<boolean> {
  const own = new AbortController();
  const stop = () => own.abort();
  signal.addEventListener('abort', stop);
  try {
    await fetch(url, {
      mode: 'no-cors',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: own.signal,
    });
    return true;
  } catch {
    return false;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** The reason of a failed request, which the browser does not tell. */
async function whyNot(url: URL, signal: AbortSignal): Promise<string> {
  if (isSecureContext && location.protocol === 'https:' && url.protocol === 'http:')
    return 'a page from https may not load from http';
  if (await isReached(url, signal))
    return 'its server lets no page of another origin read it (Access-Control-Allow-Origin, CORS)';
  signal.throwIfAborted();
  return crossOriginIsolated
    ? 'nothing came: the server cannot be reached, or it sends neither ' +
        'Access-Control-Allow-Origin (CORS) nor Cross-Origin-Resource-Policy (CORP)'
    : 'the server cannot be reached';
}

interface Download {
  /** Origin of the bytes, after redirects. */
  readonly origin: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function download(url: URL, signal: AbortSignal): Promise<Download> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'omit', referrerPolicy: 'no-referrer', signal });
  } catch {
    signal.throwIfAborted();
    throw new Error(await whyNot(url, signal));
  }
  const { body, ok, status } = response;
  if (!ok || !body) {
    await body?.cancel();
    throw new Error(`the server answers ${status}`);
  }
  const bytes = await readAtMost(body, MOST_GUEST_BYTES).catch(() => {
    signal.throwIfAborted();
    throw new Error('the transfer has broken off, or cannot be decoded');
  });
  if (!bytes) throw new Error(TOO_LARGE);
  return { origin: new URL(response.url).origin, bytes };
}

function addressOf(text: string, page: URL): URL {
  let url: URL;
  try {
    url = new URL(text, page);
  } catch {
    throw new Error('it is no URL');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error('it is not a URL of http or https');
  return url;
}

function nameOf({ pathname, hostname }: URL): string {
  const last = pathname.split('/').at(-1) || hostname;
  try {
    return plainName(decodeURIComponent(last));
  } catch {
    return plainName(last);
  }
}

/**
 * Fetches the guest of a page's address.
 * @param signal ends the fetch, which then throws its reason.
 * @throws {Error} one line about why there is none.
 */
export async function offeredGuest(page: URL, signal: AbortSignal): Promise<OfferedGuest> {
  const asked = askedGuest(page);
  if (asked === undefined) {
    const { name, bytes } = await guestOfText(page.hash);
    const guest = { ...guestOf([{ name, bytes }]), link: page.hash };
    return { guest, from: 'the link itself', size: bytes.length };
  }
  const shown = asked.length > 80 ? `${asked.slice(0, 80)}\u2026` : asked;
  try {
    const url = addressOf(asked, page);
    const { origin, bytes } = await download(url, signal);
    const guest = guestOf([{ name: nameOf(url), bytes }]);
    const link = `?guest=${encodeURIComponent(asked.toWellFormed())}`;
    return { guest: { ...guest, link }, from: origin, size: bytes.length };
  } catch (error) {
    throw new Error(`guest=${shown}: ${error instanceof Error ? error.message : error}`);
  }
}
