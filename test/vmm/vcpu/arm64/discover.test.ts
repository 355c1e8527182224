// SPDX-License-Identifier: MIT
// Which instructions the translator includes in a region.

import { expect, it } from 'vitest';
import { discover } from '../../../../vmm/vcpu/arm64/translator/discover.ts';

const NOP = 0xd503201f;
const RET = 0xd65f03c0;
const BLR_X1 = 0xd63f0020;
const LIMITS = { most: 64, grow: 64 };

/**
 * The starts of the blocks from place 0 on, in order; `targets`: the targets of branches
 * so far.
 */
const startsOf = (
  words: Readonly<Record<number, number>>,
  targets: Readonly<Record<number, number>> = {},
) => {
  const source = {
    wordAt: (place: number) => words[place],
    targetOf: (place: number) => targets[place],
  };
  const { blocks, instructions } = discover(source, [0], LIMITS);
  return [[...blocks.keys()], instructions];
};

it.each([
  ['B', 0x14000002, [0, 2], 2],
  ['B.AL', 0x5400004e, [0, 2], 2],
  // A64 has no condition that is never true: NV is another AL.
  ['B.NV', 0x5400004f, [0, 2], 2],
  ['B.LE', 0x5400004d, [0, 1, 2], 3],
  ['CBZ', 0xb4000040, [0, 1, 2], 3],
])(
  'a region has the code after a %s only where that may fall through',
  (_, branch, starts, count) => {
    expect(startsOf([branch, NOP, RET])).toEqual([starts, count]);
  },
);

it('a region ends at a BLR until it is known which function that calls', () => {
  const words = { 0: BLR_X1, 1: RET, 40: NOP, 41: RET };
  expect(startsOf(words)).toEqual([[0, 1], 2]);
  expect(startsOf(words, { 0: 40 })).toEqual([[0, 1, 40], 4]);
});

it('a region continues at the earlier target of its RET', () => {
  const words = { 0: NOP, 1: RET, 50: NOP, 51: RET };
  expect(startsOf(words)).toEqual([[0], 2]);
  expect(startsOf(words, { 1: 50 })).toEqual([[0, 50], 4]);
});

it('a target without executed code is not included', () => {
  expect(startsOf({ 0: BLR_X1, 1: RET }, { 0: 40 })).toEqual([[0, 1], 2]);
});
