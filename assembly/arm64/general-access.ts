// SPDX-License-Identifier: MIT
// Loads and stores that have no handler in the interpreter's loop, executed from their
// instruction word: exclusives, LSE, acquire and release, unprivileged ones, and loads
// into XZR.

import { ARM64_EL } from '../layout/arm64-state';
import { atomicOperation, compareAndSwap, compareAndSwapPair } from './atomics';
import { atomicLoad } from './compare-exchange';
import { loadExclusive, storeExclusive } from './exclusives';
import { signed } from './operand-fields';
import { baseOf, registerOf, setBase, setRegister } from './registers';
import { atomicAddress, loadAs, storeAs } from './slow-access';

/**
 * The loaded value of a single register, by size (log2) and opc: 1 zero-extends, 2
 * sign-extends to 64 bits, 3 to 32.
 */
function loaded(at: usize, size: u32, opc: u32): u64 {
  let value: i64 = 0;
  if (opc == 1) {
    if (size == 0) return u64(load<u8>(at));
    if (size == 1) return u64(load<u16>(at));
    return size == 2 ? u64(load<u32>(at)) : load<u64>(at);
  }
  if (size == 0) value = i64(load<i8>(at));
  else if (size == 1) value = i64(load<i16>(at));
  else value = i64(load<i32>(at));
  return opc == 3 ? u64(u32(value)) : u64(value);
}

function transfer(cpu: usize, word: u32, va: u64, el: u32): bool {
  const size = word >> 30;
  const opc = (word >> 22) & 3;
  const rt = word & 31;
  const bytes: u32 = 1 << size;
  if (opc == 0) return storeAs(cpu, va, bytes, el, bytes, registerOf(cpu, rt), 0);
  const at = loadAs(cpu, va, bytes, el, bytes);
  if (at == 0) return false;
  setRegister(cpu, rt, loaded(at, size, opc));
  return true;
}

/**
 * Address with a register offset: Rm, extended by option, and shifted by the size if S is
 * set.
 */
function registerOffset(cpu: usize, word: u32): u64 {
  const m = registerOf(cpu, (word >> 16) & 31);
  const option = (word >> 13) & 7;
  const extended = option == 2 ? u64(u32(m)) : option == 6 ? u64(i64(i32(m))) : m;
  return baseOf(cpu, word) + (extended << ((word & (1 << 12)) != 0 ? word >> 30 : 0));
}

/** Unscaled, unprivileged, post- and pre-indexed, register and unsigned offset. */
function single(cpu: usize, word: u32): bool {
  const el = load<u32>(cpu, ARM64_EL);
  const base = baseOf(cpu, word);
  if ((word & (1 << 24)) != 0)
    return transfer(cpu, word, base + (u64((word >> 10) & 0xfff) << (word >> 30)), el);
  if ((word & (1 << 21)) != 0) return transfer(cpu, word, registerOffset(cpu, word), el);
  const indexed = base + i64(signed((word >> 12) & 0x1ff, 9));
  switch ((word >> 10) & 3) {
    case 0:
      return transfer(cpu, word, indexed, el);
    case 2:
      // LDTR and STTR are accesses of EL0.
      return transfer(cpu, word, indexed, 0);
    default: {
      const pre = (word & (1 << 11)) != 0;
      if (!transfer(cpu, word, pre ? indexed : base, el)) return false;
      setBase(cpu, word, indexed);
      return true;
    }
  }
}

/** A pair that includes XZR, or whose SP may be misaligned. */
function pair(cpu: usize, word: u32): bool {
  const element: u32 = word >> 31 != 0 ? 8 : 4;
  const offset = i64(signed((word >> 15) & 0x7f, 7)) * element;
  const base = baseOf(cpu, word);
  const mode = (word >> 23) & 3;
  const va = mode == 1 ? base : base + offset;
  const el = load<u32>(cpu, ARM64_EL);
  const rt = word & 31;
  const rt2 = (word >> 10) & 31;
  const writesBack = mode == 1 || mode == 3;
  if ((word & (1 << 22)) == 0) {
    const first = registerOf(cpu, rt);
    const second = registerOf(cpu, rt2);
    const low = element == 8 ? first : u64(u32(first)) | (second << 32);
    if (!storeAs(cpu, va, element << 1, el, element, low, second)) return false;
    if (writesBack) setBase(cpu, word, base + offset);
    return true;
  }
  const at = loadAs(cpu, va, element << 1, el, element);
  if (at == 0) return false;
  const size: u32 = element == 8 ? 3 : 2;
  const opc: u32 = (word & (1 << 30)) != 0 ? 2 : 1;
  const first = loaded(at, size, opc);
  const second = loaded(at + element, size, opc);
  if (writesBack) setBase(cpu, word, base + offset);
  setRegister(cpu, rt, first);
  setRegister(cpu, rt2, second);
  return true;
}

/** LDAR, STLR, LDAPR: atomic accesses, which are sequentially consistent. */
function ordered(cpu: usize, word: u32, isLoad: bool): bool {
  const bytes: u32 = 1 << (word >> 30);
  const at = atomicAddress(cpu, baseOf(cpu, word), bytes, isLoad, !isLoad);
  if (at == 0) return false;
  const rt = word & 31;
  if (isLoad) {
    setRegister(cpu, rt, atomicLoad(at, bytes));
    return true;
  }
  const value = registerOf(cpu, rt);
  switch (bytes) {
    case 1:
      atomic.store<u8>(at, u8(value));
      break;
    case 2:
      atomic.store<u16>(at, u16(value));
      break;
    case 4:
      atomic.store<u32>(at, u32(value));
      break;
    default:
      atomic.store<u64>(at, value);
  }
  return true;
}

/**
 * Executes a load or store that the decoder has recognised; false, with nothing written,
 * when it faults.
 */
export function access(cpu: usize, word: u32): bool {
  // Bits 29 to 27: 1 exclusives, 5 pairs, 7 single registers and atomics.
  const family = (word >> 27) & 7;
  if (family == 5) return pair(cpu, word);
  if (family == 7) {
    const isAtomic = (word & 0x01200c00) == 0x00200000;
    if (!isAtomic) return single(cpu, word);
    // LDAPR is among the atomics: o3 and opc are 1 100.
    return (word & 0xf000) == 0xc000 ? ordered(cpu, word, true) : atomicOperation(cpu, word);
  }
  const o2 = (word & (1 << 23)) != 0;
  const o1 = (word & (1 << 21)) != 0;
  const isLoad = (word & (1 << 22)) != 0;
  if (o2) return o1 ? compareAndSwap(cpu, word) : ordered(cpu, word, isLoad);
  if (o1 && word >> 31 == 0) return compareAndSwapPair(cpu, word);
  return isLoad ? loadExclusive(cpu, word, o1) : storeExclusive(cpu, word, o1);
}
