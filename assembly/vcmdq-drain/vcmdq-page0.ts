// SPDX-License-Identifier: MIT
// The page-0 registers of a queue: in guest memory while page 0 of the VINTF is mapped
// into the guest, otherwise in host memory. A value that a guest stored there is only a
// request; the queue block is authoritative.

import { load32, load64, store32 } from '../imports/port';
import { WINDOW } from '../imports/unit';
import {
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
} from '../layout/cmdqv-registers';
import { CTX_PAGE0, CTX_WINDOW } from '../layout/context-memory';
import { QUEUE_LVCMDQ, QUEUE_MAPPED_AT, QUEUE_REGS } from '../layout/queue-memory';
import { SMMU_CMDQ_CONS, SMMU_CMDQ_PROD } from '../layout/smmu-registers';
import { NOWHERE } from '../smmu-core/physical-memory';
import { isVcmdq } from './queue-words';

/**
 * Location of a queue's registers: (1 for guest memory, 0 for host memory) << 32 | byte
 * offset; NOWHERE when this unit cannot reach them.
 */
export function page0Of(queue: usize, context: usize): i64 {
  const page0 = isVcmdq(queue)
    ? atomic.load<u32>(context, CTX_PAGE0)
    : atomic.load<u32>(queue, QUEUE_MAPPED_AT);
  if (page0 == 0) return i64(u64(load<u32>(queue, QUEUE_REGS)));
  if (load<u32>(context, CTX_WINDOW) != u32(WINDOW)) return NOWHERE;
  return ((<i64>1) << 32) | i64(u64(page0 + load<u32>(queue, QUEUE_LVCMDQ) * VCMDQ_STRIDE));
}

export function readRegister(place: i64, register: u32): u32 {
  return place >> 32 == 0 ? atomic.load<u32>(u32(place) + register) : load32(u32(place) + register);
}

/** Reads two adjacent registers at once, the lower one into the low word. */
export function readPair(place: i64, register: u32): u64 {
  return place >> 32 == 0 ? atomic.load<u64>(u32(place) + register) : load64(u32(place) + register);
}

export function writeRegister(place: i64, register: u32, value: u32): void {
  if (place >> 32 == 0) atomic.store<u32>(u32(place) + register, value);
  else store32(u32(place) + register, value);
}

/**
 * Writes `value` to a register that last read `seen`, if they differ. An atomic store
 * costs 17 loads.
 */
export function writeIfChanged(place: i64, register: u32, seen: u32, value: u32): void {
  if (seen != value) writeRegister(place, register, value);
}

export const CONS: u32 = VCMDQ_CONS;
export const PROD: u32 = VCMDQ_PROD;
export const CONFIG: u32 = VCMDQ_CONFIG;
export const STATUS: u32 = VCMDQ_STATUS;
export const GERROR: u32 = VCMDQ_GERROR;
export const GERRORN: u32 = VCMDQ_GERRORN;

/**
 * Whether the registers of a CMDQ or ECMDQ are in guest memory: PROD, then CONS, in the
 * layout of an SMMU.
 */
export function inGuest(place: i64): bool {
  return place >> 32 != 0;
}
export const MAPPED_PROD: u32 = 0;
export const MAPPED_CONS: u32 = SMMU_CMDQ_CONS - SMMU_CMDQ_PROD;
