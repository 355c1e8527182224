// SPDX-License-Identifier: MIT
// Requests between vCPUs on their own threads: TLB maintenance of the Inner Shareable
// domain, and passing an instruction boundary (docs/internals/arm64-threads.md; model:
// docs/models/arm64-tlbi.pml). Each inbox has one writer and one reader. The sender
// waits at its DSB, and only for vCPUs that execute instructions.

import {
  ARM64_INBOX,
  ARM64_INBOX_DONE,
  ARM64_INBOX_HOST,
  ARM64_INBOX_LENGTH,
  ARM64_INBOX_MADE,
  ARM64_INBOX_REQUESTS,
  ARM64_INBOX_SIZE,
  ARM64_INSIDE,
  ARM64_LIMIT,
  ARM64_MIDWAY,
  ARM64_NOTICE,
  ARM64_PEER_COUNT,
  ARM64_PEERS,
  ARM64_POSTED,
  ARM64_POSTED_IC,
  ARM64_PRESENCE,
  ARM64_RECORDS_LOCK,
  ARM64_REQUEST_ADDRESS,
  ARM64_REQUEST_LOWER,
  ARM64_REQUEST_PASS,
  ARM64_THREADED,
  ARM64_VCPU_SIZE,
} from '../layout/arm64-state';
import { peerOf } from './peers';
import { flushAddress, flushLower, flushUsed } from './tlb';

const LENGTH: u32 = ARM64_INBOX_LENGTH;
/** Polls of a peer before a DSB leaves the run: about 20 us. */
const LOOKS: u32 = 4096;

/** Whether the vCPUs of the machine have their own threads. */
export function isThreaded(cpu: usize): bool {
  return load<u32>(cpu, ARM64_THREADED) != 0;
}

/** The inbox of `peer` for requests of `cpu`. */
function inboxOf(peer: usize, cpu: usize): usize {
  const sender = (cpu - load<usize>(cpu, ARM64_PEERS)) / ARM64_VCPU_SIZE;
  return peer + ARM64_INBOX + sender * ARM64_INBOX_SIZE;
}

/**
 * Sends a request to one peer, without waiting. In this order: the request, its number,
 * the notice, the kick.
 */
function ask(cpu: usize, peer: usize, request: u64): void {
  const inbox = inboxOf(peer, cpu);
  const made = load<u32>(inbox, ARM64_INBOX_MADE);
  const at = inbox + ARM64_INBOX_REQUESTS + ((made & (LENGTH - 1)) << 3);
  atomic.store<u64>(at, request);
  atomic.store<u32>(inbox, made + 1, ARM64_INBOX_MADE);
  atomic.store<u32>(peer, 1, ARM64_NOTICE);
  atomic.store<u32>(peer, 0, ARM64_LIMIT);
}

/** Sends ARM64_REQUEST_* to all other vCPUs; the next DSB waits for them. */
export function askOthers(cpu: usize, request: u64): void {
  const count = load<u32>(cpu, ARM64_PEER_COUNT);
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    const peer = peerOf(cpu, vcpu);
    if (peer != cpu) ask(cpu, peer, request);
  }
  store<u32>(cpu, 1, ARM64_POSTED);
}

function recordsLock(cpu: usize): usize {
  return peerOf(cpu, 0) + ARM64_RECORDS_LOCK;
}

/**
 * Locks the records: until `unlockRecords` none is discarded, and none changes its
 * content.
 */
export function lockRecords(cpu: usize): void {
  while (atomic.cmpxchg<u32>(recordsLock(cpu), 0, 1) != 0) {
    // The lock is held for a sweep of one page at most, except for IC IALLU.
  }
}

export function unlockRecords(cpu: usize): void {
  atomic.store<u32>(recordsLock(cpu), 0);
}

/**
 * Called after records were discarded: other vCPUs may be in the middle of executing one.
 */
export function askAfterInvalidation(cpu: usize): void {
  atomic.store<u32>(cpu, 1, ARM64_POSTED_IC);
  askOthers(cpu, ARM64_REQUEST_PASS);
}

function carryOut(cpu: usize, request: u64): void {
  const what = u32(request) & 0xfff;
  if (what == ARM64_REQUEST_PASS) return;
  if (what == ARM64_REQUEST_ADDRESS) flushAddress(cpu, request & ~0xfff);
  else if (what == ARM64_REQUEST_LOWER) flushLower(cpu);
  else flushUsed(cpu);
}

/**
 * Handles the requests of one inbox. The writer does not wait for room; if it may have
 * overwritten a request during the read, all translations are dropped instead.
 */
