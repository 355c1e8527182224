// SPDX-License-Identifier: MIT
// A program by the user (program=…): a few operations of the driver and its device, one
// per step, with the queues, tables and DMA engine that the toy has brought up.
// Operations are separated by commas. Each is a letter and, for some, an address in
// lower-case hexadecimal without 0x. Anything else fails the check "program", and the
// program ends there (docs/demo.md gives the line of "Edit and run" for each):
//
// mIOVA.P, oIOVA.P  map page P of the toy's eight pages; o: read-only for the device
// uIOVA             clear the PTE, and nothing else
// rIOVA, wIOVA      the device reads or writes 64 bytes
// vIOVA, a, n       TLBI_NH_VA, TLBI_NH_ASID, TLBI_NH_ALL
// d, c              make the CD invalid; CFGI_CD
// t, s              make the STE abort; CFGI_STE
// y                 CMD_SYNC on every queue with commands since the last one, and wait

import { CD_V } from '../../assembly/layout/cd';
import { DMA_STATUS_DONE } from '../../assembly/layout/dma-engine-registers';
import { EVT_ID } from '../../assembly/layout/events';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { STE_V } from '../../assembly/layout/ste';
import {
  buildCfgiCd,
  buildCfgiSte,
  buildTlbiNhAll,
  buildTlbiNhAsid,
  buildTlbiNhVa,
} from '../driver/build-commands';
import { cmdq, Queue } from '../driver/driver-queues';
import { eventCount, eventRecord } from '../driver/event-queue';
import { processorQueue, vcmdqSupports } from '../driver/get-cmdq';
import { issue } from '../driver/issue';
import { RESULT_EXISTS, RESULT_OK } from '../driver/result';
import { IOVA_PAGE_SIZE, mapPages, unmapPages } from '../driver/stage1-table';
import { steOf } from '../driver/stream-table';
import { exitCount, gpaOf } from '../runtime/abi';
import { argumentText } from '../runtime/arguments';
import { flushLine } from '../runtime/console';
import { loadField, place } from '../runtime/guest-fields';
import { put, putDecimal, putDecimalIn, putHex } from '../runtime/text';
import { ASID, fillWords, LIVE_PAGES, SOURCE_IOVA, TARGET_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaCopy, dmaFaultAddress } from './dma-requests';
import { waitForEvents } from './dma-steps';
import { directName, toy } from './toy-state';

const PAGES: u32 = <u32>LIVE_PAGES;
const PAGE_BYTES: usize = <usize>IOVA_PAGE_SIZE;
const DMA_BYTES: u32 = 64;
/**
 * Page P is filled with this plus P, which identifies the page that the device has read.
 */
const PAGE_PATTERN: u32 = 0x50414730;
const WRITTEN_PATTERN: u32 = 0x77726974;

/** Width of the table's input addresses. */
const INPUT_BITS: u64 = 48;
/** Letters of operations with an address, and separators. */
const MAP: u32 = 0x6d;
const MAP_READ_ONLY: u32 = 0x6f;
const UNMAP: u32 = 0x75;
const DMA_READ: u32 = 0x72;
const DMA_WRITE: u32 = 0x77;
const TLBI_VA: u32 = 0x76;
const COMMA: u32 = 0x2c;
const POINT: u32 = 0x2e;

class Program {
  /** Memory offset of the next operation; 0 before the first. */
  at: usize = 0;
  /** Number of completed operations. */
  done: u32 = 0;
  /** 1 when the check "program" has failed. */
  refused: u32 = 0;
  /** The queues with commands that no CMD_SYNC has followed yet. */
  unsyncedDirect: u32 = 0;
  unsyncedCmdq: u32 = 0;
}

const PROGRAM: usize = memory.data(offsetof<Program>(), 64);
const COMMAND: usize = memory.data(CMDQ_ENTRY_SIZE, 16);

function program(): Program {
  return changetype<Program>(PROGRAM);
}

/** The value of a hexadecimal digit, -1 for any other character. */
function hexDigit(character: u32): i32 {
  if (character >= 48 && character <= 57) return character - 48;
  if (character >= 97 && character <= 102) return character - 87;
  return -1;
}

/**
 * Parses the next number. A number that does not fit in 64 bits is the largest that does.
 */
function takeNumber(): u64 {
  const state = program();
  let value: u64 = 0;
  for (; hexDigit(load<u8>(state.at)) >= 0; state.at++) {
    const digit = <u64>hexDigit(load<u8>(state.at));
    value = value >> 60 == 0 ? (value << 4) | digit : u64.MAX_VALUE;
  }
  return value;
}

