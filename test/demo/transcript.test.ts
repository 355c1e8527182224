// SPDX-License-Identifier: MIT
// Console output on its way to the page, and the part of it that is drawn at an earlier
// event.

import { describe, expect, it } from 'vitest';
import { Transcript } from '../../demo/page/transcript.ts';
import { Outbox } from '../../demo/vmm/outbox.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (pieces: readonly Uint8Array[]) =>
  pieces.map((piece) => new TextDecoder().decode(piece)).join('');

describe('a transcript', () => {
  it('has what was written between two counts of bytes', () => {
    const outbox = new Outbox();
    const transcript = new Transcript();
    for (const part of ['one ', 'two ', 'three']) {
      outbox.add(bytes(part));
      transcript.add(outbox.take());
      expect(transcript.written).toBe(outbox.written);
    }
    expect(text(transcript.between(0, 13))).toBe('one two three');
    expect(text(transcript.between(2, 10))).toBe('e two th');
    expect(text(transcript.between(4, 4))).toBe('');
    expect(text(transcript.between(0, 99))).toBe('one two three');
  });

  it('states what was left out, once some of that had been written', () => {
    const outbox = new Outbox();
    const transcript = new Transcript();
    outbox.add(bytes('begin'));
    outbox.add(new Uint8Array(70_000));
    outbox.add(bytes('lost'));
    expect(outbox.empty).toBe(false);
    transcript.add(outbox.take());
    expect(outbox.empty).toBe(true);
    outbox.add(bytes('end'));
    transcript.add(outbox.take());
    expect(transcript.written).toBe(70_012);
    const note = '\r\n[70004 bytes left out]\r\n';
    expect(text(transcript.between(0, 70_012))).toBe(`begin${note}end`);
    expect(text(transcript.between(0, 5))).toBe('begin');
    expect(text(transcript.between(0, 6))).toBe(`begin${note}`);
    expect(text(transcript.between(6, 70_010))).toBe('e');
    // Read in two parts, it occurs once.
    expect(text([...transcript.between(0, 300), ...transcript.between(300, 70_012)])).toBe(
      `begin${note}end`,
    );
  });

  it('keeps the last n bytes', () => {
    const transcript = new Transcript();
    for (let i = 0; i < 1000; i++)
      transcript.add({ from: i * 1000, bytes: new Uint8Array(1000), left: 0 });
    const kept = transcript.between(0, 1e6).reduce((sum, { length }) => sum + length, 0);
    expect(kept).toBeGreaterThan(200_000);
    expect(kept).toBeLessThanOrEqual(2 ** 18);
    expect(transcript.written).toBe(1e6);
    const one = new Transcript();
    one.add({ from: 0, bytes: new Uint8Array(2 ** 19), left: 0 });
    expect(text(one.between(0, 10)).length).toBe(10);
  });
});
