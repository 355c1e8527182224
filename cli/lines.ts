// SPDX-License-Identifier: MIT
// Text from files and standard input, line by line, in bounded memory.

/** Longer lines are split into pieces; no line of a log is that long. */
const MOST = 2 ** 16;

/**
 * The lines of a UTF-8 text, without line ends; lines of more than 64 Ki characters are split
 * into pieces.
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
