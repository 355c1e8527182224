// SPDX-License-Identifier: MIT
// Bounded decompression, with an API of both Node.js and browsers.

import { printable } from '../../devices/plugin/index.ts';
import { readAtMost, readHead } from '../../devices/plugin/join-bytes.ts';
import { KernelImageError } from './kernel-image-error.ts';

/** The first bytes of a gzip member (RFC 1952 section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

const unpacking = (bytes: Uint8Array<ArrayBuffer>) =>
  new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));

function damaged(cause: unknown): KernelImageError {
  const reason = printable(cause instanceof Error ? cause.message : String(cause));
  return new KernelImageError('damaged', `cannot unpack the gzip file: ${reason}`, { cause });
}

/**
 * Unpacks a gzip file, with at most `limit` bytes and one chunk of the stream in memory.
 * @param limit maximum size of the result in bytes.
 * @throws {KernelImageError} when the file is damaged, or the result is larger.
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = await readAtMost(unpacking(bytes), limit).catch((cause: unknown) => {
    throw damaged(cause);
  });
  if (!whole)
    throw new KernelImageError('too-large', `the gzip file unpacks to more than ${limit} bytes`);
  return whole;
}

/**
 * Unpacks the beginning of a gzip file. Damage after it is not found.
 * @param size number of bytes that are enough; the result may have one piece of the
 *   stream more, or be the whole contents.
 * @throws {KernelImageError} when that part of the file is damaged.
 */
export async function gunzipHead(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readHead(unpacking(bytes), size).catch((cause: unknown) => {
    throw damaged(cause);
  });
}
