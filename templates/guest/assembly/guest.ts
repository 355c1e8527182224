// A guest: the host calls vsmmu_run again and again, and all state lies in memory. This
// one prints three lines, one in each turn.

import {
  ABI_VERSION,
  flushLineToUart,
  memorySize,
  put,
  putDecimal,
  RUN_OFF,
  RUN_YIELD,
} from '../vsmmu/guest-driver/runtime';

export const vsmmu_abi: i32 = ABI_VERSION;

let turns: u32 = 0;

export function vsmmu_run(_budget: i32): i32 {
  turns++;
  put('hello from a guest with ');
  putDecimal(memorySize() >> 20);
  put(' MiB, turn ');
  putDecimal(turns);
  flushLineToUart();
  return turns == 3 ? RUN_OFF : RUN_YIELD;
}
