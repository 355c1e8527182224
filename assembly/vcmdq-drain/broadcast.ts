// SPDX-License-Identifier: MIT
// Broadcast TLB maintenance: the TLBI of a processor, as the SMMUs that take part receive
// it (IDR0.BTM, CR2.PTM = 0; IHI 0070 section 3.17), and the DSB that follows. The VMID
// is the one that the host has assigned to the vCPU; the guest cannot choose it.

import { WINDOW } from '../imports/unit';
import { ABI_TLBI_ASID, ABI_TLBI_VA, ABI_TLBI_VAA } from '../layout/guest-abi';
import {
  HOST_AT_SMMU_COUNT,
  HOST_AT_VCPU_VMIDS,
  HOST_SMMUS,
  SMMU_STRIDE,
} from '../layout/host-memory';
import {
  TLB_ASET,
  TLB_ASID_PERM,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_VALID,
  TLB_META_VMID,
  TLB_SETS,
  TLB_WAYS,
} from '../layout/iotlb-memory';
import { TLBI_OF_ASID, TLBI_OF_VA } from '../layout/shadow-memory';
import { SMMU_AT_CR2, SMMU_AT_IDR0 } from '../layout/smmu-memory';
import { CR2_PTM, IDR0_BTM } from '../layout/smmu-registers';
import { bits, maskOf, placed } from '../lib/fields';
import { killVmid, touch, vmidBlock } from '../smmu-core/generations';
import { beginSync, noneInFlight, syncPassed } from '../smmu-core/in-flight';
import { ANY_ASID, canonical, invalidateVa } from '../smmu-core/invalidate';
import { ofLeafIn, tlbEntry, tlbSequence } from '../smmu-core/iotlb';
import { tlbiDone } from '../smmu-core/judged';
import { markKilled } from '../smmu-core/set-lock';

// Removes the entries whose ASID is shared with processors (CD.ASET = 0): all entries of
// the ASID, or those of one address. Raising the generation of the ASID would also remove
// the entries that are not shared, so every set is visited.
function killShared(smmu: usize, vmid: u32, asid: u32, everyAddress: bool, address: u64): void {
  const tag = placed(vmid, TLB_META_VMID) | maskOf(TLB_META_VALID);
  const tagMask = maskOf(TLB_META_VMID) | maskOf(TLB_META_S2) | maskOf(TLB_META_VALID);
  for (let set: u32 = 0; set < <u32>TLB_SETS; set++) {
    markKilled(tlbSequence(smmu, set));
    for (let way: u32 = 0; way < <u32>TLB_WAYS; way++) {
      const entry = tlbEntry(smmu, set, way);
      const meta = atomic.load<u32>(entry, TLB_META);
      if ((meta & tagMask) != tag) continue;
      const asidPerm = load<u32>(entry, TLB_ASID_PERM);
      if (asidPerm & TLB_ASET) continue;
      const global = bits(meta, TLB_META_GLOBAL) != 0;
      if (everyAddress ? global : !ofLeafIn(entry, meta, address, address)) continue;
      if (!global && (asidPerm & 0xffff) != asid) continue;
      atomic.store<u32>(entry, 0, TLB_META);
    }
  }
}

function invalidate(smmu: usize, vmid: u32, operation: u32, asid: u32, va: u64): void {
  const block = vmidBlock(smmu, vmid);
  const generation = touch(block);
  if (operation == ABI_TLBI_VAA) invalidateVa(smmu, vmid, ANY_ASID, 0, va & ~(<u64>0xfff));
  else if (operation == ABI_TLBI_ASID) {
    killShared(smmu, vmid, asid, true, 0);
    tlbiDone(smmu, TLBI_OF_ASID, vmid, asid, 0, 0);
  } else if (operation == ABI_TLBI_VA) {
    killShared(smmu, vmid, asid, false, canonical(va));
    tlbiDone(smmu, TLBI_OF_VA, vmid, asid, 0, va & ~(<u64>0xfff));
  } else killVmid(block, generation);
}

export function tlbi(operation: u32, asid: u32, va: u64): void {
  if (WINDOW == 0) return;
  const vmid = atomic.load<u32>(WINDOW << 2, HOST_AT_VCPU_VMIDS);
  if (vmid == 0) return;
  const smmus = load<u32>(0, HOST_AT_SMMU_COUNT);
  for (let i: u32 = 0; i < smmus; i++) {
    const smmu: usize = HOST_SMMUS + i * SMMU_STRIDE;
    if (
      !bits(atomic.load<u32>(smmu, SMMU_AT_IDR0), IDR0_BTM) ||
      bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_PTM)
    )
      continue;
    invalidate(smmu, vmid, operation, asid & 0xffff, va);
  }
}

export function dsb(before: u64): u64 {
  if (noneInFlight()) return 0;
  const epoch = before != 0 ? i64(before) : beginSync();
  return syncPassed(epoch) ? 0 : u64(epoch);
}
