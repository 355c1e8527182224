// SPDX-License-Identifier: MIT

import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type InputStream, readConsole } from '../../cli/console-input.ts';

/** A stream that records the calls on it, and what its reader produced from the bytes. */
function connected(isTTY: boolean) {
  const log: string[] = [];
  const events = new EventEmitter();
  const stream = Object.assign(events, {
    isTTY,
    setRawMode: (on: boolean) => log.push(`raw ${on}`),
    resume: () => log.push('resume'),
    pause: () => log.push('pause'),
  }) as unknown as InputStream;
  const end = readConsole(stream, {
    input: (bytes) => log.push(`in ${JSON.stringify(String.fromCharCode(...bytes))}`),
    end: () => log.push('end'),
    quit: () => log.push('quit'),
    say: (text) => log.push(`say ${text.trim().slice(0, 8)}`),
  });
  const type = (text: string) => {
    events.emit('data', new TextEncoder().encode(text));
  };
  const finish = () => {
    events.emit('end');
  };
  return { log, type, end, finish };
}

describe('readConsole', () => {
  it('passes on keys of a terminal, and removes those after Ctrl-A', () => {
    const { log, type, end } = connected(true);
    type('ab\x03');
    type('c\x01hd\x01\x01');
    type('\x01');
    type('X');
    type('\x01qe');
    end();
    type('f');
    expect(log).toEqual([
      'raw true',
      'resume',
      'in "ab\\u0003"',
      'say Ctrl-A X',
      'in "cd\\u0001"',
      'quit',
      'in "e"',
      'pause',
      'raw false',
    ]);
  });

  it('passes on input unchanged if it is not a terminal', () => {
    const { log, type, end } = connected(false);
    type('a\x01x');
    end();
    expect(log).toEqual(['resume', 'in "a\\u0001x"', 'pause']);
  });

  it('reports the end of input', () => {
    const { log, type, finish } = connected(false);
    type('a');
    finish();
    expect(log).toEqual(['resume', 'in "a"', 'end']);
  });
});