function takesPage(letter: u32): bool {
  return letter == MAP || letter == MAP_READ_ONLY;
}

function takesIova(letter: u32): bool {
  return letter == UNMAP || letter == DMA_READ || letter == DMA_WRITE || letter == TLBI_VA;
}

function pageOf(number: u32): usize {
  return toy().live + <usize>number * PAGE_BYTES;
}

function begin(): void {
  program().at = argumentText('program=');
  for (let page: u32 = 0; page < PAGES; page++)
    fillWords(pageOf(page), PAGE_PATTERN + page, PAGE_BYTES);
}

function title(step: u32, name: string): void {
  put('[');
  putDecimalIn(step, 2);
  put('] ');
  put(name);
}

function endTitle(): void {
  flushLine();
  put('       ');
}

function addressTitle(step: u32, name: string, iova: u64): void {
  title(step, name);
  putHex(iova);
  endTitle();
}

function mapStep(step: u32, iova: u64, page: u32, writable: bool): void {
  title(step, 'map ');
  putHex(iova);
  put(' page ');
  putDecimal(page);
  if (!writable) put(' ro');
  endTitle();
  const result = mapPages(toy().table, iova, gpaOf(pageOf(page)), 1, writable);
  put(
    result == RESULT_OK
      ? 'PTE written'
      : result == RESULT_EXISTS
        ? 'there is a PTE already; nothing changed'
        : 'not mapped',
  );
  putResult(result);
}

function unmapStep(iova: u64): void {
  put(unmapPages(toy().table, iova, 1) == 1 ? 'PTE cleared' : 'there was none');
}

/** Prints which of the toy's pages begins with the value read, or the value itself. */
function putPageRead(): void {
  const number = load<u32>(toy().target) - PAGE_PATTERN;
  put('the device has read ');
  if (number < PAGES) {
    put('page ');
    putDecimal(number);
  } else {
    put('other memory');
  }
}

function putPageWritten(): void {
  for (let page: u32 = 0; page < PAGES; page++) {
    const start = pageOf(page);
    let found: u32 = 0;
    for (let at: usize = 0; at < PAGE_BYTES; at += DMA_BYTES) {
      if (load<u32>(start + at) == WRITTEN_PATTERN) found = 1;
    }
    if (found == 0) continue;
    fillWords(start, PAGE_PATTERN + page, PAGE_BYTES);
    put('the device has written to page ');
    putDecimal(page);
    return;
  }
  put('the device has written to other memory');
}

function putFault(events: u32): void {
  put('the DMA fails at iova ');
  putHex(dmaFaultAddress());
  if (!waitForEvents(events + 1)) return;
  put(', event ');
  putHex(loadField(eventRecord(events), EVT_ID));
}

function dmaStep(iova: u64, writes: bool): void {
  const state = toy();
  const events = eventCount();
  fillWords(state.target, 0, DMA_BYTES);
  fillWords(state.source, WRITTEN_PATTERN, DMA_BYTES);
  const status = writes
    ? dmaCopy(SOURCE_IOVA, iova, DMA_BYTES)
    : dmaCopy(iova, TARGET_IOVA, DMA_BYTES);
  if (status != DMA_STATUS_DONE) putFault(events);
  else if (writes) putPageWritten();
  else putPageRead();
}

/** Writes the command to the queue that supports it, without a CMD_SYNC. */
function send(name: string): void {
  const direct = vcmdqSupports(COMMAND) && processorQueue() != cmdq();
  const exits = exitCount();
  const result = issue(direct ? processorQueue() : cmdq(), COMMAND, 1, false);
  const taken = exitCount() - exits;
  if (direct) program().unsyncedDirect = 1;
  else program().unsyncedCmdq = 1;
  put(name);
  put(' on the ');
  put(direct ? directName() : 'CMDQ');
  put(', ');
  putDecimal(taken);
  put(taken == 1 ? ' exit' : ' exits');
  putResult(result);
}

function syncOn(queue: Queue): void {
  const exits = exitCount();
  const result = issue(queue, 0, 0, true);
  const taken = exitCount() - exits;
  put('CMD_SYNC on the ');
  put(queue == cmdq() ? 'CMDQ' : directName());
  put(' has completed, ');
  putDecimal(taken);
  put(taken == 1 ? ' exit' : ' exits');
  putResult(result);
}

