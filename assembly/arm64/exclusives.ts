// SPDX-License-Identifier: MIT
// Exclusive accesses: the monitor is the host address and the value that was loaded, and
// a store-exclusive is a compare-and-swap with that value (ABA is accepted). A store by
// another vCPU clears the monitor if it changes the value; a switch to another vCPU does
// not clear it.

import {
  ARM64_EVENT,
  ARM64_MONITOR_AT,
  ARM64_MONITOR_HIGH,
  ARM64_MONITOR_LOW,
  ARM64_MONITOR_SIZE,
} from '../layout/arm64-state';
import { atomicLoad, compareExchange } from './compare-exchange';
import { swapPair } from './pair-swap';
import { baseOf, registerOf, setRegister } from './registers';
import { atomicAddress } from './slow-access';

/** LDXR, LDAXR, LDXP, LDAXP. */
export function loadExclusive(cpu: usize, word: u32, pair: bool): bool {
  const size: u32 = 1 << (word >> 30);
  const bytes = pair ? size << 1 : size;
  const at = atomicAddress(cpu, baseOf(cpu, word), bytes, true, false);
  if (at == 0) return false;
  const low = atomicLoad(at, bytes);
  const high = bytes == 16 ? atomic.load<u64>(at + 8) : 0;
  store<usize>(cpu, at, ARM64_MONITOR_AT);
  store<u32>(cpu, bytes, ARM64_MONITOR_SIZE);
  store<u64>(cpu, low, ARM64_MONITOR_LOW);
  store<u64>(cpu, high, ARM64_MONITOR_HIGH);
  const rt = word & 31;
  if (!pair) setRegister(cpu, rt, low);
  else {
    const rt2 = (word >> 10) & 31;
    setRegister(cpu, rt, size == 8 ? low : u64(u32(low)));
    setRegister(cpu, rt2, size == 8 ? high : low >> 32);
  }
  return true;
}

/** STXR, STLXR, STXP, STLXP: Rs becomes 0 when the store was made, otherwise 1. */
export function storeExclusive(cpu: usize, word: u32, pair: bool): bool {
  const size: u32 = 1 << (word >> 30);
  const bytes = pair ? size << 1 : size;
  const at = atomicAddress(cpu, baseOf(cpu, word), bytes, false, true);
  if (at == 0) return false;
  const first = registerOf(cpu, word & 31);
  const second = registerOf(cpu, (word >> 10) & 31);
  const low = pair && size == 4 ? u64(u32(first)) | (second << 32) : first;
  const armed =
    load<usize>(cpu, ARM64_MONITOR_AT) == at && load<u32>(cpu, ARM64_MONITOR_SIZE) == bytes;
  let done = false;
  if (armed) {
    const expected = load<u64>(cpu, ARM64_MONITOR_LOW);
    const high = load<u64>(cpu, ARM64_MONITOR_HIGH);
    if (bytes == 16) done = swapPair(cpu, at, expected, high, low, second);
    else done = compareExchange(at, bytes, expected, low) == expected;
  }
  store<usize>(cpu, 0, ARM64_MONITOR_AT);
  setRegister(cpu, (word >> 16) & 31, done ? 0 : 1);
  return true;
}

/**
 * Whether another vCPU has changed the value that LDXR marked, which clears the monitor.
 */
function isCleared(cpu: usize): bool {
  const at = load<usize>(cpu, ARM64_MONITOR_AT);
  if (at == 0) return false;
  const bytes = load<u32>(cpu, ARM64_MONITOR_SIZE);
  if (atomicLoad(at, bytes) != load<u64>(cpu, ARM64_MONITOR_LOW)) return true;
  return bytes == 16 && atomic.load<u64>(at + 8) != load<u64>(cpu, ARM64_MONITOR_HIGH);
}

/**
 * Consumes the event that ends a WFE: the event register, or a cleared monitor (Arm ARM,
 * D1.7.1 and B2.17.5). False when there is none.
 */
export function takeEvent(cpu: usize): bool {
  return atomic.xchg<u32>(cpu + ARM64_EVENT, 0) != 0 || isCleared(cpu);
}
