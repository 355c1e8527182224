// SPDX-License-Identifier: MIT
// Detection of stores to instructions that the instruction cache may hold (Arm ARM,
// B2.4.4). With ARM64_POOL_CHECK, executing a word after such a store is reported, unless
// IC (by address or of all) and then a context synchronization event came in between. A
// word that has been stored to gets a special record, and its old value is stored after
// the record page. DC CVAU is not checked, as CTR_EL0.IDC declares it unnecessary;
// neither are the DSBs.

import {
  ARM64_PAGE_CODE,
  ARM64_PAGE_RECORDS,
  ARM64_POOL_CHECK,
  ARM64_POOL_TABLE,
  ARM64_RECORD_SIZE,
  ARM64_SHADOW,
  ARM64_SHADOW_FLAGS,
  ARM64_SHADOW_PC,
  ARM64_SHADOW_SIZE,
  ARM64_STALE_NO_IC,
  ARM64_STALE_NO_ISB,
} from '../layout/arm64-records';
import {
  ARM64_DP,
  ARM64_IC_PAGE,
  ARM64_PC_OFFSET,
  ARM64_POOL,
  ARM64_RAM,
  ARM64_RAM_SIZE,
  ARM64_STALE_FETCH,
  ARM64_STALE_STORE,
  ARM64_STALE_WHY,
} from '../layout/arm64-state';
import { decode } from './decode';
import { HANDLER_STALE } from './handlers';

// ARM64_SHADOW_FLAGS: the record was decoded; IC has been executed since the store; the
// record, which is not marked now, is of the saved word and not of the one in memory.
const DECODED: u32 = 1;
const INVALIDATED: u32 = 2;
const OLD: u32 = 4;
/** In ARM64_IC_PAGE: more than one page has been invalidated. */
const SEVERAL: usize = 1;

export function isChecked(cpu: usize): bool {
  return load<u32>(load<usize>(cpu, ARM64_POOL), ARM64_POOL_CHECK) != 0;
}

/** The record page of a host address in RAM, or 0. */
function pageOf(cpu: usize, at: usize): usize {
  const page = (at - load<usize>(cpu, ARM64_RAM)) >> 12;
  return load<usize>(load<usize>(cpu, ARM64_POOL) + ARM64_POOL_TABLE + (page << 2));
}

/**
 * Whether stores to the page of a host address are tracked; if so, the page is in no TLB.
 */
export function isNoted(cpu: usize, at: usize): bool {
  return isChecked(cpu) && pageOf(cpu, at) != 0;
}

function shadowOf(base: usize, record: usize): usize {
  return base + ARM64_SHADOW + ((record - base) / ARM64_RECORD_SIZE) * ARM64_SHADOW_SIZE;
}

/**
 * Called before the instruction of the record in ARM64_DP stores `size` bytes of RAM in
 * one page: saves the words that the instruction cache may still hold.
 */
export function noteStore(cpu: usize, at: usize, size: u32): void {
  if (!isNoted(cpu, at)) return;
  const base = pageOf(cpu, at);
  const code = load<usize>(base - ARM64_PAGE_CODE);
  const pc = load<u64>(cpu, ARM64_PC_OFFSET) + u64(load<usize>(cpu, ARM64_DP) >> 1);
  for (let word = at & ~3; word < at + size; word += 4) {
    const record = base + ((word - code) << 1);
    const shadow = shadowOf(base, record);
    const handler = load<u16>(record);
    store<u64>(shadow, pc, ARM64_SHADOW_PC);
    if (handler == u16(HANDLER_STALE)) {
      store<u32>(shadow, load<u32>(shadow, ARM64_SHADOW_FLAGS) & DECODED, ARM64_SHADOW_FLAGS);
      continue;
    }
    if ((load<u32>(shadow, ARM64_SHADOW_FLAGS) & OLD) == 0) store<u32>(shadow, load<u32>(word));
    store<u32>(shadow, handler != 0 ? DECODED : 0, ARM64_SHADOW_FLAGS);
    store<u64>(record, HANDLER_STALE);
  }
}

