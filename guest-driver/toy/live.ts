// SPDX-License-Identifier: MIT
// A live run: the toy keeps mapping, transferring, unmapping and invalidating, in a few
// address spaces with an ASID each, so that there is something to watch. Each call runs
// one beat, which does one thing. Single characters on the console's input control it.

import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PATH_TRAPPED,
} from '../../assembly/layout/checkpoint-registers';
import { DMA_STATUS_DONE } from '../../assembly/layout/dma-engine-registers';
import { ABI_INVALIDATING_CMDQ } from '../../assembly/layout/guest-abi';
import { markCmdqBatches } from '../driver/batch';
import { eventCount } from '../driver/event-queue';
import { directQueues } from '../driver/get-cmdq';
import { serviceInterrupts } from '../driver/interrupt-handlers';
import { invalidateAsid, invalidatePages } from '../driver/invalidate-pages';
import { RESULT_OK } from '../driver/result';
import { allocateContextDescriptors, writeContextDescriptor } from '../driver/stage1-cd';
import { allocateTable, IOVA_PAGE_SIZE, mapPages, unmapPages } from '../driver/stage1-table';
import { attachStage1, detachStream } from '../driver/stream-table';
import { gpaOf } from '../runtime/abi';
import { flushLine, readByte } from '../runtime/console';
import { allocate } from '../runtime/pages';
import { put, putDecimal, putHex } from '../runtime/text';
import { ASID, fillWords, LIVE_PATTERN } from './address-space';
import { dmaVerify } from './dma-requests';
import { workInParallel } from './parallel';
import { illegalCommandStep } from './queue-steps';
import { traceInvalidation } from './slow-motion';
import { PATH_ALL, PATH_DIRECT, PATH_TRAPPED, toy, usesDirect } from './toy-state';

/**
 * Number of address spaces, with ASIDs from 1; pages that each round maps in one of them.
 */
const SPACES: u32 = 4;
const PAGES: u32 = 16;
const WINDOWS: u32 = 4;
const WORK_IOVA: u64 = 0x1c0000000;
/** Stays mapped, and in the TLB, after a switch to another address space. */
const KEPT_IOVA: u64 = 0x1e0000000;
/** Never mapped. */
const HOLE_IOVA: u64 = 0x1f0000000;
/**
 * Beats of a round; rounds between two faults, and between two switches of the address
 * space.
 */
const BEATS: u32 = 4;
const FAULT_ROUNDS: u32 = 8;
const SPACE_ROUNDS: u32 = 4;

class Live {
  /** Memory offset of the pages that are transferred. */
  buffer: usize = 0;
  beat: u32 = 0;
  /** Index of the address space in use. */
  space: u32 = 0;
  failures: u32 = 0;
  faultWanted: u32 = 0;
}

const LIVE: usize = memory.data(offsetof<Live>(), 64);
/** Level-0 table and CD of each address space. */
const TABLES: usize = memory.data(32, 8);
const CDS: usize = memory.data(32, 8);

function live(): Live {
  return changetype<Live>(LIVE);
}

function tableOf(space: u32): usize {
  return load<usize>(TABLES + (space << 3));
}

function asidOf(space: u32): u32 {
  return ASID + space;
}

/**
 * The iova of the round's mappings: the windows alternate, so that entries of earlier
 * rounds are seen to stay in the TLB or to leave it.
 */
function windowIova(): u64 {
  return WORK_IOVA + <u64>((live().beat / BEATS) % WINDOWS) * PAGES * IOVA_PAGE_SIZE;
}

/** Builds the address spaces. The first one is the toy's own. */
export function beginLive(): void {
  const state = live();
  state.buffer = allocate(<usize>PAGES * IOVA_PAGE_SIZE, IOVA_PAGE_SIZE);
  let ok = state.buffer != 0;
  for (let space: u32 = 0; space < SPACES && ok; space++) {
    const table = space == 0 ? toy().table : allocateTable();
    const cd = space == 0 ? toy().cd : allocateContextDescriptors(0);
    ok = table != 0 && cd != 0;
    if (ok && space != 0) writeContextDescriptor(cd, table, asidOf(space));
    store<usize>(TABLES + (space << 3), table);
    store<usize>(CDS + (space << 3), cd);
  }
  if (!ok) toy().broken = 1;
  else fillWords(state.buffer, LIVE_PATTERN, <usize>PAGES * IOVA_PAGE_SIZE);
}

