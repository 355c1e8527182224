// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { hashWords } from '../../../vmm/inspect/index.ts';

const wordsOf = (length: number) => Uint32Array.from({ length }, (_, i) => 0x9e3779b9 * (i + 1));

it('a hash of words changes with each bit of each word, their order and their number', () => {
  for (let length = 1; length <= 13; length++) {
    const words = wordsOf(length);
    const hash = hashWords(words);
    const others = [hashWords(words.subarray(1)), hashWords(wordsOf(length + 1))];
    for (let i = 0; i < length; i++)
      for (let bit = 0; bit < 32; bit++) {
        const changed = words.slice();
        changed[i] = (words[i] ?? 0) ^ (1 << bit);
        others.push(hashWords(changed));
      }
    for (let i = 1; i < length; i++) {
      const swapped = words.slice();
      [swapped[i - 1], swapped[i]] = [words[i] ?? 0, words[i - 1] ?? 0];
      others.push(hashWords(swapped));
    }
    expect(others, `${length} words`).not.toContain(hash);
  }
});

it('a hash of words continues from a seed, and is the same for signed words', () => {
  const words = wordsOf(9);
  expect(hashWords(words, 1)).not.toBe(hashWords(words, 2));
  expect(hashWords(new Int32Array(words.buffer))).toBe(hashWords(words));
  expect(hashWords(words.subarray(0, 0), 7)).not.toBe(hashWords(words.subarray(0, 0), 8));
});
