// Where a guest's binary comes from.

import { IN_NODE } from '../threads/index.ts';
import { GuestImageError } from '../vcpu/wasm/index.ts';
import { fileReason, requireRegularFile } from './regular-file.ts';

/** A path (Node.js), a URL, or the bytes of a binary. */
export type GuestSource = string | URL | Uint8Array<ArrayBuffer> | ArrayBuffer;

async function readNode(source: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  await requireRegularFile(source);
  return new Uint8Array(await readFile(source));
}

async function fetchBytes(url: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
  return new Uint8Array(await response.arrayBuffer());
}

/** What the guest's program is called: the last part of where it comes from. */
export function programName(source: GuestSource): string {
  return typeof source === 'string' || source instanceof URL
    ? (String(source).split(/[/\\]/).at(-1) ?? 'guest')
    : 'guest';
}

/** Whether a text is a URL: a path is anything else. */
export const isUrl = (source: string) => /^[a-z][a-z0-9+.-]+:/i.test(source);

/** @throws {GuestImageError} `unreadable` when it cannot be read. */
export async function readSource(source: GuestSource): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Uint8Array) return source;
  try {
    const url = source instanceof URL ? source : isUrl(source) ? new URL(source) : undefined;
    if (IN_NODE && (url === undefined || url.protocol === 'file:'))
      return await readNode(url ?? source);
    return await fetchBytes(url ?? source);
  } catch (cause) {
    throw new GuestImageError('unreadable', `cannot read ${source}: ${fileReason(cause)}`, {
      cause,
    });
  }
}
