// SPDX-License-Identifier: MIT
// Text from files and standard input, line by line, in bounded memory.

/** What is longer comes in pieces: no line of a log is. */
const MOST = 2 ** 16;

/**
 * The lines of a text in UTF-8, without their ends; one of more than 64 Ki characters in
 * pieces.
 */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
    for (; rest.length > MOST; rest = rest.slice(MOST)) yield rest.slice(0, MOST);
  }
  if (rest !== '') yield rest;
}
