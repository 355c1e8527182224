// SPDX-License-Identifier: MIT
// A small guest as text in a link's hash: "#guest=NAME,BASE64URL", the program compressed ("deflate-raw").

import { readAtMost } from '../../devices/plugin/join-bytes.ts';
import { plainName } from './guest-name.ts';

/** Start of the hash of a link with a guest. */
export const GUEST_HASH = '#guest=';
/**
 * Maximum number of characters of a guest in a link: mail programs and chats cut longer
 * ones.
 */
export const MOST_TEXT = 32_000;
/** Maximum size in bytes of a guest from a link of any kind. */
export const MOST_GUEST_BYTES = 32 * 1024 * 1024;
export const TOO_LARGE = `it is larger than ${MOST_GUEST_BYTES / 1024 / 1024} MiB, the most for a link`;

const through = (bytes: Uint8Array<ArrayBuffer>, transform: GenericTransformStream) =>
  new Blob([bytes]).stream().pipeThrough(transform as TransformStream<Uint8Array, Uint8Array>);

/** The hash with the guest; undefined when it would be too long for a link. */
export async function guestText(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  // No program is compressed to a hundredth of its size, so larger ones need not be
  // tried.
  if (bytes.length > 100 * MOST_TEXT) return undefined;
  const most = Math.floor(MOST_TEXT * (3 / 4));
  const packed = await readAtMost(through(bytes, new CompressionStream('deflate-raw')), most);
  if (!packed) return undefined;
  const binary = Array.from(packed, (byte) => String.fromCharCode(byte)).join('');
  const base64 = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `${GUEST_HASH}${encodeURIComponent(plainName(name))},${base64}`;
}

/**
 * The guest in a hash.
 * @throws {Error} one line about what is wrong with it.
 */
export async function guestOfText(
  hash: string,
): Promise<{ readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const text = hash.slice(GUEST_HASH.length);
  const comma = text.indexOf(',');
  if (comma < 0) throw new Error('the link has no guest: a name, a comma, and base64url');
  const data = text.slice(comma + 1);
  if (data.length > 2 * MOST_TEXT) throw new Error('the guest is too long for a link');
  if (!/^[\w-]+$/.test(data)) throw new Error('the guest is no base64url');
  let name: string;
  let binary: string;
  try {
    name = plainName(decodeURIComponent(text.slice(0, comma)));
    binary = atob(data.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new Error('the guest is no base64url; part of the link may be missing');
  }
  const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const unpacked = through(packed, new DecompressionStream('deflate-raw'));
  const bytes = await readAtMost(unpacked, MOST_GUEST_BYTES).catch(() => {
    throw new Error('the guest cannot be unpacked; part of the link may be missing');
  });
  if (!bytes) throw new Error(TOO_LARGE);
  return { name, bytes };
}
