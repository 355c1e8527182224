// SPDX-License-Identifier: MIT
// Commands (48882 section 2.4). A guest's commands name its own DeviceIDs and DomainIDs,
// which are replaced by the host's first.

import {
  AMD_CTX_CONTROL,
  AMD_CTX_STATUS,
  AMD_CTX_TABLES,
  AMD_CTX_TRANSLATE_DEVICE,
} from '../layout/amd-block';
import {
  AMD_CMD_DEVICE,
  AMD_CMD_OP,
  AMD_CONTROL_COM_WAIT_INT_EN,
  AMD_DEVICE_MAP_ENTRY,
  AMD_DOMAIN_MAP,
  AMD_DOMAIN_MAP_ENTRY,
  AMD_DTE_MODE,
  AMD_INV_DOMAIN,
  AMD_INV_GN,
  AMD_INV_PASID,
  AMD_INV_SIZE,
  AMD_MAP_HOST_ID,
  AMD_MAP_VALID,
  AMD_OP_COMPLETE_PPR,
  AMD_OP_COMPLETION_WAIT,
  AMD_OP_INVALIDATE_DEVTAB_ENTRY,
  AMD_OP_INVALIDATE_INTERRUPT_TABLE,
  AMD_OP_INVALIDATE_IOMMU_ALL,
  AMD_OP_INVALIDATE_IOMMU_PAGES,
  AMD_OP_INVALIDATE_IOTLB_PAGES,
  AMD_STATUS_COM_WAIT_INT,
  AMD_WAIT_INTERRUPT,
  AMD_WAIT_STORE,
} from '../layout/amd-formats';
import { QUEUE_REWRITES } from '../layout/queue-memory';
import { bits, fieldAt, maskOf } from '../lib/fields';
import { killAll, killAsid, killVmid, touch, vmidBlock } from '../smmu-core/generations';
import { invalidateSpan } from '../smmu-core/invalidate';
import { loadAt, locate, NOWHERE, storeAt } from '../smmu-core/physical-memory';
import { withVisited } from '../smmu-core/service-work';
import { callHost } from '../vcmdq-drain/ownership';
import { dteCopy, hostRoot, loadDte } from './amd-device-table';
import { completeRequest } from './amd-page-request';
import { hostWalk, WRITE, walkedPa } from './amd-walk';

// Results of `execute`.
export const DONE: u32 = 0;
/** The command is a COMPLETION_WAIT. */
export const WAIT: u32 = 1;
/** The host has to update the device table entry of the guest's device. */
export const HOST: u32 = 2;
export const ILLEGAL: u32 = 3;

const NONE: u32 = u32(-1);
const ALL_ADDRESSES: u64 = 0x7ffffffffffff000;

// The host's ID for a guest's ID; NONE when there is none.
function hostId(context: usize, queue: usize, table: u64, entrySize: u64, id: u32): u32 {
  const tables = load<u64>(context, AMD_CTX_TABLES);
  if (tables == 0) return id;
  const place = locate(tables + table + u64(id) * entrySize, 8);
  if (place == NOWHERE) return NONE;
  const entry = u32(loadAt(place));
  if (!bits(entry, AMD_MAP_VALID)) return NONE;
  store<i64>(queue, load<i64>(queue, QUEUE_REWRITES) + 1, QUEUE_REWRITES);
  return bits(entry, AMD_MAP_HOST_ID);
}

function deviceOf(context: usize, queue: usize, d0: u64): u32 {
  return hostId(context, queue, 0, AMD_DEVICE_MAP_ENTRY, bits(u32(d0), AMD_CMD_DEVICE));
}

