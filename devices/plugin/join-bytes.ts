// SPDX-License-Identifier: MIT
// Pieces of what came bit by bit.

/** The pieces one behind the other, copied. */
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
 * A stream's bytes to its end. No more than `limit` of them and one piece are ever held.
 * @returns undefined when there are more; the stream is cancelled then.
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
      // What the stream still has to say is of no interest.
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    pieces.push(value);
  }
}
