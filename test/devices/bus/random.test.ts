// SPDX-License-Identifier: MIT
// The generator of random numbers refuses a choice from nothing.

import { describe, expect, it } from 'vitest';
import { Random } from '../../../devices/testing/index.ts';

describe('a choice of a random item', () => {
  it.each([['abc'], [{ length: 1, 0: 'a' }], [undefined]])(
    'is not from %j, which is no list',
    (items) => {
      expect(() => new Random(1).pick(items as never)).toThrow(
        expect.objectContaining({
          name: 'TypeError',
          message: expect.stringMatching(/^Random\.pick: items must be a list, not /),
        }),
      );
    },
  );

  it('is not from an empty list', () => {
    expect(() => new Random(1).pick([])).toThrow(RangeError);
  });
});
