// SPDX-License-Identifier: MIT
// Translation at stage 1 (Arm ARM, D8): 4, 16 and 64 KiB granules, both tables of EL1 and
// EL0.

import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_PAN,
  ARM64_WALK_ATTRIBUTES,
  ARM64_WALK_DEVICE,
  ARM64_WALK_PA,
  ARM64_WALK_SHIFT,
  ARM64_WALK_USER,
  BANK_MAIR,
  BANK_SCTLR,
  BANK_TCR,
  BANK_TTBR0,
  BANK_TTBR1,
} from '../layout/arm64-state';
import { hostOf } from './guest-ram';

/** Kinds of accesses. */
export const READ: u32 = 0;
export const WRITE: u32 = 1;
export const FETCH: u32 = 2;

// Fault status codes; those with a level have it in bits 1 and 0.
const FAULT_ADDRESS_SIZE: u32 = 0x00;
const FAULT_TRANSLATION: u32 = 0x04;
const FAULT_ACCESS_FLAG: u32 = 0x08;
const FAULT_PERMISSION: u32 = 0x0c;
export const FAULT_EXTERNAL: u32 = 0x10;
const FAULT_EXTERNAL_WALK: u32 = 0x14;
export const FAULT_ALIGNMENT: u32 = 0x21;
export const FAULT_DEBUG: u32 = 0x22;
/** Result of a translation without a fault. */
export const TRANSLATED: u32 = 0xff;

const SCTLR_M = 1;
const SCTLR_WXN = 1 << 19;
/** Bits of a physical address (ID_AA64MMFR0_EL1.PARange 5). */
const PA_BITS: u32 = 48;
const PA_MASK: u64 = 0xffffffffffff;

/** MAIR_EL1.Attr: Normal memory, Inner and Outer Non-cacheable. */
const NON_CACHEABLE: u64 = 0x44;

/** The registers of the translation regime of EL1 and EL0. */
export function regimeOf(cpu: usize): usize {
  return cpu + ARM64_BANK + ARM64_BANK_STRIDE;
}

/** Width of the output address that TCR_EL1.IPS encodes. */
function outputBits(ips: u32): u32 {
  if (ips >= 5) return PA_BITS;
  return ips < 3 ? 32 + (ips << 2) : ips == 3 ? 42 : 44;
}

function flat(cpu: usize, va: u64, access: u32): u32 {
  if (va >> PA_BITS != 0) return FAULT_ADDRESS_SIZE;
  store<u64>(cpu, va, ARM64_WALK_PA);
  store<u32>(cpu, u32(access != FETCH), ARM64_WALK_DEVICE);
  store<u32>(cpu, 0, ARM64_WALK_USER);
  // Device-nGnRnE, Outer Shareable. A flat mapping ends only when SCTLR_EL1 changes.
  store<u32>(cpu, 2 << 8, ARM64_WALK_ATTRIBUTES);
  store<u32>(cpu, 12, ARM64_WALK_SHIFT);
  return TRANSLATED;
}

/**
 * log2 of the granule: TG0 and TG1 have different encodings. A reserved one acts as 4
 * KiB.
 */
function granuleOf(tcr: u64, upper: bool): u32 {
  const code = upper ? u32(tcr >> 30) & 3 : u32(tcr >> 14) & 3;
  if (code == (upper ? 3 : 1)) return 16;
  return code == (upper ? 1 : 2) ? 14 : 12;
}

/** The address without its tag, where the regime ignores the top byte. */
export function untagged(cpu: usize, va: u64): u64 {
  const tcr = load<u64>(regimeOf(cpu), BANK_TCR);
  const upper = (va >> 55) & 1;
  if (((tcr >> (37 + upper)) & 1) == 0) return va;
  return u64((i64(va) << 8) >> 8);
}

/**
 * Translates an access at exception level `el`. Returns TRANSLATED, with the result in
 * ARM64_WALK_*, or a fault status code, which includes the level unless it is an external
 * abort or an alignment fault.
 */
