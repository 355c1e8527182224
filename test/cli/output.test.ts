// SPDX-License-Identifier: MIT
// Text of others that the command prints: bounded, and harmless to a terminal.

import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Consoles } from '../../cli/consoles.ts';
import { jsonLine } from '../../cli/json-line.ts';
import { printableData } from '../../cli/printable-data.ts';
import { printable } from '../../devices/plugin/index.ts';

function consoles(machines: number) {
  const written: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const text = () => Buffer.concat(written).toString('latin1');
  return { consoles: new Consoles(stream, machines), text };
}

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('consoles of several machines', () => {
  it('are written by lines, each with its machine', () => {
    const { consoles: both, text } = consoles(2);
    both.write(0, bytes('he'));
    both.write(1, bytes('one\n\ntwo'));
    both.write(0, bytes('llo\n'));
    expect(text()).toBe('[vm1] one\n[vm1] \n[vm0] hello\n');
    both.end();
    both.end();
    expect(text()).toBe('[vm1] one\n[vm1] \n[vm0] hello\n[vm1] two\n');
  });

  it('keep the lines of several consoles of one machine apart', () => {
    const { consoles: both, text } = consoles(2);
    both.write(1, bytes('uart'));
    both.write(1, bytes('hvc0\n'), 1);
    both.write(1, bytes(' too\n'));
    expect(text()).toBe('[vm1] hvc0\n[vm1] uart too\n');
  });

  it('are cut after 8 KiB without a newline', () => {
    const { consoles: both, text } = consoles(2);
    both.write(0, bytes('x'.repeat(8191)));
    expect(text()).toBe('');
    both.write(0, bytes('xy\u001b[1m'));
    expect(text()).toBe(`[vm0] ${'x'.repeat(8192)}\n`);
    // A console belongs to the guest: it is printed unchanged.
    both.end();
    expect(text()).toBe(`[vm0] ${'x'.repeat(8192)}\n[vm0] y\u001b[1m\n`);
  });

  it('use no memory for a line that never ends', () => {
    const { consoles: both, text } = consoles(2);
    both.write(1, new Uint8Array(5 * 8192).fill(0x61));
    expect(text()).toBe(`[vm1] ${'a'.repeat(8192)}\n`.repeat(5));
  });

  it('are not touched when there is one', () => {
    const { consoles: one, text } = consoles(1);
    one.write(0, bytes('\u001b[2Jas it is'));
    expect(text()).toBe('\u001b[2Jas it is');
  });
});

describe('texts of others', () => {
  it('move no cursor, and make no line', () => {
    expect(printable('a\u001b[31mb\nc\r\u0000\u007f\u009b\u202e\u2028')).toBe(
      'a\\u{1b}[31mb\\u{a}c\\u{d}\\u{0}\\u{7f}\\u{9b}\\u{202e}\\u{2028}',
    );
    expect(printable('Grüße, 世界 🦀')).toBe('Grüße, 世界 🦀');
    expect(printable('\ud800x')).toBe('\\u{d800}x');
    expect(printable('x'.repeat(300))).toBe(`${'x'.repeat(200)}…`);
  });

  it('are found anywhere in data', () => {
    const data = { 'k\n': ['\u001b', 1, { a: '\u0007', b: null }] };
    expect(printableData(data)).toEqual({ 'k\\u{a}': ['\\u{1b}', 1, { a: '\\u{7}', b: null }] });
    const named = printableData(JSON.parse('{ "__proto__": { "x": 1 } }') as object);
    expect(Object.keys(named)).toEqual(['__proto__']);
  });

  it('are the same in JSON when they are read again', () => {
    const value = { name: '\u001b[2J\u009b2J\u007f\u202e\u2028é' };
    const line = jsonLine(value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(JSON.parse(line)).toMatchObject(value);
  });
});
