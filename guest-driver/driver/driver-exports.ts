// SPDX-License-Identifier: MIT
// The driver as a separate module (asconfig.json target "driver"), so that tests can run
// it against a scripted device. All values are plain numbers; an iova is passed as its
// low and high word. Queue 0 is the CMDQ, queue n + 1 is LVCMDQ n, queue 256 + n is ECMDQ
// n.

import { CD_SIZE } from '../../assembly/layout/cd';
import { gpaOf } from '../runtime/abi';
import { doorbellCalls, read32, read64, write32, write64 } from '../runtime/mmio';
import { allocate, resetPages } from '../runtime/pages';
import { BATCH_COMMANDS, beginBatch, nextCommand, submitBatch } from './batch';
import { bringUpSmmu, probeDevices, startCmdqv, startEcmdqs, startSmmu } from './bring-up';
import {
  buildAtcInv,
  buildCfgiAll,
  buildCfgiCd,
  buildCfgiSte,
  buildPrefetchConfig,
  buildSync,
  buildTlbiNhAll,
  buildTlbiNhAsid,
  buildTlbiNhVa,
  buildTlbiNhVaRange,
  buildTlbiNsnhAll,
  buildTlbiS2Ipa,
  buildTlbiS12Vmall,
} from './build-commands';
import { cmdqv } from './cmdqv';
import { createDomain, Domain } from './domain';
import { cmdq, ecmdq, Queue, vcmdq } from './driver-queues';
import { probeEcmdqs } from './ecmdq-reset';
import { eventCount, eventOverflows, eventRecord, eventRing } from './event-queue';
import { directQueues } from './get-cmdq';
import { serviceInterrupts } from './interrupt-handlers';
import { addPages, invalidateAsid, invalidatePages } from './invalidate-pages';
import { issue } from './issue';
import { QUEUE_WAITS, SPINS_PER_WAIT } from './poll';
import { RESULT_OK } from './result';
import { allocateContextDescriptors, writeContextDescriptor } from './stage1-cd';
import { allocateTable, descriptorOf, mapPages, unmapPages } from './stage1-table';
import { attachStage1, detachStream, steOf } from './stream-table';

/** Version of the guest ABI that this module implements. */
export const vsmmu_abi: i32 = 1;

/** Limits, for tests. */
export const spinsPerWait: i32 = SPINS_PER_WAIT;
export const queueWaits: i32 = QUEUE_WAITS;
export const batchCommands: i32 = BATCH_COMMANDS;

const FIRST_ECMDQ: u32 = 256;

function queueOf(index: u32): Queue {
  if (index >= FIRST_ECMDQ) return ecmdq(index - FIRST_ECMDQ);
  return index == 0 ? cmdq() : vcmdq(index - 1);
}

function iovaOf(lo: u32, hi: u32): u64 {
  return ((<u64>hi) << 32) | lo;
}

/**
 * Clears all state and probes CMDQV and SMMU; a missing CMDQV is not an error.
 * @returns RESULT_*.
 */
export function probe(): i32 {
  resetPages();
  return probeDevices();
}

/** Allocates the SMMU's structures and brings it up. */
export function reset(): i32 {
  return startSmmu();
}

/** Allocates the VCMDQs and brings up the CMDQV with VINTF 0. */
export function resetQueues(): i32 {
  return startCmdqv();
}

/** Probes, allocates and enables the ECMDQs. */
export function resetEnhancedQueues(): i32 {
  const result = probeEcmdqs();
  return result != RESULT_OK ? result : startEcmdqs();
}

/** Brings everything up in one call, with the queues that the board has. */
export function bringUp(): i32 {
  resetPages();
  return bringUpSmmu();
}

export function hypOwn(): u32 {
  return cmdqv().hypOwn;
}
export function directQueueCount(): u32 {
  return directQueues();
}
export function lvcmdqCount(): u32 {
  return cmdqv().lvcmdqCount;
}
export function setBypassVcmdq(bypass: u32): void {
  cmdqv().bypassVcmdq = bypass;
}
export function setCpu(cpu: u32): void {
  cmdqv().cpu = cpu;
}

