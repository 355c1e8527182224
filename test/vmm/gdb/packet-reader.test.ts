// SPDX-License-Identifier: MIT
// Packets in a stream of bytes, for any split and any sender.

import { describe, expect, it } from 'vitest';
import { Random } from '../../../devices/testing/index.ts';
import {
  bytesOf,
  MAX_PACKET,
  PacketReader,
  packetOf,
  textOf,
} from '../../../vmm/gdb/packet-reader.ts';

const read = (text: string, reader = new PacketReader()) =>
  [...reader.receive(bytesOf(text))].map((received) =>
    received.what === 'packet' ? textOf(received.data) : `(${received.what})`,
  );

/** A packet of unescaped bytes. */
function framed(raw: string): string {
  const sum = [...bytesOf(raw)].reduce((total, byte) => total + byte, 0) & 0xff;
  return `$${raw}#${sum.toString(16).padStart(2, '0')}`;
}

describe('a reader of packets', () => {
  it('finds packets among other bytes', () => {
    expect(read('+$qC#b4+\x03-$g#67')).toEqual(['qC', '(interrupt)', '(again)', 'g']);
  });

  it('reports a wrong checksum, and continues', () => {
    expect(read('$g#68$g#6z$g#67')).toEqual(['(damaged)', '(damaged)', 'g']);
  });

  it('undoes escapes', () => {
    expect(read(framed('X0,2:}\x03}]'))).toEqual(['X0,2:#}']);
  });

  it('treats a $ as the start of another packet', () => {
    expect(read('$m0,$g#67')).toEqual(['g']);
  });

  it('treats 0x03 within a packet as data', () => {
    expect(read(framed('X0,1:\x03'))).toEqual(['X0,1:\x03']);
  });

  it('refuses a packet that is too long, and reads the next', () => {
    const long = textOf(packetOf('m'.repeat(MAX_PACKET + 1)));
    expect(read(`${long}$g#67`)).toEqual(['(damaged)', 'g']);
    expect(read(textOf(packetOf('m'.repeat(MAX_PACKET))))).toHaveLength(1);
  });

  it('reads what is sent, byte by byte too', () => {
    const text = 'a#b$c}d*e\x03\x80\xff';
    const reader = new PacketReader();
    const pieces = [...packetOf(text)].flatMap((byte) => [...reader.receive([byte] as never)]);
    expect(pieces.map((one) => one.what === 'packet' && textOf(one.data))).toEqual([text]);
  });

  it('finds the next packet after any bytes', () => {
    const random = new Random(7);
    const reader = new PacketReader();
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: random.below(40) }, () => random.below(256));
      Array.from(reader.receive(bytes));
      // At most: the end of a packet, and its possible checksum.
      Array.from(reader.receive(bytesOf('#00')));
      expect(read('$qC#b4', reader).at(-1)).toBe('qC');
    }
  });
});
