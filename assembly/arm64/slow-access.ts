// SPDX-License-Identifier: MIT
// Accesses that miss in the soft TLB: translations, pages of devices, accesses that cross
// pages.

import { mmio } from '../imports/board';
import {
  ARM64_BUFFER,
  ARM64_EL,
  ARM64_FAULT_ESR,
  ARM64_MMIO_ADDRESS,
  ARM64_MMIO_SIZE,
  ARM64_MMIO_VALUE,
  ARM64_TLB,
  ARM64_TLB_DEVICE,
  ARM64_TLB_STRIDE,
  ARM64_TLB_WRITE,
  ARM64_WALK_DEVICE,
  ARM64_WALK_PA,
  ARM64_WALK_SHIFT,
  ARM64_WALK_USER,
  BANK_SCTLR,
} from '../layout/arm64-state';
import { isWatchedPage, watchedByte } from './breakpoints';
import { isDebuggerWatched, isDebuggerWatchedPage } from './debugger-stops';
import { EC_DATA_ABORT, EC_WATCHPOINT, setFault } from './exception';
import { hostOf } from './guest-ram';
import { isNoted, noteStore } from './icache-check';
import { beginExit, endExit } from './inboxes';
import { directMapOf, readMap, writeMap } from './mapped-registers';
import {
  FAULT_ALIGNMENT,
  FAULT_DEBUG,
  FAULT_EXTERNAL,
  READ,
  regimeOf,
  TRANSLATED,
  translate,
  WRITE,
} from './stage1-walk';
import { noteEntry } from './tlb';

/** ESR_ELx.ISS.WnR of a data abort. */
const WNR: u32 = 1 << 6;
/** SCTLR_EL1.A: every unaligned access faults. */
const SCTLR_A: u64 = 2;

/** Result of `locateData` for an access to a device: the PA is in ARM64_WALK_PA. */
export const DEVICE: usize = 1;

function dataAbort(cpu: usize, status: u32, access: u32, va: u64): void {
  setFault(cpu, EC_DATA_ABORT, status | (access == WRITE ? WNR : 0), va);
}

/**
 * Host address of an access inside one page; DEVICE when it is not RAM; 0 when it faults.
 * Adds the page to the TLB of the level, except RAM where alignment has to be checked,
 * and except pages that EL0 can access in the TLB of EL1 (PSTATE.PAN).
 */
function locateData(cpu: usize, va: u64, el: u32, access: u32, aligned: bool): usize {
  const offset: usize = access == WRITE ? <usize>ARM64_TLB_WRITE : 0;
  const entry = cpu + ARM64_TLB + el * ARM64_TLB_STRIDE + offset + ((usize(va) >> 8) & 0x3ff0);
  const tag = load<u64>(entry);
  if (tag == (va & ~0xfff)) return usize(va) + load<usize>(entry, 8);
  if (tag == ((va & ~0xfff) | ARM64_TLB_DEVICE)) {
    store<u64>(cpu, load<u64>(entry, 8) | (va & 0xfff), ARM64_WALK_PA);
    if (aligned) return DEVICE;
    dataAbort(cpu, FAULT_ALIGNMENT, access, va);
    return 0;
  }
  const status = translate(cpu, va, el, access, true);
  if (status != TRANSLATED) {
    dataAbort(cpu, status, access, va);
    return 0;
  }
  const device = load<u32>(cpu, ARM64_WALK_DEVICE) != 0;
  const strict = device || (load<u64>(regimeOf(cpu), BANK_SCTLR) & SCTLR_A) != 0;
  if (strict && !aligned) {
    dataAbort(cpu, FAULT_ALIGNMENT, access, va);
    return 0;
  }
  const pa = load<u64>(cpu, ARM64_WALK_PA);
  const page = hostOf(cpu, pa & ~0xfff, 4096);
  const lasts =
    (el == 0 || load<u32>(cpu, ARM64_WALK_USER) == 0) &&
    !isWatchedPage(cpu, va) &&
    !isDebuggerWatchedPage(cpu, va) &&
    !(access == WRITE && page != 0 && isNoted(cpu, page));
  if (page == 0) {
    if (device && lasts) {
      noteEntry(cpu, va, el, load<u32>(cpu, ARM64_WALK_SHIFT));
      store<u64>(entry, (va & ~0xfff) | ARM64_TLB_DEVICE);
      store<u64>(entry, pa & ~0xfff, 8);
    }
    return DEVICE;
  }
  if (!strict && lasts) {
    noteEntry(cpu, va, el, load<u32>(cpu, ARM64_WALK_SHIFT));
    store<u64>(entry, va & ~0xfff);
    store<usize>(entry, page - (usize(va) & ~0xfff), 8);
  }
  return page + (usize(pa) & 0xfff);
}

