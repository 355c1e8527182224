// SPDX-License-Identifier: MIT
// The lines of "Edit and run": which are valid, and the messages for wrong ones.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LINE_FORMS,
  MOST_LINES,
  MOST_LINES_TEXT,
  parseLines,
} from '../../demo/edit/parse-lines.ts';

describe('lines', () => {
  it.each([
    ['map 0x1000 page 3', 'm1000.3'],
    ['map 0xFFFFFFFFF000 page 0 ro', 'offfffffff000.0'],
    ['  UNMAP\t4096 ', 'u1000'],
    ['dma read 0x1040', 'r1040'],
    ['dma write 0x1000', 'w1000'],
    ['tlbi va 0x1000', 'v1000'],
    ['tlbi asid', 'a'],
    ['tlbi all', 'n'],
    ['cd off', 'd'],
    ['cfgi cd', 'c'],
    ['ste abort', 't'],
    ['cfgi   ste', 's'],
    ['sync', 'y'],
    ['sync; sync # twice\n// nothing\n\ntlbi asid // all of it', 'y,y,a'],
  ])('%j are %s', (text, program) => {
    expect(parseLines(text)).toEqual({ program, problems: [], count: program.split(',').length });
  });

  it.each([
    ['sync\nmapp 0x1000', /^line 2: "mapp 0x1000" is none of map, unmap, dma read, /],
    ['map', /^line 1: an address is missing/],
    ['map 0x1000', /^line 1: map takes an address, then "page" and its number$/],
    ['map 0x1000 page 8', /^line 1: page 8: pages are 0 to 7$/],
    ['map 0x1000 page 1 rw', /^line 1: rw: only "ro" may follow the page number$/],
    ['map 0x1001 page 1', /^line 1: 0x1001 is not a multiple of 4096$/],
    ['tlbi va', /^line 1: an address is missing/],
    ['tlbi va here', /^line 1: here is not an address$/],
    ['dma read 0x1020', /^line 1: 0x1020 is not a multiple of 64$/],
    ['dma read 0x1000000000000', /^line 1: 0x1000000000000 is beyond 48 bits$/],
    ['unmap 0x1000 0x2000', /^line 1: 0x2000: unexpected text after the address$/],
    ['dma', /^line 1: "dma" is none of /],
    ['sync now', /^line 1: "sync now" is none of /],
    ['constructor', /^line 1: "constructor" is none of /],
    ['__proto__', /^line 1: "__proto__" is none of /],
    ['# nothing', /^there is no line to run$/],
    ['sync\n'.repeat(MOST_LINES + 1), /^there are more than 40 lines$/],
    ['s'.repeat(MOST_LINES_TEXT + 1), /^the lines have more than 2000 characters$/],
  ])('%j cost one message', (text, message) => {
    const { program, problems } = parseLines(text);
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(program).toBe('');
  });

  it('that are wrong are named each', () => {
    expect(parseLines('jump\nsync\nmap 1').problems.map((line) => line.slice(0, 7))).toEqual([
      'line 1:',
      'line 3:',
    ]);
  });

  it('that are wrong are named as far as a page can show them', () => {
    const { problems } = parseLines('jump\n'.repeat(300));
    expect(problems).toHaveLength(11);
    expect(problems.at(-1)).toBe('290 more are wrong');
    const word = 'x'.repeat(1900);
    for (const line of ['', 'map ', 'dma read ', 'map 0x1000 page ', 'unmap 0x1000 ']) {
      const [problem = ''] = parseLines(line + word).problems;
      expect(problem).toContain('\u2026');
      expect(problem.replace(/ is none of .*/, '').length).toBeLessThan(100);
    }
  });

  it('of every form that the page names are read', () => {
    for (const [form] of LINE_FORMS) {
      const line = form.replace('IOVA', '0x1000').replace(' N', ' 1').replace(/[[\]]/g, '');
      expect(parseLines(line).problems, line).toEqual([]);
    }
  });

  it('of any text are a program or problems, and never both', () => {
    const words = fc.constantFrom(
      'map',
      'dma',
      'read',
      'tlbi',
      'va',
      'page',
      '0x1000',
      '3',
      ';',
      '\n',
      '#',
      'sync',
    );
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.array(words, { maxLength: 20 }).map((all) => all.join(' ')),
    );
    fc.assert(
      fc.property(text, (lines) => {
        const { program, problems } = parseLines(lines);
        expect(problems.length > 0).toBe(program === '');
        expect(program).toMatch(/^([a-z][0-9a-f]*(\.\d)?(,|$))*$/);
        for (const problem of problems) expect(problem).not.toContain('\n');
      }),
    );
  });
});
