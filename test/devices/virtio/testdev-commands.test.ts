// SPDX-License-Identifier: MIT
// Commands of tests on a console: a number and a letter, of which only one is known.

import { describe, expect, it } from 'vitest';
import { testdevCommands } from '../../../devices/virtio/index.ts';

function codesOf(...texts: readonly string[]): number[] {
  const codes: number[] = [];
  const receive = testdevCommands((code) => codes.push(code));
  for (const text of texts) receive(new TextEncoder().encode(text));
  return codes;
}

describe('commands of a test device', () => {
  it.each([
    ['0q', [0]],
    ['127q', [127]],
    ['q', [0]],
    [' \n38 \t q', [38]],
    ['5', []],
    ['12x3q', [3]],
    // A number ends at a space: the second one is an unknown letter.
    ['1 2 q', [0]],
    ['99999999999q', [0x7fffffff]],
    ['Q', []],
  ])('%j', (text, codes) => {
    expect(codesOf(text)).toEqual(codes);
    // Split anywhere.
    expect(codesOf(...text)).toEqual(codes);
  });

  it('result in one end for each piece of output, regardless of their number', () => {
    expect(codesOf(`3${'q'.repeat(0x1000)}`)).toEqual([3]);
    // A number after it does not apply to the next piece.
    expect(codesOf('1q2', 'q')).toEqual([1, 0]);
  });

  it('do not continue over a reset', () => {
    const codes: number[] = [];
    const receive = testdevCommands((code) => codes.push(code));
    const write = (text: string) => receive(new TextEncoder().encode(text));
    write('12 ');
    receive.reset();
    write('3q');
    write('4');
    receive.reset();
    write('q');
    expect(codes).toEqual([3, 0]);
  });
});
