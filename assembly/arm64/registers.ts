// SPDX-License-Identifier: MIT
// General-purpose registers by number, for functions that the interpreter's loop calls.

import { ARM64_X, ARM64_ZR } from '../layout/arm64-state';
import { zrOf } from './operand-fields';

/** A register, XZR for 31. */
export function registerOf(cpu: usize, number: u32): u64 {
  return load<u64>(cpu + zrOf(number), ARM64_ZR);
}

/** Writes a register; a write to XZR is ignored. */
export function setRegister(cpu: usize, number: u32, value: u64): void {
  if (number != 31) store<u64>(cpu + (number << 3), value, ARM64_X);
}

/** The base of an address, SP for 31. */
export function baseOf(cpu: usize, word: u32): u64 {
  return load<u64>(cpu + (((word >> 5) & 31) << 3), ARM64_X);
}

export function setBase(cpu: usize, word: u32, value: u64): void {
  store<u64>(cpu + (((word >> 5) & 31) << 3), value, ARM64_X);
}
