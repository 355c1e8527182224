// SPDX-License-Identifier: MIT
// The guest port: the only module of a unit that has access to guest memory. Every access
// is bounds-checked, so nothing here can trap.

import {
  GPA0,
  GPA1,
  GPA2,
  GPA3,
  MEMORY_SIZE,
  OFFSET0,
  OFFSET1,
  OFFSET2,
  OFFSET3,
  SIZE0,
  SIZE1,
  SIZE2,
  SIZE3,
} from '../imports/regions';
import { NO_OFFSET } from '../layout/guest-port-results';

function inRegion(gpa: u64, length: u32, base: i64, size: i32): bool {
  const at = gpa - u64(base);
  return at < u64(u32(size)) && u64(length) <= u64(u32(size)) - at;
}

/**
 * Offset of `length` bytes at a gpa, or NO_OFFSET when they are not in one region of RAM.
 */
export function resolve(gpa: u64, length: u32): u32 {
  if (inRegion(gpa, length, GPA0, SIZE0)) return u32(gpa - u64(GPA0)) + u32(OFFSET0);
  if (inRegion(gpa, length, GPA1, SIZE1)) return u32(gpa - u64(GPA1)) + u32(OFFSET1);
  if (inRegion(gpa, length, GPA2, SIZE2)) return u32(gpa - u64(GPA2)) + u32(OFFSET2);
  if (inRegion(gpa, length, GPA3, SIZE3)) return u32(gpa - u64(GPA3)) + u32(OFFSET3);
  return u32(NO_OFFSET);
}

/** `resolve` for JavaScript callers, which would have to pass a BigInt. */
export function resolveGpa(gpaLo: u32, gpaHi: u32, length: u32): u32 {
  return resolve((u64(gpaHi) << 32) | u64(gpaLo), length);
}

// An unaligned or out-of-bounds atomic access would trap, so both are checked here as
// well as in `resolve`.
function fits(offset: u32, size: u32): bool {
  return offset <= u32(MEMORY_SIZE) - size && (offset & (size - 1)) == 0;
}

export function load32(offset: u32): u32 {
  return fits(offset, 4) ? atomic.load<u32>(offset) : 0;
}

export function store32(offset: u32, value: u32): void {
  if (fits(offset, 4)) atomic.store<u32>(offset, value);
}

export function load64(offset: u32): u64 {
  return fits(offset, 8) ? atomic.load<u64>(offset) : 0;
}

/**
 * Loads 16 bytes in one call, aligned to their size: a command, or four registers. This
 * is not one atomic access: if a guest stores to a command after it has raised PROD past
 * it, a mixture may be executed, which is checked like any other command.
 */
export function load128(offset: u32): v128 {
  return fits(offset, 16) ? v128.load(offset) : i64x2.splat(0);
}

export function store64(offset: u32, value: u64): void {
  if (fits(offset, 8)) atomic.store<u64>(offset, value);
}

/**
 * Replaces a word atomically if it is `old`; returns the value found (`~old` where no
 * word can be).
 */
export function cas64(offset: u32, old: u64, value: u64): u64 {
  return fits(offset, 8) ? atomic.cmpxchg<u64>(offset, old, value) : ~old;
}
