// SPDX-License-Identifier: MIT
// Translation of a device's access. The IOTLB is the SMMU's: {VMID, ASID} are {host
// DomainID, PASID}, and an entry of "stage 2" is one without a guest's table.

import { THREAD } from '../imports/unit';
import { ACCESS_ATOMIC, ACCESS_ATS_REQUEST, ACCESS_WRITE } from '../layout/access';
import { AMD_AT_ENABLED } from '../layout/amd-block';
import {
  AMD_DTE_DOMAIN,
  AMD_DTE_GIOV,
  AMD_DTE_GLX,
  AMD_DTE_GUEST_DEVICE,
  AMD_DTE_GUEST_PAGING,
  AMD_DTE_GV,
  AMD_DTE_IR,
  AMD_DTE_IW,
  AMD_DTE_MODE,
  AMD_DTE_TV,
  AMD_DTE_V,
  AMD_EVENT_DEVICE,
  AMD_EVENT_GN,
  AMD_EVENT_ILLEGAL_DEV_TABLE_ENTRY,
  AMD_EVENT_IO_PAGE_FAULT,
  AMD_EVENT_PAGE_TAB_HARDWARE_ERROR,
  AMD_EVENT_PASID,
  AMD_EVENT_PE,
  AMD_EVENT_PR,
  AMD_EVENT_RW,
  AMD_PASIDS,
} from '../layout/amd-formats';
import { TLB_PERM_R, TLB_PERM_W } from '../layout/iotlb-memory';
import { SMMU_AT_ALL_GEN } from '../layout/smmu-memory';
import {
  THREAD_FAULTS,
  THREAD_PA,
  THREAD_PA_SIZE,
  THREAD_TLB_HITS,
  THREAD_TLB_MISSES,
} from '../layout/thread-memory';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../layout/translate-results';
import { VMID_ANY_GEN } from '../layout/vmid-memory';
import { count } from '../lib/counters';
import { fieldAt, maskOf, placed } from '../lib/fields';
import { vmidBlock } from '../smmu-core/generations';
import { tlbInsert, tlbLookup } from '../smmu-core/iotlb';
import { dteCopy, dteUnchanged, guestOf, hostRoot, loadDte } from './amd-device-table';
import { logEvent } from './amd-events';
import {
  faultAddress,
  GUEST_DENIED,
  GUEST_FAULT,
  hostWalk,
  nestedWalk,
  PRESENT,
  READ,
  UNREACHABLE,
  WRITE,
  walkedLeaf,
  walkedPa,
  walkedSize,
} from './amd-walk';

/** Five levels of guest tables, and reserved modes. */
const RESERVED_MODE: u32 = 7;

function abort(iommu: usize, guest: u32, code: u32, device: u32, word1: u32, address: u64): u32 {
  count(THREAD_FAULTS);
  logEvent(iommu, guest, code, placed(device, AMD_EVENT_DEVICE), word1, address);
  return TRANSLATE_ABORT;
}

// Logs a page fault for the owner of the tables that caused it, with the DeviceID that
// the owner uses.
function pageFault(
  iommu: usize,
  device: u32,
  ofGuest: bool,
  word1: u32,
  attributes: u32,
  address: u64,
): u32 {
  // A denied translation request is not logged: the device may send a page request.
  if (attributes & ACCESS_ATS_REQUEST) return TRANSLATE_ABORT;
  const dte = dteCopy();
  const guest = ofGuest ? guestOf(dte) : 0;
  const named = guest != 0 ? fieldAt(dte, AMD_DTE_GUEST_DEVICE) : device;
  return abort(
    iommu,
    guest,
    AMD_EVENT_IO_PAGE_FAULT,
    named,
    word1 | (attributes & ACCESS_WRITE ? maskOf(AMD_EVENT_RW) : 0),
    address,
  );
}

function result(pa: u64, size: u32): u32 {
  store<u64>(THREAD, pa, THREAD_PA);
  store<u32>(THREAD, size, THREAD_PA_SIZE);
  return TRANSLATE_OK;
}

/**
 * Fills THREAD_PA and THREAD_PA_SIZE; destroys THREAD_STE and the scratch words of the
 * walk. Types and documentation: assembly/load.ts.
 */