/**
 * Accesses 1, 2, 4 or 8 bytes at the PA in ARM64_WALK_PA plus `offset`, through a direct
 * map or by a call of the board.
 */
function device(cpu: usize, va: u64, offset: u32, size: u32, access: u32): bool {
  const pa = load<u64>(cpu, ARM64_WALK_PA) + offset;
  const map = directMapOf(cpu, pa, size);
  if (map != 0) {
    if (access == WRITE) writeMap(cpu, map, pa, size);
    else readMap(cpu, map, pa, size);
    return true;
  }
  store<u64>(cpu, pa, ARM64_MMIO_ADDRESS);
  store<u32>(cpu, size, ARM64_MMIO_SIZE);
  beginExit(cpu);
  const known = mmio(cpu, access == WRITE);
  endExit(cpu);
  if (known) return true;
  dataAbort(cpu, FAULT_EXTERNAL, access, va);
  return false;
}

/**
 * Whether a watchpoint prevents an access that would otherwise succeed. If so, its
 * exception is in ARM64_FAULT_*, or a debugger's stop has been stored.
 */
function watched(cpu: usize, va: u64, size: u32, el: u32, access: u32): bool {
  if (isDebuggerWatched(cpu, va, size, access == WRITE)) return true;
  const first = watchedByte(cpu, va, size, el, access == WRITE);
  if (first == size) return false;
  setFault(cpu, EC_WATCHPOINT, FAULT_DEBUG | (access == WRITE ? WNR : 0), va + first);
  return true;
}

/** Host address of a part of an access that crosses pages, or 0 when it faults. */
function crossing(cpu: usize, va: u64, el: u32, access: u32): usize {
  const at = locateData(cpu, va, el, access, false);
  if (at != DEVICE) return at;
  // No device accepts an unaligned access.
  dataAbort(cpu, FAULT_ALIGNMENT, access, va);
  return 0;
}

/**
 * Loads as exception level `el`: the address of the bytes, in RAM or in ARM64_BUFFER, or
 * 0 when the access faults. `element` is the size whose alignment is checked, if it is:
 * half of a pair.
 */
export function loadAs(cpu: usize, va: u64, size: u32, el: u32, element: u32): usize {
  const aligned = (va & u64(element - 1)) == 0;
  const first: u32 = 4096 - (u32(va) & 0xfff);
  if (first >= size) {
    const at = locateData(cpu, va, el, READ, aligned);
    if (at == 0 || watched(cpu, va, size, el, READ)) return 0;
    if (at != DEVICE) return at;
    for (let offset: u32 = 0; offset < size; offset += element) {
      if (!device(cpu, va + offset, offset, element, READ)) return 0;
      memory.copy(cpu + ARM64_BUFFER + offset, cpu + ARM64_MMIO_VALUE, element);
    }
    return cpu + ARM64_BUFFER;
  }
  const low = crossing(cpu, va, el, READ);
  if (low == 0) return 0;
  const high = crossing(cpu, va + first, el, READ);
  if (high == 0 || watched(cpu, va, size, el, READ)) return 0;
  memory.copy(cpu + ARM64_BUFFER, low, first);
  memory.copy(cpu + ARM64_BUFFER + first, high, size - first);
  return cpu + ARM64_BUFFER;
}