/** A queue's ring (memory offset) and state. */
export function queueRing(queue: u32): usize {
  return queueOf(queue).ring;
}
export function queueLog2(queue: u32): u32 {
  return queueOf(queue).log2size;
}
export function queueProd(queue: u32): u32 {
  return queueOf(queue).prod;
}
export function queueErrors(queue: u32): u32 {
  return queueOf(queue).errors;
}
export function queueLastError(queue: u32): u32 {
  return queueOf(queue).lastError;
}
export function queueLastErrorOpcode(queue: u32): u32 {
  return queueOf(queue).lastErrorOpcode;
}

/** The batch: begin, add commands, submit. */
export function begin(): void {
  beginBatch();
}
export function submit(): i32 {
  return submitBatch();
}
export function addCfgiAll(): void {
  buildCfgiAll(nextCommand());
}
export function addCfgiSte(sid: u32): void {
  buildCfgiSte(nextCommand(), sid);
}
export function addCfgiCd(sid: u32, ssid: u32): void {
  buildCfgiCd(nextCommand(), sid, ssid);
}
export function addPrefetchConfig(sid: u32): void {
  buildPrefetchConfig(nextCommand(), sid);
}
export function addTlbiNsnhAll(): void {
  buildTlbiNsnhAll(nextCommand());
}
export function addTlbiNhAll(vmid: u32): void {
  buildTlbiNhAll(nextCommand(), vmid);
}
export function addTlbiNhAsid(vmid: u32, asid: u32): void {
  buildTlbiNhAsid(nextCommand(), vmid, asid);
}
export function addTlbiNhVa(vmid: u32, asid: u32, iovaLo: u32, iovaHi: u32): void {
  buildTlbiNhVa(nextCommand(), vmid, asid, iovaOf(iovaLo, iovaHi));
}
export function addTlbiNhVaRange(
  asid: u32,
  iovaLo: u32,
  iovaHi: u32,
  number: u32,
  scale: u32,
): void {
  buildTlbiNhVaRange(nextCommand(), asid, iovaOf(iovaLo, iovaHi), number, scale);
}
export function addTlbiPages(asid: u32, iovaLo: u32, iovaHi: u32, pages: u32): void {
  addPages(asid, iovaOf(iovaLo, iovaHi), pages);
}
export function addTlbiS12Vmall(vmid: u32): void {
  buildTlbiS12Vmall(nextCommand(), vmid);
}
export function addTlbiS2Ipa(vmid: u32, ipaLo: u32, ipaHi: u32): void {
  buildTlbiS2Ipa(nextCommand(), vmid, iovaOf(ipaLo, ipaHi));
}
export function addAtcInv(sid: u32, iovaLo: u32, iovaHi: u32, size: u32): void {
  buildAtcInv(nextCommand(), sid, iovaOf(iovaLo, iovaHi), size);
}
export function addSync(signal: u32): void {
  buildSync(nextCommand(), signal);
}

/**
 * Sends 16-byte commands at a memory offset to one queue, without a check that it
 * supports them.
 */
export function issueRaw(queue: u32, commands: usize, count: u32, sync: u32): i32 {
  return issue(queueOf(queue), commands, count, sync != 0);
}
/** Invalidation of pages or an ASID with its CMD_SYNC. */
export function invalidate(asid: u32, iovaLo: u32, iovaHi: u32, pages: u32): i32 {
  return invalidatePages(asid, iovaOf(iovaLo, iovaHi), pages);
}
export function invalidateSpace(asid: u32): i32 {
  return invalidateAsid(asid);
}
/** Sends `batches` batches of `pages` invalidations of one page each, for timing. */
export function invalidateRepeatedly(asid: u32, iova: u32, pages: u32, batches: u32): i32 {
  let result = RESULT_OK;
  for (let batch: u32 = 0; batch < batches && result == RESULT_OK; batch++) {
    beginBatch();
    for (let page: u32 = 0; page < pages; page++)
      buildTlbiNhVaRange(nextCommand(), asid, iova + page * 4096, 1, 0);
    result = submitBatch();
  }
  return result;
}