/** Maps pages and lets the device read them, so that the TLB has them. */
function mapAndTransfer(iova: u64): bool {
  if (mapPages(tableOf(live().space), iova, gpaOf(live().buffer), PAGES, false) != RESULT_OK)
    return false;
  return dmaVerify(iova, LIVE_PATTERN, PAGES * IOVA_PAGE_SIZE) == DMA_STATUS_DONE;
}

function unmapAndInvalidate(): bool {
  const state = live();
  unmapPages(tableOf(state.space), windowIova(), PAGES);
  markCmdqBatches(ABI_INVALIDATING_CMDQ);
  const result = invalidatePages(asidOf(state.space), windowIova(), PAGES);
  markCmdqBatches(0);
  return result == RESULT_OK;
}

function trace(): bool {
  const asid = asidOf(live().space);
  let ok = true;
  if (toy().path != PATH_TRAPPED) ok = traceInvalidation(CHECKPOINT_PATH_DIRECT, asid, WORK_IOVA);
  if (usesDirect() && directQueues() != 0) ok = workInParallel(asid) && ok;
  if (toy().path != PATH_DIRECT)
    ok = traceInvalidation(CHECKPOINT_PATH_TRAPPED, asid, WORK_IOVA) && ok;
  return ok;
}

/** DMA to an unmapped iova, which causes an event record. */
function fault(): bool {
  const events = eventCount();
  const status = dmaVerify(HOLE_IOVA, LIVE_PATTERN, 4);
  serviceInterrupts();
  put('       DMA to unmapped iova ');
  putHex(HOLE_IOVA);
  put(': event record ');
  putDecimal(eventCount());
  flushLine();
  return status != DMA_STATUS_DONE && eventCount() >= events;
}

/**
 * Attaches the stream to the next address space. Entries of the previous one stay in the
 * TLB until it is used again.
 */
function switchSpace(): bool {
  const state = live();
  state.space = (state.space + 1) % SPACES;
  unmapPages(tableOf(state.space), KEPT_IOVA, PAGES);
  let ok = invalidateAsid(asidOf(state.space)) == RESULT_OK;
  ok = detachStream(toy().sid) == RESULT_OK && ok;
  ok = attachStage1(toy().sid, load<usize>(CDS + (state.space << 3)), 0) == RESULT_OK && ok;
  put('       the stream changes to ASID ');
  putDecimal(asidOf(state.space));
  flushLine();
  return ok;
}

/** Actions that do not occur in every round. */
function occasion(round: u32): bool {
  const state = live();
  const wanted = state.faultWanted != 0;
  state.faultWanted = 0;
  if (wanted || round % FAULT_ROUNDS == 0) return fault();
  if (round % SPACE_ROUNDS == SPACE_ROUNDS - 2) return mapAndTransfer(KEPT_IOVA);
  if (round % SPACE_ROUNDS == SPACE_ROUNDS - 1) return switchSpace();
  return true;
}

function say(text: string): void {
  put('       ');
  put(text);
  flushLine();
}

/** Carries out one character. False for q. */
function obey(key: u32): bool {
  const state = toy();
  switch (key) {
    case 0x64: // d
      // A toy that was told not to use VCMDQs or ECMDQs has none.
      if (!usesDirect()) break;
      state.path = PATH_DIRECT;
      say('invalidations: direct');
      break;
    case 0x74: // t
      if (!usesDirect()) break;
      // Not PATH_TRAPPED: the queues exist, and d must be able to switch back.
      state.path = PATH_ALL;
      say('invalidations: direct and trapped in turn');
      break;
    case 0x66: // f
      live().faultWanted = 1;
      break;
    case 0x69: // i
      if (usesDirect()) illegalCommandStep();
      break;
    case 0x73: // s
      put('       ');
      putDecimal(live().beat);
      put(' beats, ');
      putDecimal(live().failures);
      put(' failures, ');
      putDecimal(eventCount());
      put(' event records');
      flushLine();
      break;
    case 0x3f: // ?
      say('d direct only, t direct and trapped, f fault, i illegal command, s status, q power off');
      break;
    case 0x71: // q
      return false;
    default:
  }
  return true;
}

/** One beat. False when the guest is to power off. */
export function liveBeat(): bool {
  const state = live();
  const key = readByte();
  if (key >= 0 && !obey(key)) return false;
  let ok = true;
  switch (state.beat % BEATS) {
    case 0:
      ok = mapAndTransfer(windowIova());
      break;
    case 1:
      ok = unmapAndInvalidate();
      break;
    case 2:
      ok = trace();
      break;
    default:
      ok = occasion(state.beat / BEATS);
  }
  if (!ok) {
    state.failures++;
    toy().failures++;
    say('something failed');
  }
  state.beat++;
  serviceInterrupts();
  return true;
}
