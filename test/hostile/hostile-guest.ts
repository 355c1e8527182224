// SPDX-License-Identifier: MIT
// A guest that executes operations of a test: an interpreter of device and memory
// accesses, in AssemblyScript. The test writes the operations to its memory and runs
// them.

import { RUN_OFF, RUN_YIELD } from '../../assembly/layout/guest-abi';
import { read32, read64, write32, write64 } from '../../guest-driver/runtime/mmio';
import { clock_ns, doorbell, wait } from '../../guest-driver/runtime/vsmmu';

export const vsmmu_abi: i32 = 1;

/** Operations: kind and three words each. The count precedes them. */
const OPERATIONS = 0x180010;
const COUNT = 0x180000;
/** Address at which reads store their result. */
const RESULT = 0x180008;

export function vsmmu_run(_budget: i32): i32 {
  const count = load<i32>(COUNT);
  if (count < 0) return RUN_OFF;
  for (let i = 0; i < count; i++) {
    const operation: usize = OPERATIONS + (i << 4);
    const a = load<u32>(operation, 4);
    const b = load<u32>(operation, 8);
    const c = load<u32>(operation, 12);
    switch (load<u32>(operation)) {
      case 0:
        store<u32>(RESULT, read32(a));
        break;
      case 1:
        write32(a, b);
        break;
      case 2:
        store<u64>(RESULT, read64(a));
        break;
      case 3:
        write64(a, u64(b) | (u64(c) << 32));
        break;
      case 4:
        store<u32>(a, b);
        break;
      case 5:
        doorbell(a, b);
        break;
      case 6:
        // Acknowledge: GERRORN at `b` becomes the value of GERROR at `a`.
        write32(b, read32(a));
        break;
      case 7:
        wait(0);
        break;
      default:
        clock_ns();
    }
  }
  return RUN_YIELD;
}
