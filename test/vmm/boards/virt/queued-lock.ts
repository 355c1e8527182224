// SPDX-License-Identifier: MIT
// The queued lock for four vCPUs, which measure their waits in guest time.

import {
  COUNTER,
  LOCK,
  NODES,
  queuedLockSource,
  RESULT,
} from '../../../../scripts/queued-lock.mjs';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

const VCPUS = 4;
/** How often each of them acquires the lock. */
const ROUNDS = 300;

/** X24 is the longest wait of the vCPU; the result is the maximum over all of them. */
export const QUEUED_LOCK: Uint8Array<ArrayBuffer> = assembleProgram(
  queuedLockSource({
    vcpus: VCPUS,
    rounds: ROUNDS,
    begun: 'mov x24, #0',
    taking: `
isb
mrs x1, cntvct_el0`,
    owned: `
isb
mrs x5, cntvct_el0
sub x5, x5, x1
cmp x5, x24
b.ls short
mov x24, x5
short:`,
    ended: `
add x9, x20, #${RESULT}
longer:
ldaxr x10, [x9]
cmp x10, x24
b.hs counted
stlxr w11, x24, [x9]
cbnz w11, longer
counted:`,
  }),
);

/**
 * The increments of each vCPU in the lock, alone, and the longest wait for it in ticks of
 * the counter, which are ns.
 */
export function lockResults(machine: {
  readMemory(gpa: number, length: number): Uint8Array | undefined;
}): { readonly rounds: number; readonly longestNs: number } {
  const bytes = machine.readMemory(LOCK, NODES) ?? new Uint8Array(NODES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    rounds: view.getUint32(COUNTER, true) / VCPUS,
    longestNs: Number(view.getBigUint64(RESULT, true)),
  };
}

/** Number of rounds of each vCPU in the program. */
export const LOCK_ROUNDS = ROUNDS;
