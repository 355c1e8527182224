// SPDX-License-Identifier: MIT
// The pool of record pages (layout/arm64-records.ts): the architecture's instruction
// cache, indexed by the physical page and shared by all vCPUs of a machine.

import {
  ARM64_CHECKED_STRIDE,
  ARM64_PAGE_CODE,
  ARM64_PAGE_GENERATION,
  ARM64_PAGE_HEADER,
  ARM64_PAGE_RECORDS,
  ARM64_PAGE_STRIDE,
  ARM64_POOL_END,
  ARM64_POOL_NEXT,
  ARM64_POOL_TABLE,
  ARM64_RECORD_SIZE,
  ARM64_SHADOW,
  ARM64_SHADOW_SIZE,
} from '../layout/arm64-records';
import {
  ARM64_IC_PAGE,
  ARM64_PEER_COUNT,
  ARM64_POOL,
  ARM64_RAM,
  ARM64_RAM_SIZE,
  ARM64_RECORD_ASIDE,
  ARM64_RECORD_SCRATCH,
  ARM64_TLB,
  ARM64_TLB_FETCH,
  ARM64_TLB_FETCH_ENTRIES,
  ARM64_TLB_INVALID,
  ARM64_TLB_STRIDE,
} from '../layout/arm64-state';
import { decode } from './decode';
import { HANDLER_FORGOTTEN, HANDLER_PAGE_END, HANDLER_RESUME, HANDLER_STOP } from './handlers';
import { invalidateChecked, isChecked } from './icache-check';
import {
  areRecordsAtRest,
  askAfterInvalidation,
  isThreaded,
  lockRecords,
  unlockRecords,
} from './inboxes';
import { peerOf } from './peers';
import { flushUsed } from './tlb';

/**
 * The record page of a page of RAM, which is allocated if there is none; 0 when the pool
 * is full.
 */
export function recordPage(cpu: usize, page: u32): usize {
  const pool = load<usize>(cpu, ARM64_POOL);
  const entry = pool + ARM64_POOL_TABLE + (page << 2);
  const known = atomic.load<usize>(entry);
  if (known != 0) return known;
  const checked = isChecked(cpu);
  const stride: usize = checked ? ARM64_CHECKED_STRIDE : ARM64_PAGE_STRIDE;
  const start: usize = atomic.add<usize>(pool + ARM64_POOL_NEXT, stride);
  if (start + stride > load<usize>(pool, ARM64_POOL_END)) {
    atomic.sub<usize>(pool + ARM64_POOL_NEXT, stride);
    return 0;
  }
  const base: usize = start + <usize>ARM64_PAGE_HEADER;
  store<usize>(base - ARM64_PAGE_CODE, load<usize>(cpu, ARM64_RAM) + (page << 12));
  store<u32>(base - ARM64_PAGE_GENERATION, 0);
  memory.fill(base, 0, ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE);
  store<u64>(base, HANDLER_PAGE_END, ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE);
  if (checked) memory.fill(base + ARM64_SHADOW, 0, ARM64_PAGE_RECORDS * ARM64_SHADOW_SIZE);
  // Another vCPU may have been first: this page then stays unused until the pool is
  // reset.
  const first = atomic.cmpxchg<usize>(entry, 0, base);
  // Stores to the page are tracked from now on, by any vCPU.
  if (checked) flushEverywhere(cpu);
  return first == 0 ? base : first;
}

/** Empties the TLBs of all vCPUs of a machine that share a thread. */
function flushEverywhere(cpu: usize): void {
  flushUsed(cpu);
  const count = load<u32>(cpu, ARM64_PEER_COUNT);
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) flushUsed(peerOf(cpu, vcpu));
}

/**
 * Discards the records of a page, each with one store, so that no vCPU sees half of a
 * record.
 */
function clearRecords(base: usize): void {
  atomic.add<u32>(base - ARM64_PAGE_GENERATION, 1);
  const end = base + ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE;
  for (let at = base; at < end; at += ARM64_RECORD_SIZE)
    store<u64>(at, load<u16>(at) == u16(HANDLER_STOP) ? STOP_ALONE : 0);
}

/** A planted record that stops, whose original has been discarded. */
const STOP_ALONE: u64 = HANDLER_STOP | (1 << 32);

/** Replaces a record with one that stops. Returns the original. */
export function plantStop(record: usize): u64 {
  const kept = load<u64>(record);
  store<u64>(record, HANDLER_STOP);
  return kept;
}

/** Restores a record, unless it has been discarded in the meantime. */
export function removeStop(record: usize, kept: u64): void {
  store<u64>(record, load<u64>(record) == HANDLER_STOP ? kept : 0);
}

/**
 * Like `clearRecords`, while other threads execute the page. Only the handler is removed:
 * a vCPU that has already read it reads the operands afterwards, and they have to match.
 */
function forgetRecords(base: usize): void {
  atomic.add<u32>(base - ARM64_PAGE_GENERATION, 1);
  const end = base + ARM64_PAGE_RECORDS * ARM64_RECORD_SIZE;
  for (let at = base; at < end; at += ARM64_RECORD_SIZE) forgetRecord(at);
}

function forgetRecord(record: usize): void {
  if (atomic.load<u16>(record) != 0) store<u16>(record, u16(HANDLER_FORGOTTEN));
}

