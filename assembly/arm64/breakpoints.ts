// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints (Arm ARM, D2.8 to D2.10). The loops do not check for them:
// a page with a breakpoint is executed one instruction at a time (stepwise.ts), and a
// page with a watchpoint is not in the data TLB.

import {
  ARM64_BREAKPOINTS,
  ARM64_EL,
  ARM64_PC,
  ARM64_WATCHPOINTS,
  BANK_CONTEXTIDR,
} from '../layout/arm64-state';
import { debugEnabled, hasDebug, MDSCR_MDE } from './debug-state';
import { regimeOf } from './stage1-walk';
import { AT_DBGBCR0_EL1, AT_DBGBVR0_EL1, AT_DBGWCR0_EL1, AT_DBGWVR0_EL1 } from './system-registers';

/** Distance from one value and control register pair to the next, 8 bytes each. */
const STRIDE: u32 = 16;
const BREAKPOINTS: u32 = ARM64_BREAKPOINTS;
const WATCHPOINTS: u32 = ARM64_WATCHPOINTS;
/** The address bits that are compared: 48, and one that selects the half. */
const ADDRESS: u64 = 0x1ffffffffffff;
const CR_E: u64 = 1;
const CR_BAS: u64 = 0xff;
const SSC_SECURE: u32 = 2;

// DBGBCR.BT: an address, CONTEXTIDR_EL1, and the variants of these for linking.
const BT_ADDRESS: u32 = 0;
const BT_LINKED_ADDRESS: u32 = 1;
const BT_CONTEXT: u32 = 2;
const BT_LINKED_CONTEXT: u32 = 3;

/** DBGWCR.LSC: loads, stores. */
const LSC_LOAD: u32 = 1;
const LSC_STORE: u32 = 2;

function typeOf(control: u64): u32 {
  return u32(control >> 20) & 15;
}

/**
 * Whether the context matches. Only the last breakpoint compares contexts
 * (ID_AA64DFR0_EL1.CTX_CMPs 0).
 */
function matchesContext(cpu: usize, n: u32): bool {
  if (n != BREAKPOINTS - 1) return false;
  const value = load<u64>(cpu + AT_DBGBVR0_EL1 + n * STRIDE);
  const context = load<u64>(regimeOf(cpu), BANK_CONTEXTIDR);
  return u32(value) == u32(context);
}

/** Whether the breakpoint that a control register links to is enabled and matches. */
function isLinkedTo(cpu: usize, control: u64): bool {
  const n = u32(control >> 16) & 15;
  if (n >= BREAKPOINTS) return false;
  const other = load<u64>(cpu + AT_DBGBCR0_EL1 + n * STRIDE);
  return (other & CR_E) != 0 && typeOf(other) == BT_LINKED_CONTEXT && matchesContext(cpu, n);
}

/** Whether SSC and PMC or PAC select an exception level, in Non-secure state. */
function isForLevel(control: u64, el: u32): bool {
  return (u32(control >> 14) & 3) != SSC_SECURE && ((control >> (el == 0 ? 2 : 1)) & 1) != 0;
}

function ofAddress(cpu: usize, n: u32, address: u64, ignored: u64): bool {
  const value = load<u64>(cpu + AT_DBGBVR0_EL1 + n * STRIDE);
  return ((value ^ address) & ADDRESS & ~ignored) == 0;
}

/** Whether the page of the PC has a breakpoint, even one that does not match now. */
export function isBreakpointPage(cpu: usize): bool {
  if (!hasDebug(cpu, MDSCR_MDE)) return false;
  for (let n: u32 = 0; n < BREAKPOINTS; n++) {
    const control = load<u64>(cpu + AT_DBGBCR0_EL1 + n * STRIDE);
    if ((control & CR_E) == 0) continue;
    const type = typeOf(control);
    if (type == BT_CONTEXT) return true;
    if (type <= BT_LINKED_ADDRESS && ofAddress(cpu, n, load<u64>(cpu, ARM64_PC), 0xfff))
      return true;
  }
  return false;
}

/** Whether a breakpoint matches the PC. */
export function isBreakpoint(cpu: usize): bool {
  if (!hasDebug(cpu, MDSCR_MDE) || !debugEnabled(cpu)) return false;
  const el = load<u32>(cpu, ARM64_EL);
  const pc = load<u64>(cpu, ARM64_PC);
  for (let n: u32 = 0; n < BREAKPOINTS; n++) {
    const control = load<u64>(cpu + AT_DBGBCR0_EL1 + n * STRIDE);
    if ((control & CR_E) == 0 || !isForLevel(control, el)) continue;
    const type = typeOf(control);
    if (type == BT_CONTEXT && matchesContext(cpu, n)) return true;
    if (type > BT_LINKED_ADDRESS || !ofAddress(cpu, n, pc, 3)) continue;
    if (type == BT_ADDRESS || isLinkedTo(cpu, control)) return true;
  }
  return false;
}

/** log2 of the byte range that DBGWVR selects: the bytes of BAS, or an aligned range. */
function maskOf(control: u64, value: u64): u32 {
  const mask = u32(control >> 24) & 31;
  // 1 and 2 are reserved, and act as 0. For a word-aligned value bits 3 to 0 of BAS
  // apply.
  return mask > 2 ? mask : (value & 4) != 0 ? 2 : 3;
}

/** Whether a page has a watchpoint, even one that does not match now. */
export function isWatchedPage(cpu: usize, va: u64): bool {
  if (!hasDebug(cpu, MDSCR_MDE)) return false;
  for (let n: u32 = 0; n < WATCHPOINTS; n++) {
    const control = load<u64>(cpu + AT_DBGWCR0_EL1 + n * STRIDE);
    const value = load<u64>(cpu + AT_DBGWVR0_EL1 + n * STRIDE);
    const same = ((u64(1) << maskOf(control, value)) - 1) | 0xfff;
    if ((control & CR_E) != 0 && ((va ^ value) & ADDRESS & ~same) == 0) return true;
  }
  return false;
}

function watches(control: u64, value: u64, address: u64): bool {
  const mask = maskOf(control, value);
  const inside = (u64(1) << mask) - 1;
  if (((address ^ value) & ADDRESS & ~inside) != 0) return false;
  const bytes = (control >> 5) & CR_BAS;
  return mask > 3 ? bytes == CR_BAS : ((bytes >> (address & inside)) & 1) != 0;
}

/**
 * The offset of the first byte of an access, made with the permissions of `el`, that a
 * watchpoint matches; `size` when there is none.
 */
export function watchedByte(cpu: usize, va: u64, size: u32, el: u32, isWrite: bool): u32 {
  if (!hasDebug(cpu, MDSCR_MDE) || !debugEnabled(cpu)) return size;
  const kind = isWrite ? LSC_STORE : LSC_LOAD;
  let first = size;
  for (let n: u32 = 0; n < WATCHPOINTS; n++) {
    const control = load<u64>(cpu + AT_DBGWCR0_EL1 + n * STRIDE);
    if ((control & CR_E) == 0 || !isForLevel(control, el)) continue;
    if ((u32(control >> 3) & 3 & kind) == 0) continue;
    if (((control >> 20) & 1) != 0 && !isLinkedTo(cpu, control)) continue;
    const value = load<u64>(cpu + AT_DBGWVR0_EL1 + n * STRIDE);
    for (let i: u32 = 0; i < first; i++) {
      if (!watches(control, value, va + i)) continue;
      first = i;
      break;
    }
  }
  return first;
}
