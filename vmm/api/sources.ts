// SPDX-License-Identifier: MIT
// Where a guest's binary comes from.

import { isUrl } from '../../assembly/file-place.ts';
import { printable } from '../../devices/plugin/index.ts';
import { readAtMost } from '../../devices/plugin/join-bytes.ts';
import { IN_NODE } from '../threads/index.ts';
import { GuestImageError, SECONDARY_PROGRAM } from '../vcpu/wasm/index.ts';
import { fileReason, requireRegularFile } from './regular-file.ts';

/** A path (Node.js), a URL, or the bytes of a binary. */
export type GuestSource = string | URL | Uint8Array<ArrayBuffer> | ArrayBuffer;

const MIB = 2 ** 20;
/** MiB that are read of one source at most: whoever serves a URL may never end. */
const MAX_SOURCE_MIB = 1024;

const tooLarge = (mib: number) => new Error(`it is larger than ${mib} MiB`);

async function readNode(source: string | URL, mib: number): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  if ((await requireRegularFile(source)) > mib * MIB) throw tooLarge(mib);
  return new Uint8Array(await readFile(source));
}

/** Whether bytes begin as a page of HTML does: no guest and no kernel does. */
function isPage(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.slice(0, 256)).trimStart().startsWith('<');
}

async function fetchBytes(url: string | URL, mib: number): Promise<Uint8Array<ArrayBuffer>> {
  const { ok, status, statusText, headers, body } = await fetch(url);
  if (!ok) throw new Error(`the server answers ${status} ${statusText}`.trim());
  const bytes = body ? await readAtMost(body, mib * MIB) : new Uint8Array();
  if (!bytes) throw tooLarge(mib);
  const type = headers.get('content-type') ?? '';
  // A server of a single-page app answers its page for a file that it does not have.
  if (type.startsWith('text/html') && isPage(bytes)) throw new Error(`the server answers ${type}`);
  return bytes;
}

/** What the guest's program is called: the last part of where it comes from. */
export function programName(source: GuestSource): string {
  return typeof source === 'string' || source instanceof URL
    ? (String(source).split(/[/\\]/).at(-1) ?? 'guest')
    : 'guest';
}

/**
 * @param mib MiB that a file or URL has at most.
 * @throws {GuestImageError} `unreadable` when it cannot be read, or has more.
 */
export async function readSource(
  source: GuestSource,
  mib = MAX_SOURCE_MIB,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Uint8Array) return source;
  try {
    const url = source instanceof URL ? source : isUrl(source) ? new URL(source) : undefined;
    if (IN_NODE && (url === undefined || url.protocol === 'file:'))
      return await readNode(url ?? source, mib);
    return await fetchBytes(url ?? source, mib);
  } catch (cause) {
    throw new GuestImageError('unreadable', `cannot read ${source}: ${fileReason(cause)}`, {
      cause,
    });
  }
}

/**
 * The same error, which begins with the path or URL of the binary that it is about: a caller may have
 * named several. Anything but a `GuestImageError`, and one about bytes, stays as it is.
 */
export function namedImageError(
  error: unknown,
  {
    guest,
    secondary,
  }: { readonly guest: GuestSource; readonly secondary?: GuestSource | undefined },
): unknown {
  if (!(error instanceof GuestImageError)) return error;
  const source = error.message.startsWith(SECONDARY_PROGRAM) ? secondary : guest;
  if (typeof source !== 'string' && !(source instanceof URL)) return error;
  const { code, message, cause } = error;
  return new GuestImageError(code, `${printable(String(source))}: ${message}`, { cause });
}