function syncStep(): void {
  const state = program();
  const both = state.unsyncedDirect != 0 && state.unsyncedCmdq != 0;
  if (state.unsyncedCmdq != 0) syncOn(cmdq());
  if (both) put('; ');
  if (state.unsyncedDirect != 0 || state.unsyncedCmdq == 0) syncOn(processorQueue());
  state.unsyncedDirect = 0;
  state.unsyncedCmdq = 0;
}

/** Carries out the operation of a letter. False for an unknown letter. */
function carryOut(letter: u32, iova: u64, page: u32, step: u32): bool {
  const state = toy();
  switch (letter) {
    case MAP:
      mapStep(step, iova, page, true);
      return true;
    case MAP_READ_ONLY:
      mapStep(step, iova, page, false);
      return true;
    case UNMAP:
      addressTitle(step, 'unmap ', iova);
      unmapStep(iova);
      return true;
    case DMA_READ:
      addressTitle(step, 'dma read ', iova);
      dmaStep(iova, false);
      return true;
    case DMA_WRITE:
      addressTitle(step, 'dma write ', iova);
      dmaStep(iova, true);
      return true;
    case TLBI_VA:
      addressTitle(step, 'tlbi va ', iova);
      buildTlbiNhVa(COMMAND, 0, ASID, iova);
      send('TLBI_NH_VA');
      return true;
    case 0x61:
      title(step, 'tlbi asid');
      endTitle();
      buildTlbiNhAsid(COMMAND, 0, ASID);
      send('TLBI_NH_ASID');
      return true;
    case 0x6e:
      title(step, 'tlbi all');
      endTitle();
      buildTlbiNhAll(COMMAND, 0);
      send('TLBI_NH_ALL');
      return true;
    case 0x64:
      title(step, 'cd off');
      endTitle();
      atomic.store<u64>(state.cd, load<u64>(state.cd) & ~u64(place(CD_V, 1)));
      put('CD.V cleared');
      return true;
    case 0x63:
      title(step, 'cfgi cd');
      endTitle();
      buildCfgiCd(COMMAND, state.sid, 0);
      send('CFGI_CD');
      return true;
    case 0x74:
      title(step, 'ste abort');
      endTitle();
      // Config 0: abort.
      atomic.store<u64>(steOf(state.sid), place(STE_V, 1));
      put('STE.Config set to abort');
      return true;
    case 0x73:
      title(step, 'cfgi ste');
      endTitle();
      buildCfgiSte(COMMAND, state.sid);
      send('CFGI_STE');
      return true;
    case 0x79:
      title(step, 'sync');
      endTitle();
      syncStep();
      return true;
    default:
      return false;
  }
}

/** Reports why the next operation is invalid, and ends the program. @returns false. */
function refuse(why: string): bool {
  put('operation ');
  putDecimal(program().done + 1);
  put(why);
  program().refused = 1;
  return check('program', false);
}

/**
 * Carries out the next operation.
 * @param step its number on the console.
 * @returns false when it was the last.
 */
export function programStep(step: u32): bool {
  const state = program();
  if (state.at == 0) begin();
  const letter = load<u8>(state.at);
  if (letter == 0) return false;
  state.at++;
  let iova: u64 = 0;
  let page: u64 = 0;
  if (takesPage(letter) || takesIova(letter)) {
    if (hexDigit(load<u8>(state.at)) < 0) return refuse(' has no address');
    iova = takeNumber();
    if (iova >> INPUT_BITS != 0) return refuse(' has an address beyond 48 bits');
    if (
      (takesPage(letter) || letter == UNMAP || letter == TLBI_VA) &&
      (iova & (IOVA_PAGE_SIZE - 1)) != 0
    )
      return refuse(' has no address of a page');
  }
  if (takesPage(letter)) {
    if (load<u8>(state.at) != POINT || hexDigit(load<u8>(state.at + 1)) < 0)
      return refuse(' has no page');
    state.at++;
    page = takeNumber();
    if (page >= PAGES) return refuse(' has a page that the toy has not');
  }
  const end = load<u8>(state.at);
  if (end != 0 && end != COMMA) return refuse(' has something after it');
  if (!carryOut(letter, iova, <u32>page, step)) return refuse(' is none that the toy knows');
  flushLine();
  state.done++;
  if (end == COMMA) state.at++;
  return load<u8>(state.at) != 0;
}

/**
 * The check "program" at the toy's last step: the program has been carried out to its
 * end.
 */
export function checkProgram(): void {
  const state = program();
  if (state.refused != 0) return;
  putDecimal(state.done);
  put(state.done == 1 ? ' operation' : ' operations');
  check('program', state.at != 0);
}
