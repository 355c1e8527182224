// SPDX-License-Identifier: MIT
// A small guest as text in a link's hash: "#guest=NAME,BASE64URL", the program compressed ("deflate-raw").

/** What the hash of a link with a guest begins with. */
export const GUEST_HASH = '#guest=';
/** Characters of a guest in a link: mail programs and chats cut longer ones. */
export const MOST_TEXT = 32_000;
/** Bytes of a guest that comes by link, however it does. */
export const MOST_GUEST_BYTES = 32 * 1024 * 1024;
const MOST_NAME = 60;

/** Joins what a stream has. @throws {Error} one line, when that is more than `most` bytes. */
export async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      // What it has left is wanted by nobody.
      reader.cancel().catch(() => undefined);
      throw new Error(`it is larger than ${most / 1024 / 1024} MiB, the most for a link`);
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const through = (bytes: Uint8Array<ArrayBuffer>, transform: GenericTransformStream) =>
  new Blob([bytes]).stream().pipeThrough(transform as TransformStream<Uint8Array, Uint8Array>);

/** The hash that has a guest; undefined when it would be too long for a link. */
export async function guestText(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  // No program packs to a hundredth of its size; larger ones need not be tried.
  if (bytes.length > 100 * MOST_TEXT) return undefined;
  const packed = await readAtMost(
    through(bytes, new CompressionStream('deflate-raw')),
    MOST_GUEST_BYTES,
  );
  if (packed.length * (4 / 3) > MOST_TEXT) return undefined;
  const binary = Array.from(packed, (byte) => String.fromCharCode(byte)).join('');
  const base64 = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const short = encodeURIComponent(name.slice(0, MOST_NAME).toWellFormed());
  return `${GUEST_HASH}${short},${base64}`;
}

/**
 * The guest of a hash.
 * @throws {Error} one line that says what is wrong with it.
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
    name = decodeURIComponent(text.slice(0, comma)).slice(0, MOST_NAME) || 'guest.wasm';
    binary = atob(data.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new Error('the guest is no base64url; part of the link may be missing');
  }
  const packed = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  try {
    const unpacked = through(packed, new DecompressionStream('deflate-raw'));
    return { name, bytes: await readAtMost(unpacked, MOST_GUEST_BYTES) };
  } catch (error) {
    // What the limit says is to be read; the browser's own words are "TypeError".
    if (error instanceof Error && error.message.includes('MiB')) throw error;
    throw new Error('the guest cannot be unpacked; part of the link may be missing');
  }
}