// A DomainID that belongs to no device of the guest tags no entry. With GN = 0 the whole
// domain is killed, as the host's tables may be part of a guest's translation of any
// address. Returns the blocks visited.
function invalidatePages(iommu: usize, context: usize, queue: usize, d0: u64, d1: u64): u32 {
  const domain = hostId(
    context,
    queue,
    AMD_DOMAIN_MAP,
    AMD_DOMAIN_MAP_ENTRY,
    bits(u32(d0 >> 32), AMD_INV_DOMAIN),
  );
  if (domain == NONE) return 0;
  const block = vmidBlock(iommu, domain);
  const generation = touch(block);
  const address = d1 & ~(<u64>0xfff);
  const sized = bits(u32(d1), AMD_INV_SIZE) != 0;
  const pasid = bits(u32(d0), AMD_INV_PASID);
  if (!bits(u32(d1), AMD_INV_GN)) killVmid(block, generation);
  else if (sized && (address & ALL_ADDRESSES) == ALL_ADDRESSES) killAsid(block, pasid, generation);
  else {
    // With S, the lowest 0 from bit 12 on is the highest bit of the offset.
    const more = sized ? ((<u64>2) << u64(12 + ctz(~(address >> 12)))) - 1 : 0xfff;
    return invalidateSpan(iommu, domain, pasid, address & ~more, more);
  }
  return 0;
}

/**
 * Executes one command, except COMPLETION_WAIT. The doublewords were read from the buffer
 * once.
 * @returns DONE, WAIT, HOST or ILLEGAL, for `resultOf` and `visitedBy`.
 */
export function execute(iommu: usize, context: usize, queue: usize, d0: u64, d1: u64): u32 {
  switch (bits(u32(d0 >> 32), AMD_CMD_OP)) {
    case AMD_OP_COMPLETION_WAIT:
      return WAIT;
    case AMD_OP_INVALIDATE_DEVTAB_ENTRY:
      return load<u64>(context, AMD_CTX_TABLES) != 0 && deviceOf(context, queue, d0) != NONE
        ? HOST
        : DONE;
    case AMD_OP_INVALIDATE_IOMMU_PAGES:
      return withVisited(DONE, invalidatePages(iommu, context, queue, d0, d1));
    case AMD_OP_COMPLETE_PPR: {
      const device = deviceOf(context, queue, d0);
      if (device != NONE) completeRequest(iommu, device, d0, d1);
      return DONE;
    }
    // No device has its own IOTLB, and interrupts are not remapped.
    case AMD_OP_INVALIDATE_IOTLB_PAGES:
    case AMD_OP_INVALIDATE_INTERRUPT_TABLE:
      return DONE;
    // It affects every domain, so only the host may use it.
    case AMD_OP_INVALIDATE_IOMMU_ALL:
      if (load<u64>(context, AMD_CTX_TABLES) != 0) return ILLEGAL;
      killAll(iommu);
      return DONE;
    default:
      return ILLEGAL;
  }
}

/**
 * Signals a COMPLETION_WAIT whose wait has ended. False when its store address is not
 * memory. Destroys THREAD_STE and the scratch words of the walk.
 */
export function complete(iommu: usize, context: usize, d0: u64, d1: u64): bool {
  if (bits(u32(d0), AMD_WAIT_STORE)) {
    let address = d0 & 0x000ffffffffffff8;
    if (load<u64>(context, AMD_CTX_TABLES) != 0) {
      if (!loadDte(iommu, load<u32>(context, AMD_CTX_TRANSLATE_DEVICE))) return false;
      if ((hostWalk(hostRoot(), fieldAt(dteCopy(), AMD_DTE_MODE), address) & WRITE) == 0)
        return false;
      address = walkedPa();
    }
    const place = locate(address, 8);
    if (place == NOWHERE) return false;
    storeAt(place, d1);
  }
  if (bits(u32(d0), AMD_WAIT_INTERRUPT)) {
    atomic.or<u32>(context, maskOf(AMD_STATUS_COM_WAIT_INT), AMD_CTX_STATUS);
    if (atomic.load<u32>(context, AMD_CTX_CONTROL) & maskOf(AMD_CONTROL_COM_WAIT_INT_EN))
      callHost();
  }
  return true;
}
