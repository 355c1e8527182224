// SPDX-License-Identifier: MIT
// SYS: maintenance of caches and TLBs, address translation (Arm ARM, C5.3 to C5.5).

import {
  ARM64_EL,
  ARM64_FAULT_FAR,
  ARM64_PEER_COUNT,
  ARM64_REQUEST_ADDRESS,
  ARM64_REQUEST_ALL,
  ARM64_REQUEST_LOWER,
  ARM64_WALK_ATTRIBUTES,
  ARM64_WALK_PA,
  BANK_SCTLR,
} from '../layout/arm64-state';
import { EC_DATA_ABORT, EC_SYSTEM, EC_UNKNOWN, setFault, takeFault } from './exception';
import { hostOf, pageNumber } from './guest-ram';
import { askOthers, isThreaded } from './inboxes';
import { peerOf } from './peers';
import { invalidateAll, invalidatePage } from './records';
import { registerOf } from './registers';
import { storeAs } from './slow-access';
import { SCTLR_DZE } from './special-registers';
import { READ, regimeOf, TRANSLATED, translate, WRITE } from './stage1-walk';
import { AT_PAR_EL1 } from './system-registers';
import { AGAIN, exception, NEXT, systemSyndrome } from './system-results';
import { flushAddress, flushLower, flushUsed } from './tlb';

const SCTLR_UCI: u64 = 1 << 26;
/** ISS of a data abort: cache maintenance, which is reported as a write. */
const ISS_CM_WNR: u32 = (1 << 8) | (1 << 6);
/** DC ZVA clears this many bytes (DCZID_EL0.BS 4). */
const ZVA_SIZE: u64 = 64;

// op1:CRm:op2 of DC and IC (CRn 7).
const IC_IALLUIS: u32 = (0 << 7) | (1 << 3) | 0;
const IC_IALLU: u32 = (0 << 7) | (5 << 3) | 0;
const IC_IVAU: u32 = (3 << 7) | (5 << 3) | 1;
const DC_IVAC: u32 = (0 << 7) | (6 << 3) | 1;
const DC_ISW: u32 = (0 << 7) | (6 << 3) | 2;
const DC_CSW: u32 = (0 << 7) | (10 << 3) | 2;
const DC_CISW: u32 = (0 << 7) | (14 << 3) | 2;
const DC_ZVA: u32 = (3 << 7) | (4 << 3) | 1;
const DC_CVAC: u32 = (3 << 7) | (10 << 3) | 1;
const DC_CVAU: u32 = (3 << 7) | (11 << 3) | 1;
const DC_CIVAC: u32 = (3 << 7) | (14 << 3) | 1;
/** CRm of TLBI for the Inner Shareable domain; of the others it is 7. */
const TLBI_INNER_SHAREABLE: u32 = 3;
const AT_FIRST: u32 = (0 << 7) | (8 << 3) | 0;

function key(op1: u32, crm: u32, op2: u32): u32 {
  return (op1 << 7) | (crm << 3) | op2;
}

/** Takes a fault of maintenance by address. */
function abort(cpu: usize, status: u32, va: u64): i32 {
  setFault(cpu, EC_DATA_ABORT, status | ISS_CM_WNR, va);
  takeFault(cpu);
  return AGAIN;
}

/** AT S1E1R, S1E1W, S1E0R, S1E0W: the result is PAR_EL1. */
function translateAddress(cpu: usize, op2: u32, va: u64): i32 {
  const status = translate(cpu, va, op2 >> 1 == 0 ? 1 : 0, (op2 & 1) != 0 ? WRITE : READ, false);
  const par =
    status == TRANSLATED
      ? (load<u64>(cpu, ARM64_WALK_PA) & 0xfffffffff000) |
        (u64(load<u32>(cpu, ARM64_WALK_ATTRIBUTES) >> 8) << 7) |
        (u64(load<u32>(cpu, ARM64_WALK_ATTRIBUTES) & 0xff) << 56) |
        (1 << 11)
      : 0x801 | u64(status << 1);
  store<u64>(cpu + AT_PAR_EL1, par);
  return NEXT;
}

/** IC by address. The record pages are indexed by the physical page. */
function invalidateAddress(cpu: usize, va: u64, el: u32): i32 {
  const status = translate(cpu, va, el, READ, false);
  if (status != TRANSLATED) return abort(cpu, status, va);
  const pa = load<u64>(cpu, ARM64_WALK_PA);
  if (hostOf(cpu, pa & ~0xfff, 4096) != 0) invalidatePage(cpu, pageNumber(cpu, pa));
  return NEXT;
}

