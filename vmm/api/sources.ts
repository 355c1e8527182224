// SPDX-License-Identifier: MIT
// Where a guest's binary comes from.

import { isUrl } from '../../assembly/file-place.ts';
import { printable } from '../../devices/plugin/index.ts';
import { readAtMost } from '../../devices/plugin/join-bytes.ts';
import { KernelImageError } from '../boot/index.ts';
import { IN_NODE } from '../threads/index.ts';
import { type GuestBinary, GuestImageError } from '../vcpu/wasm/index.ts';
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
 * @param binary which file of a machine it is.
 * @throws {GuestImageError} `unreadable` when it cannot be read, or has more than 1 GiB.
 */
export async function readSource(
  source: GuestSource,
  binary: GuestBinary = 'guest',
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
      binary,
    });
  }
}

/** What a machine boots, as its user named it. */
export interface NamedBinaries {
  readonly guest?: GuestSource | undefined;
  readonly secondary?: GuestSource | undefined;
  readonly initrd?: GuestSource | undefined;
}

/**
 * The same error, which begins with the path or URL of the file that it is about, as it was given: a
 * caller may have named several. Any other error, and one about bytes, stays as it is.
 */
export function namedImageError(error: unknown, named: NamedBinaries): unknown {
  const name = (source: GuestSource | undefined) =>
    typeof source === 'string' || source instanceof URL ? printable(String(source)) : undefined;
  if (error instanceof GuestImageError) {
    const { code, message, cause, binary } = error;
    const source = name(named[binary]);
    return source === undefined
      ? error
      : new GuestImageError(code, `${source}: ${message}`, { cause, binary });
  }
  if (error instanceof KernelImageError) {
    const { code, message, cause, file } = error;
    const given = { kernel: named.guest, initrd: named.initrd, 'command-line': undefined };
    const source = name(given[file]);
    return source === undefined
      ? error
      : new KernelImageError(code, `${source}: ${message}`, { cause, file });
  }
  return error;
}
