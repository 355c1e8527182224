// SPDX-License-Identifier: MIT
// Stage 2 in the shadow of the IOTLB.

import { THREAD } from '../imports/unit';
import {
  CFG_DS,
  CFG_DS_S2SL0_2,
  CFG_DS_STAGE2,
  CFG_S2TTB,
  CFG_STE5,
} from '../layout/config-cache-memory';
import { PTE_TYPE, PTE_TYPE_TABLE, PTE_VALID } from '../layout/descriptors';
import { TLB_META_SIZE } from '../layout/iotlb-memory';
import { STE_S2ENDI, STE_S2PS, STE_S2SL0, STE_S2T0SZ, STE_S2TG } from '../layout/ste';
import { THREAD_CFG } from '../layout/thread-memory';
import { bits, maskOf, placed } from '../lib/fields';
import {
  addressOf,
  effectiveBits,
  granuleOfTg0,
  levelShift,
  stage2StartLevel,
  tableBase,
} from '../smmu-core/geometry';
import { descriptorAt } from './descriptor-at';
import { keep } from './shadow-slots';

/**
 * Adds the stage-2 leaf for an address, and the tables above it, by repeating the walk of
 * walk-stage2.ts. Destroys THREAD_EVENT.
 * @param asidPerm TLB_PERM_* of the leaf.
 * @param meta TLB_META of the leaf.
 */
export function keepStage2(
  smmu: usize,
  ipa: u64,
  asidPerm: u32,
  generation: i64,
  allGeneration: i64,
  meta: u32,
  page: u64,
  pa: u64,
): void {
  const cfg = THREAD + THREAD_CFG;
  const ste5 = load<u32>(cfg, CFG_STE5);
  const inputBits: u32 = <u32>64 - bits(ste5, STE_S2T0SZ);
  const granule = granuleOfTg0(bits(ste5, STE_S2TG));
  const ds = load<u32>(cfg, CFG_DS);
  const lpa2 = granule != 16 && (ds & CFG_DS_STAGE2) != 0;
  const outputBits = effectiveBits(smmu, bits(ste5, STE_S2PS), granule, lpa2);
  const big = bits(ste5, STE_S2ENDI) != 0;
  const tags = meta & ~maskOf(TLB_META_SIZE);
  let level = stage2StartLevel(granule, bits(ste5, STE_S2SL0) | (ds & CFG_DS_S2SL0_2), lpa2);
  const firstBits = inputBits - levelShift(granule, level);
  let indexMask = u64(-1) >> (<u64>64 - u64(firstBits));
  let table = tableBase(load<u64>(cfg, CFG_S2TTB), firstBits + 3, outputBits);
  for (; level <= 3; level++) {
    const shift = levelShift(granule, level);
    const slot = table + (((ipa >> u64(shift)) & indexMask) << 3);
    const descriptor = descriptorAt(smmu, slot, false, big);
    const isTable = level < 3 && bits(u32(descriptor), PTE_TYPE) == PTE_TYPE_TABLE;
    // The entry is not of this leaf: the tables have changed in the meantime.
    if (!isTable && (bits(meta, TLB_META_SIZE) != shift || !bits(u32(descriptor), PTE_VALID)))
      return;
    keep(
      smmu,
      asidPerm & 0xffff0000,
      generation,
      allGeneration,
      isTable ? tags | placed(shift, TLB_META_SIZE) : meta,
      isTable ? ipa >> u64(shift) : page,
      isTable ? 0 : pa,
      shift,
      granule,
      level,
      slot,
      descriptor,
      isTable,
    );
    if (!isTable) return;
    table = addressOf(smmu, descriptor, granule, granule, lpa2);
    indexMask = (u64(1) << u64(granule - 3)) - 1;
  }
}
