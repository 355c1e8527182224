// SPDX-License-Identifier: MIT
// The limits of a unit's memory: a range that crosses the end of a region of guest
// memory, or of host RAM, is in no memory, even if something else follows in the address
// space or in the memory.

import { describe, expect, it } from 'vitest';
import { SMMU_AT_STRTAB_BASE } from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_ABORT } from '../../assembly/layout/translate-results.ts';
import { harness, RAM_GPA } from '../support/unit-harness.ts';

const SID = 5;
const RAM_SIZE = 0x200000;
/**
 * Two regions that are adjacent as guest-physical addresses, and in the opposite order in
 * memory.
 */
const REGIONS = [
  { gpa: RAM_GPA, offset: 0x180000, size: 0x2000 },
  { gpa: RAM_GPA + 0x2000, offset: 0x100000, size: 0x2000 },
];
const WINDOW = 2 ** 32;

describe('a range of guest memory', () => {
  it.each([
    ['a whole region', 0, 0x2000, 0x180000],
    ['its last word', 0x1ff8, 8, 0x181ff8],
    ['over its end, into the next region', 0x1ff8, 16, undefined],
    ['from there on', 0x2000, 16, 0x100000],
    ['over the end of the last', 0x3ff8, 16, undefined],
    ['after the last', 0x4000, 8, undefined],
    ['before the first', -8, 16, undefined],
  ])('%s', async (_what, from, length, offset) => {
    const { unit } = await harness({ regions: REGIONS });
    expect(unit.resolvePa(WINDOW + RAM_GPA + from, length)?.offset).toBe(offset);
  });
});

describe('a range of host RAM', () => {
  it.each([
    ['its last word', RAM_SIZE - 8, 8, true],
    ['over its end', RAM_SIZE - 8, 16, false],
    ['all of it', 0, RAM_SIZE, true],
    ['after it', RAM_SIZE, 8, false],
  ])('%s', async (_what, pa, length, found) => {
    const h = await harness();
    expect(h.unit.resolvePa(pa, length)?.offset).toBe(found ? h.ramBase + pa : undefined);
  });

  it('the core fetches no STE that is partly outside: F_STE_FETCH', async () => {
    const h = await harness();
    const at = RAM_SIZE - 32;
    // No driver has an unaligned base; the register has no bits for it.
    h.hostBytes.setBigUint64(h.smmu + SMMU_AT_STRTAB_BASE, BigInt(at - SID * 64), true);
    expect(h.translate(SID, 0x1000n).status).toBe(TRANSLATE_ABORT);
    const [record] = h.events();
    expect(Number.parseInt(record?.[0] ?? '', 16) & 0xff).toBe(3);
  });
});