/** Runs a safe point. */
export function service(): void {
  serviceInterrupts();
}

/**
 * Events: number of removed records, overflows, memory offsets of a kept record and of
 * the ring.
 */
export function events(): u32 {
  return eventCount();
}
export function overflows(): u32 {
  return eventOverflows();
}
export function event(number: u32): usize {
  return eventRecord(number);
}
export function eventRingOffset(): usize {
  return eventRing();
}

/** Allocates an address space: the memory offset of its level 0 table. */
export function newTable(): usize {
  return allocateTable();
}
/** Allocates a CD: its memory offset, 0 when memory is exhausted. */
export function newContextDescriptor(table: usize, asid: u32): usize {
  const cd = newContextDescriptors(0);
  if (cd != 0) writeContextDescriptor(cd, table, asid);
  return cd;
}
/** Allocates a table of 1 << `cdMax` invalid CDs; writes one of its CDs. */
export function newContextDescriptors(cdMax: u32): usize {
  return allocateContextDescriptors(cdMax);
}
export function setContextDescriptor(cds: usize, ssid: u32, table: usize, asid: u32): void {
  writeContextDescriptor(cds + ssid * CD_SIZE, table, asid);
}
export function attachStream(sid: u32, cds: usize, cdMax: u32): i32 {
  return attachStage1(sid, cds, cdMax);
}
export function detach(sid: u32): i32 {
  return detachStream(sid);
}
/** Memory offset of an STE, 0 when the table does not reach it. */
export function streamTableEntry(sid: u32): usize {
  return steOf(sid);
}
export function map(
  table: usize,
  iovaLo: u32,
  iovaHi: u32,
  gpa: u32,
  pages: u32,
  writable: u32,
): i32 {
  return mapPages(table, iovaOf(iovaLo, iovaHi), gpa, pages, writable != 0);
}
export function unmap(table: usize, iovaLo: u32, iovaHi: u32, pages: u32): u32 {
  return unmapPages(table, iovaOf(iovaLo, iovaHi), pages);
}
/** Low word of the level 3 descriptor of an iova, 0 when it is not mapped. */
export function descriptor(table: usize, iovaLo: u32, iovaHi: u32): u32 {
  return <u32>descriptorOf(table, iovaOf(iovaLo, iovaHi));
}

/** Domains, by their memory offset; 0 when memory is exhausted. */
export function newDomain(asid: u32): usize {
  return changetype<usize>(createDomain(asid));
}
export function domainTable(domain: usize): usize {
  return changetype<Domain>(domain).table;
}
export function domainAttach(domain: usize, sid: u32): i32 {
  return changetype<Domain>(domain).attach(sid);
}
export function domainMap(domain: usize, iovaLo: u32, iovaHi: u32, gpa: u32, pages: u32): i32 {
  return changetype<Domain>(domain).map(iovaOf(iovaLo, iovaHi), gpa, pages, true);
}
export function domainUnmap(domain: usize, iovaLo: u32, iovaHi: u32, pages: u32): i32 {
  return changetype<Domain>(domain).unmap(iovaOf(iovaLo, iovaHi), pages);
}

/** Runtime, for tests: memory, addresses, registers. */
export function allocateBytes(size: usize, alignment: usize): usize {
  return allocate(size, alignment);
}
export function gpa(offset: usize): u32 {
  return gpaOf(offset);
}
export function doorbells(): u32 {
  return doorbellCalls();
}
export function registerRead32(address: u32): u32 {
  return read32(address);
}
export function registerWrite32(address: u32, value: u32): void {
  write32(address, value);
}
export function registerRead64(address: u32): u64 {
  return read64(address);
}
export function registerWrite64(address: u32, lo: u32, hi: u32): void {
  write64(address, iovaOf(lo, hi));
}
