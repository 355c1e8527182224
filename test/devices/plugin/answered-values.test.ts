// SPDX-License-Identifier: MIT
// Possible return values of a user's functions.

import { describe, expect, it } from 'vitest';
import { AnswerError, answeredAddress } from '../../../devices/plugin/answers.ts';

describe('an address that a function returns', () => {
  it.each([[0], [0x8000_0000], [2 ** 53 - 1], [undefined]])('may be %s', (value) => {
    expect(answeredAddress(value, 'offsetOf')).toBe(value);
  });

  it.each([[-1], [-0x1000], [0.5], [2 ** 53], [Number.NaN], ['5'], [5n], [null]])(
    'is not %s',
    (value) => {
      expect(() => answeredAddress(value, 'offsetOf')).toThrow(AnswerError);
    },
  );
});
