// SPDX-License-Identifier: MIT
// The random bytes of a machine with a seed.

import { Random } from '../../devices/bus/index.ts';

/**
 * Fills arrays with bytes from a seeded generator, four per number: a guest requests up
 * to 64 KiB at once.
 */
export function seededRandom(seed: number): (target: Uint8Array) => void {
  const random = new Random(seed);
  return (target) => {
    const words = new Uint32Array(Math.ceil(target.length / Uint32Array.BYTES_PER_ELEMENT));
    for (let i = 0; i < words.length; i++) words[i] = random.word();
    target.set(new Uint8Array(words.buffer, 0, target.length));
  };
}