function serveInbox(cpu: usize, inbox: usize): void {
  let done = load<u32>(inbox, ARM64_INBOX_DONE);
  for (
    let made = atomic.load<u32>(inbox, ARM64_INBOX_MADE);
    made != done;
    made = atomic.load<u32>(inbox, ARM64_INBOX_MADE)
  ) {
    if (made - done < LENGTH)
      for (let n = done; n != made; n++) {
        const at = inbox + ARM64_INBOX_REQUESTS + ((n & (LENGTH - 1)) << 3);
        carryOut(cpu, atomic.load<u64>(at));
      }
    // The writer may be storing one more request than it has counted, in the place of the
    // first.
    const now = atomic.load<u32>(inbox, ARM64_INBOX_MADE);
    if (now - done >= LENGTH) flushUsed(cpu);
    done = made;
    atomic.store<u32>(inbox, done, ARM64_INBOX_DONE);
  }
}

/**
 * Handles the requests of others, at a boundary of this vCPU or while it waits at one.
 */
export function serve(cpu: usize): void {
  if (atomic.load<u32>(cpu, ARM64_NOTICE) == 0) return;
  atomic.store<u32>(cpu, 0, ARM64_NOTICE);
  for (let sender: usize = 0; sender <= <usize>ARM64_INBOX_HOST; sender++)
    serveInbox(cpu, cpu + ARM64_INBOX + sender * ARM64_INBOX_SIZE);
}

/**
 * Passes an instruction boundary: the vCPU executes, and is not in the middle of an
 * instruction.
 */
export function passBoundary(cpu: usize): void {
  if (!isThreaded(cpu)) return;
  if (load<u32>(cpu, ARM64_PRESENCE) != ARM64_INSIDE)
    atomic.store<u32>(cpu, ARM64_INSIDE, ARM64_PRESENCE);
  serve(cpu);
}

/** Declares that the vCPU executes nothing until its next `passBoundary`. */
export function leaveGuest(cpu: usize): void {
  if (isThreaded(cpu)) atomic.store<u32>(cpu, 0, ARM64_PRESENCE);
}

/**
 * Declares that an instruction calls the host, which may take long: others need not wait
 * for it.
 */
export function beginExit(cpu: usize): void {
  if (isThreaded(cpu)) atomic.store<u32>(cpu, ARM64_MIDWAY, ARM64_PRESENCE);
}

/**
 * Declares that the host has returned: the instruction continues, and reaches a boundary
 * soon.
 */
export function endExit(cpu: usize): void {
  if (!isThreaded(cpu)) return;
  atomic.store<u32>(cpu, ARM64_INSIDE | ARM64_MIDWAY, ARM64_PRESENCE);
  serve(cpu);
  atomic.store<u32>(cpu, 0, ARM64_LIMIT);
}

/**
 * Whether a peer has handled the requests of this vCPU, or will before it executes
 * anything.
 */
function hasDone(cpu: usize, peer: usize): bool {
  const inbox = inboxOf(peer, cpu);
  if (atomic.load<u32>(inbox, ARM64_INBOX_DONE) == load<u32>(inbox, ARM64_INBOX_MADE)) return true;
  return (atomic.load<u32>(peer, ARM64_PRESENCE) & ARM64_INSIDE) == 0;
}

/**
 * DSB: waits until all peers have handled their requests; false when that takes too long.
 */
export function waitForOthers(cpu: usize): bool {
  const count = load<u32>(cpu, ARM64_PEER_COUNT);
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    const peer = peerOf(cpu, vcpu);
    if (peer == cpu) continue;
    let looks = LOOKS;
    while (!hasDone(cpu, peer)) {
      // Without this, two vCPUs that wait for each other would wait forever.
      serve(cpu);
      if (--looks == 0) return false;
    }
  }
  store<u32>(cpu, 0, ARM64_POSTED);
  atomic.store<u32>(cpu, 0, ARM64_POSTED_IC);
  return true;
}

/**
 * Whether no vCPU can be in the middle of an instruction whose record was discarded:
 * every IC has been waited for, and no vCPU has made an exit since its last boundary.
 */
export function areRecordsAtRest(cpu: usize): bool {
  const count = load<u32>(cpu, ARM64_PEER_COUNT);
  for (let vcpu: u32 = 0; vcpu < count; vcpu++) {
    const peer = peerOf(cpu, vcpu);
    if (atomic.load<u32>(peer, ARM64_POSTED_IC) != 0) return false;
    if ((atomic.load<u32>(peer, ARM64_PRESENCE) & ARM64_MIDWAY) != 0) return false;
  }
  return true;
}