/**
 * Whether an instruction may be replaced by another such one while it is being executed:
 * the old or the new one is then executed without any maintenance (B2.2.5). B, B.cond,
 * BL, CBZ, CBNZ, TBZ, TBNZ; BRK, HVC, SMC, SVC; ISB, NOP.
 */
function isReplaceable(word: u32): bool {
  if ((word & 0x7c000000) == 0x14000000) return true;
  if ((word & 0x7c000000) == 0x34000000 || (word & 0xff000010) == 0x54000000) return true;
  if ((word & 0xffe0001f) == 0xd4200000) return true;
  if ((word & 0xffe0001c) == 0xd4000000 && (word & 3) != 0) return true;
  return word == 0xd503201f || (word & 0xfffff0ff) == 0xd50330df;
}

/**
 * Handles the execution of a record whose word has been stored to: restores the record.
 * True when this has to be reported, with ARM64_STALE_* filled.
 */
export function foundStale(cpu: usize, record: usize, pc: u64): bool {
  const base = record - ((usize(pc) & 0xfff) << 1);
  const at = (record - base) >> 1;
  const word = load<u32>(load<usize>(base - ARM64_PAGE_CODE) + at);
  const shadow = shadowOf(base, record);
  const flags = load<u32>(shadow, ARM64_SHADOW_FLAGS);
  const old = load<u32>(shadow);
  // An invalidated word is decoded again, with or without an ISB.
  const isCached = (flags & DECODED) != 0 && (flags & INVALIDATED) == 0;
  if (isCached) decode(old, record, u32(at));
  else store<u64>(record, 0);
  store<u32>(shadow, isCached && word != old ? OLD : 0, ARM64_SHADOW_FLAGS);
  if (word == old || (isReplaceable(word) && isReplaceable(old))) return false;
  store<u64>(cpu, load<u64>(shadow, ARM64_SHADOW_PC), ARM64_STALE_STORE);
  store<u64>(cpu, pc, ARM64_STALE_FETCH);
  const missing = (flags & INVALIDATED) != 0 ? ARM64_STALE_NO_ISB : ARM64_STALE_NO_IC;
  store<u32>(cpu, missing, ARM64_STALE_WHY);
  return true;
}

/**
 * IC of a page: its records are decoded again; those of words that were stored to, after
 * an ISB.
 */
export function invalidateChecked(cpu: usize, base: usize): void {
  const end = base + ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE;
  let waits = false;
  for (let record = base; record < end; record += ARM64_RECORD_SIZE) {
    const shadow = shadowOf(base, record);
    if (load<u16>(record) != u16(HANDLER_STALE)) {
      store<u64>(record, 0);
      store<u32>(shadow, 0, ARM64_SHADOW_FLAGS);
      continue;
    }
    store<u32>(shadow, load<u32>(shadow, ARM64_SHADOW_FLAGS) | INVALIDATED, ARM64_SHADOW_FLAGS);
    waits = true;
  }
  if (!waits) return;
  const known = load<usize>(cpu, ARM64_IC_PAGE);
  store<usize>(cpu, known == 0 || known == base ? base : SEVERAL, ARM64_IC_PAGE);
}

function forget(base: usize): void {
  const end = base + ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE;
  for (let record = base; record < end; record += ARM64_RECORD_SIZE) {
    if (load<u16>(record) != u16(HANDLER_STALE)) continue;
    const shadow = shadowOf(base, record);
    if ((load<u32>(shadow, ARM64_SHADOW_FLAGS) & INVALIDATED) == 0) continue;
    store<u64>(record, 0);
    store<u32>(shadow, 0, ARM64_SHADOW_FLAGS);
  }
}

/** A context synchronization event: from now on invalidated words are decoded again. */
export function synchronize(cpu: usize): void {
  const known = load<usize>(cpu, ARM64_IC_PAGE);
  if (known == 0) return;
  store<usize>(cpu, 0, ARM64_IC_PAGE);
  if (known != SEVERAL) {
    forget(known);
    return;
  }
  const table = load<usize>(cpu, ARM64_POOL) + ARM64_POOL_TABLE;
  const end = table + ((load<u32>(cpu, ARM64_RAM_SIZE) >> 12) << 2);
  for (let entry = table; entry < end; entry += 4) {
    const base = load<usize>(entry);
    if (base != 0) forget(base);
  }
}