/** A position in a page from which no branch is near. */
const NOWHERE: u32 = 0x40000000;

/** Decodes the word of a record into ARM64_RECORD_SCRATCH or ARM64_RECORD_ASIDE. */
function decodeTo(target: usize, record: usize, base: usize, place: u32): void {
  const at = (record - base) >> 1;
  const from = place == NOWHERE ? NOWHERE : u32(at);
  decode(load<u32>(load<usize>(base - ARM64_PAGE_CODE) + at), target, from);
}

/**
 * Publishes a decoded record in one store. If IC has invalidated the page since the word
 * was read, the record is discarded again; the vCPU that has executed the IC waits for
 * that at its DSB.
 */
function publish(record: usize, old: u64, decoded: u64, base: usize, generation: u32): void {
  atomic.cmpxchg<u64>(record, old, decoded);
  if (atomic.load<u32>(base - ARM64_PAGE_GENERATION) != generation) forgetRecord(record);
}

/** Decodes a record for the first time. */
export function decodeRecord(cpu: usize, record: usize, base: usize): void {
  const generation = atomic.load<u32>(base - ARM64_PAGE_GENERATION);
  decodeTo(cpu + ARM64_RECORD_SCRATCH, record, base, 0);
  publish(record, 0, load<u64>(cpu, ARM64_RECORD_SCRATCH), base, generation);
}

/**
 * Decodes the word of a discarded record. While another vCPU may be in the middle of
 * executing the old one, a changed word is decoded into a separate record: returns that
 * record, or 0 when the one in the page is to be executed.
 */
export function decodeForgotten(cpu: usize, record: usize, base: usize): usize {
  const old = atomic.load<u64>(record);
  if (u16(old) != u16(HANDLER_FORGOTTEN)) return 0;
  lockRecords(cpu);
  const generation = atomic.load<u32>(base - ARM64_PAGE_GENERATION);
  decodeTo(cpu + ARM64_RECORD_SCRATCH, record, base, 0);
  const decoded = load<u64>(cpu, ARM64_RECORD_SCRATCH);
  const isPublished = decoded >> 16 == old >> 16 || areRecordsAtRest(cpu);
  if (isPublished) publish(record, old, decoded, base, generation);
  unlockRecords(cpu);
  if (isPublished) return 0;
  const aside = cpu + ARM64_RECORD_ASIDE;
  decodeTo(aside, record, base, NOWHERE);
  store<u64>(aside, HANDLER_RESUME | (u64(record + ARM64_RECORD_SIZE) << 32), 8);
  return aside;
}

/** IC IVAU: the instructions of a page of RAM will be decoded again. */
export function invalidatePage(cpu: usize, page: u32): void {
  const base = atomic.load<usize>(load<usize>(cpu, ARM64_POOL) + ARM64_POOL_TABLE + (page << 2));
  if (base == 0) return;
  beginInvalidation(cpu);
  invalidate(cpu, base);
  endInvalidation(cpu);
}

function beginInvalidation(cpu: usize): void {
  if (isThreaded(cpu)) lockRecords(cpu);
}

function endInvalidation(cpu: usize): void {
  if (!isThreaded(cpu)) return;
  askAfterInvalidation(cpu);
  unlockRecords(cpu);
}

function invalidate(cpu: usize, base: usize): void {
  if (isChecked(cpu)) invalidateChecked(cpu, base);
  else if (isThreaded(cpu)) forgetRecords(base);
  else clearRecords(base);
}

/**
 * IC IALLU: all instructions will be decoded again. Record pages keep their addresses.
 */
export function invalidateAll(cpu: usize): void {
  const table = load<usize>(cpu, ARM64_POOL) + ARM64_POOL_TABLE;
  const end = table + ((load<u32>(cpu, ARM64_RAM_SIZE) >> 12) << 2);
  beginInvalidation(cpu);
  for (let entry = table; entry < end; entry += 4) {
    const base = atomic.load<usize>(entry);
    if (base != 0) invalidate(cpu, base);
  }
  endInvalidation(cpu);
}

/**
 * Empties the pool, while no vCPU runs. `size` is its size in bytes from `pool` on,
 * `ramSize` that of RAM.
 */
export function resetPool(pool: usize, size: u32, ramSize: u32): void {
  const pages = ramSize >> 12;
  const start = pool + ARM64_POOL_TABLE + (pages << 2);
  memory.fill(pool + ARM64_POOL_TABLE, 0, pages << 2);
  store<usize>(pool, (start + 15) & ~15, ARM64_POOL_NEXT);
  store<usize>(pool, pool + size, ARM64_POOL_END);
}

/** Empties the instruction TLBs of a vCPU. */
export function flushFetch(cpu: usize): void {
  store<usize>(cpu, 0, ARM64_IC_PAGE);
  for (let el: usize = 0; el < 2; el++) {
    const start = cpu + ARM64_TLB + el * ARM64_TLB_STRIDE + ARM64_TLB_FETCH;
    const end = start + ARM64_TLB_FETCH_ENTRIES * 16;
    for (let entry = start; entry < end; entry += 16) store<u64>(entry, ARM64_TLB_INVALID);
  }
}
