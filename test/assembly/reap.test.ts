// SPDX-License-Identifier: MIT
// The state of a thread that died in the middle of a cache insert, and how `reapThread`
// cleans it up.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  CFG_ENTRY_SIZE,
  CFG_SET_STRIDE,
  CFG_VALID,
  CFG_WAYS,
  SMMU_AT_CFG_ENTRIES,
  SMMU_AT_CFG_SETS,
} from '../../assembly/layout/config-cache-memory.ts';
import { SMMU_AT_TLB_SEQ, TLB_SET_STRIDE, TLB_SETS } from '../../assembly/layout/iotlb-memory.ts';
import { SEQ_BUSY, SEQ_KILLED } from '../../assembly/layout/set-sequence.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

const SID = 5;
const CD = 0x80200000;
const TABLE = 0x80201000;
const IOVA = 0x40_1000n;
const OTHER_THREAD = 9;

let h: Harness;
beforeEach(async () => {
  h = await harness();
  // Stage 1 only, VMID 7, 25 bits of VA: the table at TABLE + 0x1000 is level 2, the one
  // at TABLE level 3.
  h.ste(SID, [0x1_8020_000bn, 0xd6n, 7n]);
  h.guestRam64(CD, (0x0001_6205_c000_3510n & ~0x3fn) | 39n | (1n << 45n));
  h.guestRam64(CD + 8, 0x1_8020_2000n);
  h.guestRam64(TABLE + 0x1000 + 2 * 8, 0x1_8020_1000n | 3n);
  h.guestRam64(TABLE + 8, 0x1_8030_0f47n);
});

/**
 * Makes every locked set look as if `thread` had died right after the store that made its
 * entry valid.
 */
function leaveTaken(thread: number, killed: boolean): void {
  const word = SEQ_BUSY | (killed ? SEQ_KILLED : 0) | (thread << 2);
  for (let set = 0; set < TLB_SETS; set++) h.set(SMMU_AT_TLB_SEQ + set * TLB_SET_STRIDE, word);
  h.set(SMMU_AT_CFG_SETS + SID * CFG_SET_STRIDE, word);
}
const cachedConfigs = () =>
  Array.from({ length: CFG_WAYS }, (_, way) =>
    h.get(SMMU_AT_CFG_ENTRIES + (SID * CFG_WAYS + way) * CFG_ENTRY_SIZE + CFG_VALID),
  ).filter(Boolean).length;

describe('a thread that died between an entry and its kill', () => {
  it('leaves no entry that a lookup uses once it is reaped', () => {
    h.translate(SID, IOVA);
    expect([h.tlbEntries(7), cachedConfigs()]).toEqual([1, 1]);
    leaveTaken(OTHER_THREAD, true);
    h.guestRam64(TABLE + 8, 0n);
    h.unit.drain.reapThread(h.smmu, OTHER_THREAD);
    expect([h.tlbEntries(7), cachedConfigs()]).toEqual([0, 0]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    // There was no TLBI: another SMMU may still have the page.
    expect(h.missing()).toHaveLength(1);
  });

  it('is not reaped for another', () => {
    h.translate(SID, IOVA);
    leaveTaken(OTHER_THREAD, true);
    h.unit.drain.reapThread(h.smmu, OTHER_THREAD - 1);
    expect([h.tlbEntries(7), cachedConfigs()]).toEqual([1, 1]);
    h.guestRam64(TABLE + 8, 0n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    // There was no TLBI: another SMMU may still have the page.
    expect(h.missing()).toHaveLength(1);
  });

  it('and continues: it takes over its own sets and caches in them again', () => {
    h.translate(SID, IOVA);
    leaveTaken(h.unit.thread, false);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    expect([h.tlbEntries(7), cachedConfigs()]).toEqual([0, 0]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    expect([h.tlbEntries(7), cachedConfigs()]).toEqual([1, 1]);
  });
});
