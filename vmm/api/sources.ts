// SPDX-License-Identifier: MIT
// Reads a guest's binary from its source.

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
/** Maximum number of MiB read from one source: a server may send data without end. */
const MAX_SOURCE_MIB = 1024;

const tooLarge = (mib: number) => new Error(`it is larger than ${mib} MiB`);

async function readNode(source: string | URL, mib: number): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  if ((await requireRegularFile(source)) > mib * MIB) throw tooLarge(mib);
  return new Uint8Array(await readFile(source));
}

/** True when bytes begin like a page of HTML, which no guest or kernel does. */
function isPage(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.slice(0, 256)).trimStart().startsWith('<');
}

async function fetchBytes(url: string | URL, mib: number): Promise<Uint8Array<ArrayBuffer>> {
  const { ok, status, statusText, headers, body } = await fetch(url);
  if (!ok) throw new Error(`the server answers ${status} ${statusText}`.trim());
  const bytes = body ? await readAtMost(body, mib * MIB) : new Uint8Array();
  if (!bytes) throw tooLarge(mib);
  const type = headers.get('content-type') ?? '';
  // A server of a single-page app sends its page in place of a file that it does not
  // have.
  if (type.startsWith('text/html') && isPage(bytes)) throw new Error(`the server answers ${type}`);
  return bytes;
}

/** The name of the guest's program: the last part of its source. */
export function programName(source: GuestSource): string {
  return typeof source === 'string' || source instanceof URL
    ? (String(source).split(/[/\\]/).at(-1) ?? 'guest')
    : 'guest';
}

/**
 * @param binary the file's role in a machine.
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

/** The files that a machine boots, as named by its user. */
export interface NamedBinaries {
  readonly guest?: GuestSource | undefined;
  readonly secondary?: GuestSource | undefined;
  readonly initrd?: GuestSource | undefined;
}

/**
 * The same error, with the path or URL of the file that caused it at the start of its
 * message: a caller may have named several files. Other errors, and errors about bytes,
 * are returned unchanged.
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
