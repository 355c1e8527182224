// SPDX-License-Identifier: MIT
// Page requests of devices (PCIe PRI): the PPR logs of the host and of each guest (48882
// section 2.6), and the responses of COMPLETE_PPR_REQUEST (section 2.4.7).

import {
  ACCESS_INSTRUCTION,
  ACCESS_NO_SSID,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../layout/access';
import {
  AMD_AT_ENABLED,
  AMD_CTX_CONTROL,
  AMD_CTX_PPR_BASE,
  AMD_CTX_PPR_HEAD,
  AMD_CTX_PPR_LENGTH,
  AMD_CTX_PPR_TAIL,
  AMD_CTX_PPRS_LOST,
  AMD_CTX_STATUS,
} from '../layout/amd-block';
import {
  AMD_COMPLETE_GN,
  AMD_COMPLETE_GROUP,
  AMD_COMPLETE_PASID,
  AMD_COMPLETE_RESPONSE,
  AMD_CONTROL_PPR_EN,
  AMD_CONTROL_PPR_INT_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_DTE_GUEST_DEVICE,
  AMD_DTE_PPR,
  AMD_DTE_TV,
  AMD_DTE_V,
  AMD_EVENT_INVALID_PPR_REQUEST,
  AMD_PPR_CODE,
  AMD_PPR_DEVICE,
  AMD_PPR_EXECUTE,
  AMD_PPR_GN,
  AMD_PPR_GROUP,
  AMD_PPR_LAST,
  AMD_PPR_PAGE_SERVICE,
  AMD_PPR_PASID_HI,
  AMD_PPR_PASID_LO,
  AMD_PPR_READ,
  AMD_PPR_USER,
  AMD_PPR_WRITE,
  AMD_RESPONSE_INVALID,
  AMD_RESPONSE_SUCCESS,
  AMD_STATUS_PPR_INT,
  AMD_STATUS_PPR_OVERFLOW,
  AMD_STATUS_PPR_RUN,
} from '../layout/amd-formats';
import { PRG_FAILURE, PRG_INVALID, PRG_SUCCESS, PRG_WAITING } from '../layout/ats-memory';
import { bits, fieldAt, maskOf, placed } from '../lib/fields';
import { answerGroup } from '../smmu-core/atc';
import { locate, NOWHERE, storeAt } from '../smmu-core/physical-memory';
import { callHost } from '../vcmdq-drain/ownership';
import { dteCopy, guestOf, loadDte } from './amd-device-table';
import { freeLogs, logEvent, takeLogs } from './amd-events';
import { contextOf } from './block';

const PAGE_MASK: u64 = 0xfffffffffffff000;

// Sets a status bit, and the interrupt if it is enabled for the log.
function signal(context: usize, status: u32): void {
  if (atomic.load<u32>(context, AMD_CTX_CONTROL) & maskOf(AMD_CONTROL_PPR_INT_EN))
    status |= maskOf(AMD_STATUS_PPR_INT);
  if (status != 0) atomic.or<u32>(context, status, AMD_CTX_STATUS);
  callHost();
}

// Writes the entry. A log that has overflowed accepts none until software has restarted
// it.
function append(context: usize, d0: u64, d1: u64): u32 {
  if ((atomic.load<u32>(context, AMD_CTX_STATUS) & maskOf(AMD_STATUS_PPR_RUN)) == 0)
    return PRG_SUCCESS;
  const base = load<u64>(context, AMD_CTX_PPR_BASE);
  const mask = ((<u32>1) << load<u32>(context, AMD_CTX_PPR_LENGTH)) - 1;
  const tail = atomic.load<u32>(context, AMD_CTX_PPR_TAIL) & mask;
  const place = base == 0 ? NOWHERE : locate(base + (u64(tail) << 4), 16);
  if (place == NOWHERE) return PRG_FAILURE;
  const next = (tail + 1) & mask;
  if (next == (atomic.load<u32>(context, AMD_CTX_PPR_HEAD) & mask)) {
    // Cleared before the overflow is set: on an overflow software restarts the log, but
    // only if it does not run.
    atomic.and<u32>(context, ~maskOf(AMD_STATUS_PPR_RUN), AMD_CTX_STATUS);
    signal(context, maskOf(AMD_STATUS_PPR_OVERFLOW));
    return PRG_SUCCESS;
  }
  storeAt(place, d0);
  storeAt(place + 8, d1);
  // The entry has to be visible before the tail moves.
  atomic.store<u32>(context, next, AMD_CTX_PPR_TAIL);
  signal(context, 0);
  return PRG_WAITING;
}

// Word 1 of an entry without its code: a group of its own, and the permissions.
function wordOf(pasid: i32, attributes: u32, group: u32): u32 {
  const write = (attributes & ACCESS_WRITE) != 0;
  const word =
    placed(group, AMD_PPR_GROUP) |
    maskOf(AMD_PPR_LAST) |
    maskOf(write ? AMD_PPR_WRITE : AMD_PPR_READ);
  if (pasid < 0) return word | maskOf(AMD_PPR_USER);
  return (
    word |
    maskOf(AMD_PPR_GN) |
    placed(u32(pasid) >> 16, AMD_PPR_PASID_HI) |
    placed(u32((attributes & ACCESS_PRIVILEGED) == 0), AMD_PPR_USER) |
    placed(u32(!write && (attributes & ACCESS_INSTRUCTION) != 0), AMD_PPR_EXECUTE)
  );
}

/**
 * The page request of a device for one page, which is a group of its own. It is written
 * to the log of the device's owner, with the DeviceID that the owner uses. Destroys
 * THREAD_STE.
 * @param pasid ACCESS_NO_SSID for none.
 * @returns PRG_WAITING when software will respond; PRG_SUCCESS when the request is lost,
 *   and the device asks again; otherwise the response.
 */
export function pageRequest(
  iommu: usize,
  device: u32,
  pasid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
  group: u32,
): u32 {
  if (!atomic.load<u32>(iommu, AMD_AT_ENABLED) || !loadDte(iommu, device)) return PRG_INVALID;
  const dte = dteCopy();
  if (!fieldAt(dte, AMD_DTE_V) || !fieldAt(dte, AMD_DTE_TV)) return PRG_INVALID;
  const guest = guestOf(dte);
  const named = guest != 0 ? fieldAt(dte, AMD_DTE_GUEST_DEVICE) : device;
  const word0 =
    placed(named, AMD_PPR_DEVICE) | (pasid < 0 ? 0 : placed(u32(pasid), AMD_PPR_PASID_LO));
  const word1 = wordOf(pasid, attributes, group);
  const page = ((u64(iovaHi) << 32) | u64(iovaLo)) & PAGE_MASK;
  if (!fieldAt(dte, AMD_DTE_PPR)) {
    logEvent(iommu, guest, AMD_EVENT_INVALID_PPR_REQUEST, word0, word1, page);
    return PRG_INVALID;
  }
  const context = contextOf(iommu, guest);
  const enables = maskOf(AMD_CONTROL_PPR_EN) | maskOf(AMD_CONTROL_PPR_LOG_EN);
  if ((atomic.load<u32>(context, AMD_CTX_CONTROL) & enables) != enables) return PRG_INVALID;
  let answer: u32 = PRG_SUCCESS;
  if (takeLogs(context)) {
    const code = placed(AMD_PPR_PAGE_SERVICE, AMD_PPR_CODE);
    answer = append(context, (u64(word1 | code) << 32) | u64(word0), page);
    freeLogs(context);
  }
  if (answer != PRG_WAITING) atomic.add<i32>(context, 1, AMD_CTX_PPRS_LOST);
  return answer;
}

/**
 * COMPLETE_PPR_REQUEST for a device, by the host's DeviceID. No effect unless it names
 * the waiting request.
 */
export function completeRequest(iommu: usize, device: u32, d0: u64, d1: u64): void {
  const response = bits(u32(d1 >> 32), AMD_COMPLETE_RESPONSE);
  const answer =
    response == AMD_RESPONSE_SUCCESS
      ? PRG_SUCCESS
      : response == AMD_RESPONSE_INVALID
        ? PRG_INVALID
        : PRG_FAILURE;
  const pasid = bits(u32(d1), AMD_COMPLETE_GN)
    ? i32(bits(u32(d0 >> 32), AMD_COMPLETE_PASID))
    : ACCESS_NO_SSID;
  answerGroup(iommu, device, pasid, bits(u32(d1 >> 32), AMD_COMPLETE_GROUP), answer);
}
