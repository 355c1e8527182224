// Decompression with a bound, by what both Node.js and browsers have.

import { printable } from '../../devices/plugin/index.ts';
import { joinBytes } from '../../devices/plugin/join-bytes.ts';
import { KernelImageError } from './kernel-image-error.ts';

/** The first bytes of a gzip member (RFC 1952 section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks a gzip file. No more than `limit` bytes and one chunk of the stream are ever held.
 * @param limit bytes that the result may have.
 * @throws {KernelImageError} when the file is damaged, or holds more.
 */
export async function gunzip(
  bytes: Uint8Array<ArrayBuffer>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      const reason = printable(cause instanceof Error ? cause.message : String(cause));
      throw new KernelImageError('damaged', `cannot unpack the gzip file: ${reason}`, { cause });
    });
    if (done) return joinBytes(chunks);
    size += value.length;
    if (size > limit) {
      // What the stream still has to say is of no interest.
      await reader.cancel().catch(() => undefined);
      throw new KernelImageError('too-large', `the gzip file unpacks to more than ${limit} bytes`);
    }
    chunks.push(value);
  }
}
