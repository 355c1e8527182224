// SPDX-License-Identifier: MIT
// The console as streams: in order, complete, and bounded when it is not read.

import { describe, expect, it } from 'vitest';
import { ConsoleStreams } from '../../vmm/api/console-streams.ts';

const MIB = 2 ** 20;
const bytes = (text: string) => new TextEncoder().encode(text);

/** Everything that a reader still receives. */
async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read())
    pieces.push(next.value);
  return Buffer.concat(pieces);
}

describe('console output', () => {
  it('delivers input in order, before and after it is requested, and its end', async () => {
    const streams = new ConsoleStreams(() => undefined);
    const reader = streams.readable.getReader();
    streams.push(bytes('one '));
    streams.push(bytes('two '));
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('one two ');
    const [first, second] = [reader.read(), reader.read()];
    streams.push(bytes('three '));
    expect(Buffer.from((await first).value ?? []).toString()).toBe('three ');
    streams.push(bytes('four'));
    expect(Buffer.from((await second).value ?? []).toString()).toBe('four');
    const last = reader.read();
    streams.end();
    expect(await last).toEqual({ done: true, value: undefined });
    await reader.closed;
    expect(streams.dropped).toBe(0);
  });

  it('is closed at once where nothing is left to read', async () => {
    const streams = new ConsoleStreams(() => undefined);
    streams.end();
    await streams.readable.getReader().closed;
  });

  it('is kept to the last MiB, and what is lost is counted', async () => {
    const streams = new ConsoleStreams(() => undefined);
    const reader = streams.readable.getReader();
    for (let i = 0; i < 40; i++) streams.push(new Uint8Array(100_000).fill(i));
    expect(streams.dropped).toBe(4_000_000 - MIB);
    streams.end();
    const kept = await rest(reader);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([MIB, 29, 39]);
    expect(kept.indexOf(30)).toBe(MIB - 1_000_000);
  });

  it('is cut where one piece is more than is kept', async () => {
    const streams = new ConsoleStreams(() => undefined);
    const reader = streams.readable.getReader();
    streams.push(bytes('lost'));
    const piece = new Uint8Array(MIB + 5).map((_, i) => i);
    streams.push(piece);
    streams.end();
    expect(streams.dropped).toBe(9);
    expect(Buffer.compare(await rest(reader), piece.subarray(5))).toBe(0);
  });

  it('is not kept for a reader that was cancelled', async () => {
    const streams = new ConsoleStreams(() => undefined);
    await streams.readable.cancel();
    streams.push(bytes('more'));
    streams.end();
    expect(streams.dropped).toBe(0);
  });
});
