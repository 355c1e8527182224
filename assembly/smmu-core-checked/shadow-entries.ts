// SPDX-License-Identifier: MIT
// The shadow of the IOTLB: leaves and tables that the architecture lets an SMMU cache,
// regardless of what this model caches. The generations of VMIDs and ASIDs remove them,
// and `judgeTlbi` for a TLBI by address. Of stage 2 under stage 1 only those for the
// access's own IPA are included.

import { THREAD } from '../imports/unit';
import { CD_ENDI, CD_IPS, CD_T0SZ, CD_T1SZ, CD_TG0, CD_TG1 } from '../layout/cd';
import {
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_STAGE1,
  CFG_TTB0,
  CFG_TTB1,
  CFG_VMID,
} from '../layout/config-cache-memory';
import { PTE_TYPE, PTE_TYPE_TABLE } from '../layout/descriptors';
import {
  TLB_ALL_GEN,
  TLB_ASID_PERM,
  TLB_GEN,
  TLB_LEAF,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_SIZE,
  TLB_PA,
  TLB_PAGE,
  TLB_WAYS,
} from '../layout/iotlb-memory';
import { SEQ_BUSY } from '../layout/set-sequence';
import { STE_CONFIG_NESTED, STE_CONFIG_S2 } from '../layout/ste';
import { THREAD_CFG, THREAD_IOVA } from '../layout/thread-memory';
import { bits, maskOf, placed } from '../lib/fields';
import {
  addressOf,
  effectiveBits,
  granuleOfTg0,
  granuleOfTg1,
  levelShift,
  stage1StartLevel,
  tableBase,
} from '../smmu-core/geometry';
import { canonical } from '../smmu-core/invalidate';
import { metaOf, tlbSequence } from '../smmu-core/iotlb';
import { S1_NEW, S1_OUT, S1_SLOT } from '../smmu-core/walk-stage1';
import { S2_OUT, S2_PERM, S2_SIZE } from '../smmu-core/walk-stage2';
import { descriptorAt } from './descriptor-at';
import { entryInUse, tlbIndex } from './origins';
import { keep } from './shadow-slots';
import { keepStage2 } from './shadow-stage2';

// The granule of stage 1.
function granuleInUse(upper: u64): u32 {
  const cd0 = load<u32>(THREAD + THREAD_CFG, CFG_CD0);
  return upper ? granuleOfTg1(bits(cd0, CD_TG1)) : granuleOfTg0(bits(cd0, CD_TG0));
}

// Adds the stage-1 tables above the leaf to the shadow.
function keepTables(
  smmu: usize,
  asidPerm: u32,
  generation: i64,
  allGeneration: i64,
  meta: u32,
  granule: u32,
  leafLevel: i32,
): void {
  const cfg = THREAD + THREAD_CFG;
  const address = canonical(load<u64>(THREAD, THREAD_IOVA));
  const upper = (address >> 55) & 1;
  const cd0 = load<u32>(cfg, CFG_CD0);
  const inputBits: u32 = <u32>64 - bits(cd0, upper ? CD_T1SZ : CD_T0SZ);
  const lpa2 = granule != 16 && (load<u32>(cfg, CFG_DS) & CFG_DS_STAGE1) != 0;
  const outputBits = effectiveBits(smmu, bits(load<u32>(cfg, CFG_CD1), CD_IPS), granule, lpa2);
  const nested = load<u32>(cfg, CFG_CONFIG) == STE_CONFIG_NESTED;
  const big = bits(cd0, CD_ENDI) != 0;
  const tags = meta & ~(maskOf(TLB_META_SIZE) | maskOf(TLB_META_GLOBAL));
  let level = stage1StartLevel(granule, inputBits);
  const firstBits = inputBits - levelShift(granule, level);
  let indexMask = u64(-1) >> (<u64>64 - u64(firstBits));
  const ttb = upper ? load<u64>(cfg, CFG_TTB1) : load<u64>(cfg, CFG_TTB0);
  let table = tableBase(ttb, firstBits + 3, outputBits);
  for (; level < leafLevel; level++) {
    const shift = levelShift(granule, level);
    const slot = table + (((address >> u64(shift)) & indexMask) << 3);
    const descriptor = descriptorAt(smmu, slot, nested, big);
    if (bits(u32(descriptor), PTE_TYPE) != PTE_TYPE_TABLE) return;
    const page = address >> u64(shift);
    const own = tags | placed(shift, TLB_META_SIZE);
    keep(
      smmu,
      asidPerm,
      generation,
      allGeneration,
      own,
      page,
      0,
      shift,
      granule,
      level,
      slot,
      descriptor,
      true,
    );
    table = addressOf(smmu, descriptor, granule, granule, lpa2);
    indexMask = (u64(1) << u64(granule - 3)) - 1;
  }
}

/**
 * Adds the leaf, and the tables above it, of both stages to the shadow after an insert
 * into the IOTLB. Reads the access and THREAD_CFG; destroys THREAD_EVENT and the set of
 * table addresses.
 */
export function keepTranslation(smmu: usize): void {
  const entry = entryInUse(smmu);
  if (entry == 0) return;
  // Another thread may replace the entry while it is read here: it is then left out.
  const sequence = tlbSequence(smmu, tlbIndex(smmu, entry) / TLB_WAYS);
  const before = atomic.load<u32>(sequence);
  if ((before & SEQ_BUSY) != 0 || entryInUse(smmu) != entry) return;
  const meta = atomic.load<u32>(entry, TLB_META);
  const leaf = atomic.load<u32>(entry, TLB_LEAF);
  const page = atomic.load<u64>(entry, TLB_PAGE);
  const pa = atomic.load<u64>(entry, TLB_PA);
  const asidPerm = atomic.load<u32>(entry, TLB_ASID_PERM);
  const generation = atomic.load<i64>(entry, TLB_GEN);
  const allGeneration = atomic.load<i64>(entry, TLB_ALL_GEN);
  if (meta == 0 || atomic.load<u32>(sequence) != before) return;
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  if (config == STE_CONFIG_S2) {
    const input = load<u64>(THREAD, THREAD_IOVA);
    keepStage2(smmu, input, asidPerm, generation, allGeneration, meta, page, pa);
    return;
  }
  const granule = granuleInUse((load<u64>(THREAD, THREAD_IOVA) >> 55) & 1);
  const level = 3 - i32((leaf - granule) / (granule - 3));
  const slot = load<u64>(THREAD, S1_SLOT);
  const descriptor = load<u64>(THREAD, S1_NEW);
  // Read before the tables. Reading them preserves slot, descriptor and IPA.
  const ipa = load<u64>(THREAD, S1_OUT);
  keep(
    smmu,
    asidPerm,
    generation,
    allGeneration,
    meta,
    page,
    pa,
    leaf,
    granule,
    level,
    slot,
    descriptor,
    false,
  );
  keepTables(smmu, asidPerm, generation, allGeneration, meta, granule, level);
  if (config != STE_CONFIG_NESTED) return;
  // Stage 2 by itself, as an SMMU with one TLB per stage caches it (IHI 0070 section
  // 16.2).
  const size = load<u32>(THREAD, S2_SIZE);
  const block = ipa >> u64(size);
  const of2 = metaOf(load<u32>(THREAD + THREAD_CFG, CFG_VMID), size, true);
  const output = (load<u64>(THREAD, S2_OUT) >> u64(size)) << u64(size);
  keepStage2(smmu, ipa, load<u32>(THREAD, S2_PERM), generation, allGeneration, of2, block, output);
}
