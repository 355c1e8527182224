// SPDX-License-Identifier: MIT
// A command context, as selected by its owner's doorbells.

import { describe, expect, it } from 'vitest';
import { ContextBlock, createHostMemory } from '../../../devices/unit/index.ts';

describe('the number of a doorbell', () => {
  const hostMemory = createHostMemory({ smmus: 3, ramSize: 0x10000 });

  it.each([
    [0, 0, 0, 0x0000_0000],
    [0, 1, 0, 0x0000_0001],
    [1, 63, 0, 0x0000_013f],
    [2, 66, 3, 0x0003_0242],
    [0, 127, 0xffff, 0xffff_007f],
  ])('of SMMU %i, context %i and slot %i has each in its place', (smmu, context, slot, id) => {
    expect(new ContextBlock(hostMemory, smmu, context).doorbellId(slot)).toBe(id);
  });
});
