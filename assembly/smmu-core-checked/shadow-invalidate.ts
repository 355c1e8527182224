// SPDX-License-Identifier: MIT
// What a TLBI by address removes for certain: leaves of the level that TTL names, tables only with
// Leaf = 0 (IHI 0070 section 4.4.1). The rest of its range an SMMU may keep. TG is not judged.

import { TLBI_LEAF } from '../layout/commands';
import {
  TLB_ASID_PERM,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_VALID,
  TLB_META_VMID,
} from '../layout/iotlb-memory';
import {
  SHADOW_ENTRIES,
  SHADOW_IS_TABLE,
  SHADOW_LEVEL,
  TLBI_OF_ASID,
  TLBI_OF_IPA,
} from '../layout/shadow-memory';
import { bits, maskOf, placed } from '../lib/fields';
import { ANY_ASID, canonical, firstOf, spanOf, ttlOf } from '../smmu-core/invalidate';
import { ofLeafIn } from '../smmu-core/iotlb';
import { shadowEntry } from './shadow-entries';

/** As imports/core.ts has it; after the command's raise of the VMID's generation. */
export function judgeTlbi(smmu: usize, kind: u32, vmid: u32, asid: u32, d0: u64, d1: u64): void {
  const all = kind == TLBI_OF_ASID;
  const stage2 = kind == TLBI_OF_IPA;
  const tag =
    placed(vmid, TLB_META_VMID) | placed(u32(stage2), TLB_META_S2) | maskOf(TLB_META_VALID);
  const tagMask = maskOf(TLB_META_VMID) | maskOf(TLB_META_S2) | maskOf(TLB_META_VALID);
  const first = stage2 ? firstOf(d1) & 0x000fffffffffffff : canonical(firstOf(d1));
  const more = spanOf(smmu, d0, d1) - 1;
  const last = first + more < first ? u64(-1) : first + more;
  const ttl = all ? 0 : ttlOf(smmu, d1);
  const leafOnly = !all && bits(u32(d1), TLBI_LEAF) != 0;
  for (let index: u32 = 0; index < <u32>SHADOW_ENTRIES; index++) {
    const entry = shadowEntry(smmu, index);
    const meta = atomic.load<u32>(entry, TLB_META);
    if ((meta & tagMask) != tag) continue;
    const isTable = atomic.load<u32>(entry, SHADOW_IS_TABLE) != 0;
    if (isTable ? leafOnly : ttl != 0 && atomic.load<i32>(entry, SHADOW_LEVEL) != i32(ttl))
      continue;
    if (!all && !ofLeafIn(entry, meta, first, last)) continue;
    if (
      asid != ANY_ASID &&
      !bits(meta, TLB_META_GLOBAL) &&
      (atomic.load<u32>(entry, TLB_ASID_PERM) & 0xffff) != asid
    )
      continue;
    atomic.store<u32>(entry, 0, TLB_META);
  }
}
