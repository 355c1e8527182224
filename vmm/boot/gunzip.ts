// SPDX-License-Identifier: MIT
// Bounded decompression, with an API of both Node.js and browsers.

import { printable } from '../../devices/plugin/index.ts';
import { readAtMost } from '../../devices/plugin/join-bytes.ts';
import { KernelImageError } from './kernel-image-error.ts';

/** The first bytes of a gzip member (RFC 1952 section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
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
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const whole = await readAtMost(stream, limit).catch((cause: unknown) => {
    const reason = printable(cause instanceof Error ? cause.message : String(cause));
    throw new KernelImageError('damaged', `cannot unpack the gzip file: ${reason}`, { cause });
  });
  if (!whole)
    throw new KernelImageError('too-large', `the gzip file unpacks to more than ${limit} bytes`);
  return whole;
}
