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
 * Reads a stream until there are at least `size` bytes, and cancels it, or to its end.
 */
async function readSome(stream: ReadableStream<Uint8Array>, size: number) {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let read = 0;
  while (read < size) {
    const { done, value } = await reader.read();
    if (done) return { pieces, isWhole: true };
    pieces.push(value);
    read += value.length;
  }
  // The rest is not needed.
  await reader.cancel().catch(() => undefined);
  return { pieces, isWhole: false };
}

/**
 * Reads a stream to its end. At most `limit` bytes and one piece are kept in memory.
 * @returns undefined when there are more bytes; the stream is cancelled then.
 */
export async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { pieces, isWhole } = await readSome(stream, limit + 1);
  return isWhole ? joinBytes(pieces) : undefined;
}

/**
 * Reads a stream until there are at least `size` bytes, or to its end, and cancels it.
 */
export async function readHead(
  stream: ReadableStream<Uint8Array>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  return joinBytes((await readSome(stream, size)).pieces);
}
