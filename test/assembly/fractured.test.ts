// SPDX-License-Identifier: MIT
// Entries that are smaller than their stage-1 leaf, because stage 2 uses smaller pages: a
// TLBI by address removes the whole leaf, and nothing else (IHI 0070 section 4.4, DDI
// 0487 section D8.16).

import { describe, expect, it } from 'vitest';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { THREAD_TLB_MISSES } from '../../assembly/layout/thread-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import {
  contextDescriptor,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  S2_READ_WRITE,
  storeStructure,
} from '../../devices/tables/index.ts';
import { prepare } from '../reference/judge.ts';
import { harness, IDR5, RAM_GPA, WINDOW } from '../support/unit-harness.ts';

const SID = 5;
const VMID = 7;
const ASID = 1;
const PA = WINDOW * 2 ** 32;
const RAM = RAM_GPA + 0x100000;
const RAM_SIZE = 0x700000;
const CD = RAM + 0x90000;
const STAGE1_TABLES = RAM + 0xa0000;
const STAGE2_TABLES = 0x80000;
/** ipa of the mapped data, a multiple of 2 MiB. */
const DATA = RAM_GPA + 0x400000;
const IOVA = 0x4000_0000;
const ELSEWHERE = 0x4400_0000;
const MIB2 = 0x200000;
const ALL_GRANULES = 0x70;

/** A nested stream whose stage 2 has only pages of 4 KiB. */
async function nestedStream(granule: Granule) {
  const h = await harness();
  prepare(h);
  h.set(SMMU_AT_IDR5, IDR5 | ALL_GRANULES);
  const host = h.hostTables(STAGE2_TABLES);
  const guest = h.guestTables(STAGE1_TABLES);
  const stage2 = new PageTable(host, { stage: 2, inputBits: 40 });
  stage2.map(RAM, PA + RAM, RAM_SIZE, S2_READ_WRITE, { blocks: false });
  const stage1 = new PageTable(guest, { stage: 1, granule, inputBits: 39 });
  const lower = { ttb: stage1.root, inputBits: 39, granule };
  storeStructure(guest, CD, contextDescriptor({ asid: ASID, lower }));
  const ste = nestedSte({ contextPtr: CD }, { vmid: VMID, ttb: stage2.root, inputBits: 40 });
  h.ste(SID, [...new BigUint64Array(ste.buffer)]);
  h.vcmdq(0, 1, { vmid: VMID });
  let slot = 0;
  return {
    h,
    stage1,
    /** The number of these iovas that were not cached. */
    misses(iovas: readonly number[]): number {
      const before = h.unit.threadBlock.count(THREAD_TLB_MISSES);
      for (const iova of iovas) expect(h.translate(SID, BigInt(iova)).status).toBe(TRANSLATE_OK);
      return h.unit.threadBlock.count(THREAD_TLB_MISSES) - before;
    },
    /** TLBI_NH_VA on the VCMDQ. */
    invalidate(iova: number): void {
      h.put(slot, (BigInt(ASID) << 48n) | 0x12n, BigInt(iova) | 1n);
      slot = (slot + 1) % 16;
      h.store(1, 4, slot);
    },
  };
}

const LEAVES: readonly (readonly [string, Granule, number])[] = [
  ['a page of 16 KiB', GRANULE_16K, 0x4000],
  ['a page of 64 KiB', GRANULE_64K, 0x10000],
  ['a block of 2 MiB', GRANULE_4K, MIB2],
];

describe.each(LEAVES)('entries of 4 KiB of %s', (_, granule, size) => {
  /**
   * The first, the last and one in the middle; then those of adjacent leaves, and far
   * ones.
   */
  const own = [IOVA, IOVA + size / 2, IOVA + size - 0x1000];
  const others = [IOVA - 0x1000, IOVA + size, ELSEWHERE];

  async function mapped() {
    const stream = await nestedStream(granule);
    const { stage1, misses } = stream;
    stage1.map(IOVA, DATA, size, S1_READ_WRITE);
    const page = Math.min(size, 0x10000);
    for (const iova of [IOVA - page, IOVA + size, ELSEWHERE])
      stage1.map(iova, DATA + MIB2 - page, page, S1_READ_WRITE);
    expect([misses([...own, ...others]), misses([...own, ...others])]).toEqual([6, 0]);
    return stream;
  }

  it('go together, whichever address of the leaf a TLBI has', async () => {
    for (const offset of [0, 0x1000, size / 2, size - 1]) {
      const { invalidate, misses } = await mapped();
      invalidate(IOVA + (offset & ~0xfff));
      expect([misses(others), misses(own)]).toEqual([0, 3]);
    }
  });

  it('stay when a TLBI has an address next to the leaf', async () => {
    const { invalidate, misses } = await mapped();
    for (const iova of [IOVA - 0x1000, IOVA + size]) invalidate(iova);
    expect([misses(own), misses([ELSEWHERE])]).toEqual([0, 0]);
  });

  it('are found when the leaf is unmapped and the TLBI has a wrong address', async () => {
    const { h, stage1, invalidate } = await mapped();
    stage1.unmap(IOVA, size);
    invalidate(IOVA + 16 * size);
    expect(h.translate(SID, BigInt(own[1] ?? 0)).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual([expect.stringContaining('TLBI_NH_VA')]);
  });
});