/** Stores one or two elements, each with one store. */
function storeElements(at: usize, size: u32, element: u32, low: u64, high: u64): void {
  switch (element) {
    case 1:
      store<u8>(at, u8(low));
      return;
    case 2:
      store<u16>(at, u16(low));
      return;
    case 4:
      store<u32>(at, u32(low));
      if (size == 8) store<u32>(at, u32(low >> 32), 4);
      return;
    default:
      store<u64>(at, low);
      if (size == 16) store<u64>(at, high, 8);
  }
}

/**
 * Stores the first `size` bytes of two u64 as exception level `el`; false, with nothing
 * stored, when it faults.
 */
export function storeAs(
  cpu: usize,
  va: u64,
  size: u32,
  el: u32,
  element: u32,
  lowHalf: u64,
  highHalf: u64,
): bool {
  store<u64>(cpu, lowHalf, ARM64_BUFFER);
  store<u64>(cpu, highHalf, ARM64_BUFFER + 8);
  const aligned = (va & u64(element - 1)) == 0;
  const first: u32 = 4096 - (u32(va) & 0xfff);
  if (first >= size) {
    const at = locateData(cpu, va, el, WRITE, aligned);
    if (at == 0 || watched(cpu, va, size, el, WRITE)) return false;
    if (at != DEVICE) {
      noteStore(cpu, at, size);
      storeElements(at, size, element, lowHalf, highHalf);
      return true;
    }
    for (let offset: u32 = 0; offset < size; offset += element) {
      store<u64>(cpu, 0, ARM64_MMIO_VALUE);
      memory.copy(cpu + ARM64_MMIO_VALUE, cpu + ARM64_BUFFER + offset, element);
      if (!device(cpu, va + offset, offset, element, WRITE)) return false;
    }
    return true;
  }
  const low = crossing(cpu, va, el, WRITE);
  if (low == 0) return false;
  const high = crossing(cpu, va + first, el, WRITE);
  if (high == 0 || watched(cpu, va, size, el, WRITE)) return false;
  noteStore(cpu, low, first);
  noteStore(cpu, high, size - first);
  memory.copy(low, cpu + ARM64_BUFFER, first);
  memory.copy(high, cpu + ARM64_BUFFER + first, size - first);
  return true;
}

/**
 * A read that missed in the TLB of the current level. 16 bytes are a pair of X registers.
 */
export function slowLoad(cpu: usize, va: u64, size: u32, element: u32): usize {
  return loadAs(cpu, va, size, load<u32>(cpu, ARM64_EL), element);
}

export function slowStore(
  cpu: usize,
  va: u64,
  size: u32,
  element: u32,
  lowHalf: u64,
  highHalf: u64,
): bool {
  return storeAs(cpu, va, size, load<u32>(cpu, ARM64_EL), element, lowHalf, highHalf);
}

/** For the host: address of a byte that EL1 can read, 0 when it is not RAM. */
export function hostAddress(cpu: usize, va: u64): usize {
  if (translate(cpu, va, 1, READ, false) != TRANSLATED) return 0;
  return hostOf(cpu, load<u64>(cpu, ARM64_WALK_PA), 1);
}

/**
 * Host address of `size` aligned bytes that an atomic access reads, writes, or both; 0
 * when it faults. A fault of the read is reported as a read. Atomics on devices are
 * external aborts.
 */
export function atomicAddress(cpu: usize, va: u64, size: u32, reads: bool, writes: bool): usize {
  const access = writes ? WRITE : READ;
  if ((va & u64(size - 1)) != 0) {
    dataAbort(cpu, FAULT_ALIGNMENT, access, va);
    return 0;
  }
  const el = load<u32>(cpu, ARM64_EL);
  const at = locateData(cpu, va, el, access, true);
  if (at == 0) {
    if (reads && writes && translate(cpu, va, el, READ, true) != TRANSLATED)
      store<u32>(cpu, load<u32>(cpu, ARM64_FAULT_ESR) & ~WNR, ARM64_FAULT_ESR);
    return 0;
  }
  if (reads && watched(cpu, va, size, el, READ)) return 0;
  if (writes && watched(cpu, va, size, el, WRITE)) return 0;
  if (at != DEVICE) {
    if (writes) noteStore(cpu, at, size);
    return at;
  }
  dataAbort(cpu, FAULT_EXTERNAL, access, va);
  return 0;
}
