// SPDX-License-Identifier: MIT
// LSE: each operation is one atomic operation of WebAssembly, except minimum and maximum,
// which are a loop of compare-and-swap. All have the strongest ordering.

import { ARM64_BUFFER } from '../layout/arm64-state';
import { atomicLoad, compareExchange } from './compare-exchange';
import { swapPair } from './pair-swap';
import { baseOf, registerOf, setRegister } from './registers';
import { atomicAddress } from './slow-access';

/** The low bytes of a value. */
function cut(value: u64, bytes: u32): u64 {
  return bytes == 8 ? value : value & ((u64(1) << (bytes << 3)) - 1);
}

/** CAS: compares with Rs, which receives the old value; stores Rt. */
export function compareAndSwap(cpu: usize, word: u32): bool {
  const bytes: u32 = 1 << (word >> 30);
  const at = atomicAddress(cpu, baseOf(cpu, word), bytes, true, true);
  if (at == 0) return false;
  const rs = (word >> 16) & 31;
  setRegister(cpu, rs, compareExchange(at, bytes, registerOf(cpu, rs), registerOf(cpu, word & 31)));
  return true;
}

/** CASP: Rs and the next register, Rt and the next. */
export function compareAndSwapPair(cpu: usize, word: u32): bool {
  const wide = (word & (1 << 30)) != 0;
  const at = atomicAddress(cpu, baseOf(cpu, word), wide ? 16 : 8, true, true);
  if (at == 0) return false;
  const rs = (word >> 16) & 31;
  const rt = word & 31;
  const expectedLow = registerOf(cpu, rs);
  const expectedHigh = registerOf(cpu, rs + 1);
  const low = registerOf(cpu, rt);
  const high = registerOf(cpu, rt + 1);
  if (!wide) {
    const expected = u64(u32(expectedLow)) | (expectedHigh << 32);
    const old = atomic.cmpxchg<u64>(at, expected, u64(u32(low)) | (high << 32));
    setRegister(cpu, rs, u64(u32(old)));
    setRegister(cpu, rs + 1, old >> 32);
    return true;
  }
  swapPair(cpu, at, expectedLow, expectedHigh, low, high);
  setRegister(cpu, rs, load<u64>(cpu, ARM64_BUFFER));
  setRegister(cpu, rs + 1, load<u64>(cpu, ARM64_BUFFER + 8));
  return true;
}

function signedOf(value: u64, bytes: u32): i64 {
  const shift = i64(64 - (bytes << 3));
  return (i64(value) << shift) >> shift;
}

/** The result of a minimum or maximum: opc 4 SMAX, 5 SMIN, 6 UMAX, 7 UMIN. */
function chosen(opc: u32, old: u64, operand: u64, bytes: u32): u64 {
  const greater =
    opc < 6
      ? signedOf(old, bytes) > signedOf(operand, bytes)
      : cut(old, bytes) > cut(operand, bytes);
  return greater == ((opc & 1) == 0) ? old : operand;
}

function extremum(at: usize, bytes: u32, opc: u32, operand: u64): u64 {
  let old = atomicLoad(at, bytes);
  while (true) {
    const found = compareExchange(at, bytes, old, chosen(opc, old, operand, bytes));
    if (found == old) return old;
    old = found;
  }
}

/** LDADD, LDCLR, LDEOR, LDSET, SWP on bits: T is the type of the memory. */
function fetchAnd<T>(at: usize, opc: u32, operand: u64): u64 {
  const value = <T>operand;
  switch (opc) {
    case 0:
      return u64(atomic.add<T>(at, value));
    case 1:
      return u64(atomic.and<T>(at, <T>~operand));
    case 2:
      return u64(atomic.xor<T>(at, value));
    case 3:
      return u64(atomic.or<T>(at, value));
    default:
      return u64(atomic.xchg<T>(at, value));
  }
}

/** All atomic memory operations except LDAPR: Rt receives the old value. */
export function atomicOperation(cpu: usize, word: u32): bool {
  const bytes: u32 = 1 << (word >> 30);
  const at = atomicAddress(cpu, baseOf(cpu, word), bytes, true, true);
  if (at == 0) return false;
  const operand = registerOf(cpu, (word >> 16) & 31);
  const isSwap = (word & 0x8000) != 0;
  const opc = (word >> 12) & 7;
  let old: u64 = 0;
  if (!isSwap && opc >= 4) old = extremum(at, bytes, opc, operand);
  else {
    const operation = isSwap ? 8 : opc;
    if (bytes == 1) old = fetchAnd<u8>(at, operation, operand);
    else if (bytes == 2) old = fetchAnd<u16>(at, operation, operand);
    else if (bytes == 4) old = fetchAnd<u32>(at, operation, operand);
    else old = fetchAnd<u64>(at, operation, operand);
  }
  setRegister(cpu, word & 31, old);
  return true;
}