function clear(cpu: usize, va: u64, el: u32): i32 {
  const start = va & ~(ZVA_SIZE - 1);
  for (let offset: u64 = 0; offset < ZVA_SIZE; offset += 16) {
    if (storeAs(cpu, start + offset, 16, el, 8, 0, 0)) continue;
    // The address in the instruction, not that of the block.
    store<u64>(cpu, va, ARM64_FAULT_FAR);
    takeFault(cpu);
    return AGAIN;
  }
  return NEXT;
}

function maintainCache(cpu: usize, word: u32, what: u32, va: u64): i32 {
  const el = load<u32>(cpu, ARM64_EL);
  const sctlr = load<u64>(regimeOf(cpu), BANK_SCTLR);
  if (what >> 7 == 3) {
    // Operations that may be permitted at EL0.
    const permission = what == DC_ZVA ? SCTLR_DZE : SCTLR_UCI;
    const known =
      what == DC_ZVA || what == DC_CVAC || what == DC_CVAU || what == DC_CIVAC || what == IC_IVAU;
    if (!known) return exception(cpu, EC_UNKNOWN, 0);
    if (el == 0 && (sctlr & permission) == 0)
      return exception(cpu, EC_SYSTEM, systemSyndrome(word));
    if (what == DC_ZVA) return clear(cpu, va, el);
    if (what == IC_IVAU) return invalidateAddress(cpu, va, el);
    const status = translate(cpu, va, el, READ, false);
    return status == TRANSLATED ? NEXT : abort(cpu, status, va);
  }
  if (el == 0) return exception(cpu, EC_UNKNOWN, 0);
  if (what == IC_IALLU || what == IC_IALLUIS) {
    invalidateAll(cpu);
    return NEXT;
  }
  if (what == DC_ISW || what == DC_CSW || what == DC_CISW) return NEXT;
  if (what >= AT_FIRST && what < AT_FIRST + 4) return translateAddress(cpu, what & 7, va);
  if (what != DC_IVAC) return exception(cpu, EC_UNKNOWN, 0);
  const status = translate(cpu, va, el, WRITE, false);
  return status == TRANSLATED ? NEXT : abort(cpu, status, va);
}

/** Invalidates entries in the TLBs of one vCPU. */
function invalidateTlb(cpu: usize, op2: u32, operand: u64): void {
  if (op2 == 0) flushUsed(cpu);
  else if (op2 == 2) flushLower(cpu);
  // VA[55:12] in bits 43 to 0; a tag in the top byte does not select the entry.
  else flushAddress(cpu, operand << 12);
}

/** The request that makes another vCPU do what `invalidateTlb` does. */
function requestOf(op2: u32, operand: u64): u64 {
  if (op2 == 0) return ARM64_REQUEST_ALL;
  return op2 == 2 ? ARM64_REQUEST_LOWER : (operand << 12) | ARM64_REQUEST_ADDRESS;
}

/**
 * TLBI of EL1, by address, ASID or all, also for the Inner Shareable domain. If the other
 * vCPUs of the machine share this thread, they are between two instructions. Otherwise
 * they are sent requests, and the DSB that follows waits.
 */
function maintainTlb(cpu: usize, op1: u32, crm: u32, op2: u32, operand: u64): i32 {
  if (
    op1 != 0 ||
    (crm != TLBI_INNER_SHAREABLE && crm != 7) ||
    op2 == 4 ||
    op2 == 6 ||
    load<u32>(cpu, ARM64_EL) == 0
  )
    return exception(cpu, EC_UNKNOWN, 0);
  invalidateTlb(cpu, op2, operand);
  if (crm != TLBI_INNER_SHAREABLE) return NEXT;
  if (isThreaded(cpu)) {
    askOthers(cpu, requestOf(op2, operand));
    return NEXT;
  }
  const count = load<u32>(cpu, ARM64_PEER_COUNT);
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    const peer = peerOf(cpu, vcpu);
    if (peer != cpu) invalidateTlb(peer, op2, operand);
  }
  return NEXT;
}

/** Executes SYS. */
export function maintain(cpu: usize, word: u32): i32 {
  const op1 = (word >> 16) & 7;
  const crn = (word >> 12) & 15;
  const crm = (word >> 8) & 15;
  const op2 = (word >> 5) & 7;
  const operand = registerOf(cpu, word & 31);
  if (crn == 7) return maintainCache(cpu, word, key(op1, crm, op2), operand);
  if (crn == 8) return maintainTlb(cpu, op1, crm, op2, operand);
  return exception(cpu, EC_UNKNOWN, 0);
}
