// SPDX-License-Identifier: MIT
// Joins the pieces of a stream.

/** The concatenated pieces, copied. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * Reads a stream to its end. At most `limit` bytes and one piece are kept in memory.
 * @returns undefined when there are more bytes; the stream is cancelled then.
 */
export async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joinBytes(pieces);
    size += value.length;
    if (size > limit) {
      // The result of the cancelled stream is not needed.
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    pieces.push(value);
  }
}

/** Reads a stream until there are at least `size` bytes, or to its end, and cancels it. */
export async function readHead(
  stream: ReadableStream<Uint8Array>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let read = 0;
  while (read < size) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    read += value.length;
  }
  // The rest is not needed.
  await reader.cancel().catch(() => undefined);
  return joinBytes(pieces);
}