export function translate(
  iommu: usize,
  device: u32,
  pasid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): u32 {
  const iova = (u64(iovaHi) << 32) | u64(iovaLo);
  const write = (attributes & ACCESS_WRITE) != 0;
  // PCIe's AtomicOps are not routed here: an Unsupported Request, which is not logged.
  if (attributes & ACCESS_ATOMIC) return TRANSLATE_ABORT;
  if (!atomic.load<u32>(iommu, AMD_AT_ENABLED)) return result(iova, 12);
  if (!loadDte(iommu, device))
    return abort(iommu, 0, AMD_EVENT_ILLEGAL_DEV_TABLE_ENTRY, device, 0, iova);
  const dte = dteCopy();
  if (!fieldAt(dte, AMD_DTE_V)) return result(iova, 12);
  const domain = fieldAt(dte, AMD_DTE_DOMAIN);
  const mode = fieldAt(dte, AMD_DTE_MODE);
  const gv = fieldAt(dte, AMD_DTE_GV) != 0;
  if (
    mode == RESERVED_MODE ||
    (gv && (fieldAt(dte, AMD_DTE_GLX) | fieldAt(dte, AMD_DTE_GUEST_PAGING)) != 0)
  ) {
    return abort(iommu, 0, AMD_EVENT_ILLEGAL_DEV_TABLE_ENTRY, device, 0, iova);
  }
  const allowed = (fieldAt(dte, AMD_DTE_IR) ? READ : 0) | (fieldAt(dte, AMD_DTE_IW) ? WRITE : 0);
  const needed = write ? WRITE : READ;
  if (!fieldAt(dte, AMD_DTE_TV) || allowed == 0 || (pasid >= 0 && (!gv || pasid >= AMD_PASIDS))) {
    return pageFault(iommu, device, true, 0, attributes, iova);
  }
  const nested = gv && (pasid >= 0 || fieldAt(dte, AMD_DTE_GIOV) != 0);
  const tag = nested ? u32(max(pasid, 0)) : 0;
  const block = vmidBlock(iommu, domain);
  const generation = atomic.load<i64>(block, VMID_ANY_GEN);
  const allGeneration = atomic.load<i64>(iommu, SMMU_AT_ALL_GEN);
  const wanted = write ? TLB_PERM_W : TLB_PERM_R;
  if (tlbLookup(iommu, domain, tag, iova, !nested) & wanted) {
    count(THREAD_TLB_HITS);
    return TRANSLATE_OK;
  }
  count(THREAD_TLB_MISSES);
  const found = nested ? nestedWalk(tag, iova, needed) : hostWalk(hostRoot(), mode, iova);
  if (found == UNREACHABLE) {
    return abort(
      iommu,
      0,
      AMD_EVENT_PAGE_TAB_HARDWARE_ERROR,
      device,
      placed(domain, AMD_EVENT_PASID),
      faultAddress(),
    );
  }
  if (found == GUEST_FAULT || found == GUEST_DENIED) {
    const why = found == GUEST_DENIED ? maskOf(AMD_EVENT_PR) | maskOf(AMD_EVENT_PE) : 0;
    return pageFault(
      iommu,
      device,
      true,
      why | maskOf(AMD_EVENT_GN) | placed(tag, AMD_EVENT_PASID),
      attributes,
      iova,
    );
  }
  if ((found & allowed & needed) == 0) {
    const there = (found & PRESENT) != 0;
    const why = there ? maskOf(AMD_EVENT_PR) | maskOf(AMD_EVENT_PE) : 0;
    return pageFault(
      iommu,
      device,
      false,
      why | placed(domain, AMD_EVENT_PASID),
      attributes,
      there ? iova : faultAddress(),
    );
  }
  // The entry was read before the generation was sampled, so the generation covers it
  // only if it is unchanged.
  if (mode != 0 && dteUnchanged(iommu, device)) {
    const permissions =
      ((found & allowed & READ) != 0 ? TLB_PERM_R : 0) |
      ((found & allowed & WRITE) != 0 ? TLB_PERM_W : 0);
    tlbInsert(
      iommu,
      domain,
      tag,
      iova,
      walkedPa(),
      walkedSize(),
      permissions,
      false,
      !nested,
      nested ? walkedLeaf() : walkedSize(),
      generation,
      allGeneration,
    );
  }
  return result(walkedPa(), walkedSize());
}