export function translate(cpu: usize, tagged: u64, el: u32, access: u32, checkPan: bool): u32 {
  const regime = regimeOf(cpu);
  const sctlr = load<u64>(regime, BANK_SCTLR);
  const va = untagged(cpu, tagged);
  if ((sctlr & SCTLR_M) == 0) return flat(cpu, va, access);
  const tcr = load<u64>(regime, BANK_TCR);
  const upper = ((va >> 55) & 1) != 0;
  const size = u32(upper ? tcr >> 16 : tcr) & 0x3f;
  if (size < 16 || size > 39) return FAULT_TRANSLATION;
  const inputBits = 64 - size;
  if (upper ? u64(i64(va) >> inputBits) != u64(-1) : va >> inputBits != 0) return FAULT_TRANSLATION;
  if ((tcr & (upper ? 1 << 23 : 1 << 7)) != 0) return FAULT_TRANSLATION;
  const granule = granuleOf(tcr, upper);
  const physical = outputBits(u32(tcr >> 32) & 7);
  const stride = granule - 3;
  let level = 3 - (inputBits - granule - 1) / stride;
  let shift = granule + stride * (3 - level);
  const bits = inputBits - shift;
  const ttbr = load<u64>(regime + (upper ? BANK_TTBR1 : BANK_TTBR0)) & PA_MASK;
  let table = ttbr & ~((u64(8) << bits) - 1);
  if (ttbr >> physical != 0) return FAULT_ADDRESS_SIZE;
  let index = (va >> shift) & ((u64(1) << bits) - 1);
  let hierarchy: u64 = 0;
  while (true) {
    const at = hostOf(cpu, table + (index << 3), 8);
    if (at == 0) return FAULT_EXTERNAL_WALK | level;
    const descriptor = atomic.load<u64>(at);
    if ((descriptor & 1) == 0) return FAULT_TRANSLATION | level;
    const isTable = (descriptor & 2) != 0;
    if (level == 3 ? !isTable : !isTable && !mayBeBlock(level, granule))
      return FAULT_TRANSLATION | level;
    const output =
      descriptor & PA_MASK & ~((u64(1) << (level == 3 || !isTable ? shift : granule)) - 1);
    if ((descriptor & PA_MASK) >> physical != 0) return FAULT_ADDRESS_SIZE | level;
    if (level == 3 || !isTable) {
      if ((descriptor & (1 << 10)) == 0) return FAULT_ACCESS_FLAG | level;
      store<u64>(cpu, output | (va & ((u64(1) << shift) - 1)), ARM64_WALK_PA);
      store<u32>(cpu, shift, ARM64_WALK_SHIFT);
      return permitted(cpu, descriptor, hierarchy, el, access, sctlr, checkPan)
        ? TRANSLATED
        : FAULT_PERMISSION | level;
    }
    hierarchy |= descriptor;
    table = output;
    level++;
    shift -= stride;
    index = (va >> shift) & ((u64(1) << stride) - 1);
  }
}

function mayBeBlock(level: u32, granule: u32): bool {
  return granule == 12 ? level == 1 || level == 2 : level == 2;
}

/**
 * Checks the permissions of the leaf and of the tables above, and stores the attributes
 * that the TLB needs.
 */
function permitted(
  cpu: usize,
  leaf: u64,
  tables: u64,
  el: u32,
  access: u32,
  sctlr: u64,
  checkPan: bool,
): bool {
  const user = (leaf & 0x40) != 0 && (tables & (u64(1) << 61)) == 0;
  const writable = (leaf & 0x80) == 0 && (tables & (u64(1) << 62)) == 0;
  const mair = load<u64>(regimeOf(cpu), BANK_MAIR) >> ((leaf << 1) & 0x38);
  const device = (mair & 0xf0) == 0;
  // Device and Non-cacheable memory is Outer Shareable regardless of the descriptor.
  const shareability = device || (mair & 0xff) == NON_CACHEABLE ? 2 : u32(leaf >> 8) & 3;
  store<u32>(cpu, u32(device), ARM64_WALK_DEVICE);
  store<u32>(cpu, u32(mair & 0xff) | (shareability << 8), ARM64_WALK_ATTRIBUTES);
  store<u32>(cpu, u32(user), ARM64_WALK_USER);
  if (access == FETCH) {
    const writableHere = el == 0 ? user && writable : writable;
    if ((sctlr & SCTLR_WXN) != 0 && writableHere) return false;
    if (el == 0) return (leaf & (u64(1) << 54)) == 0 && (tables & (u64(1) << 60)) == 0;
    // EL1 does not execute what EL0 can write.
    return (leaf & (u64(1) << 53)) == 0 && (tables & (u64(1) << 59)) == 0 && !(user && writable);
  }
  if (el == 0 && !user) return false;
  if (el != 0 && user && checkPan && load<u32>(cpu, ARM64_PAN) != 0) return false;
  return access == READ || writable;
}
