// SPDX-License-Identifier: MIT
// Which instructions the translator takes for a region.

import { expect, it } from 'vitest';
import { discover } from '../../../../vmm/vcpu/arm64/translator/discover.ts';

const NOP = 0xd503201f;
const RET = 0xd65f03c0;
const LIMITS = { most: 64, grow: 64 };

it.each([
  ['B', 0x14000002, [0, 2], 2],
  ['B.AL', 0x5400004e, [0, 2], 2],
  // A64 has no condition that never holds: NV is another AL.
  ['B.NV', 0x5400004f, [0, 2], 2],
  ['B.LE', 0x5400004d, [0, 1, 2], 3],
  ['CBZ', 0xb4000040, [0, 1, 2], 3],
])(
  'a region has what is behind a %s only where that may fall through',
  (_, branch, starts, count) => {
    const words = [branch, NOP, RET];
    const { blocks, instructions } = discover({ wordAt: (place) => words[place] }, [0], LIMITS);
    expect([[...blocks.keys()], instructions]).toEqual([starts, count]);
  },
);
