// SPDX-License-Identifier: MIT
// A program for four vCPUs of a machine `virt` that contend for a queued lock, as Linux's spinlocks are: each waits on a
// word of its own by LDAXR and WFE, and the release is a store to it. No SEV wakes anybody.

import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

const VCPUS = 4;
/** How often each of them takes the lock. */
const ROUNDS = 300;
/** The tail of the queue; counts behind it, each in a line of its own, and a node of each vCPU. */
const LOCK = 0x40300000;
const [COUNTER, LONGEST, ENDED, NODES] = [0x40, 0x80, 0xc0, 0x1000];

export const QUEUED_LOCK: Uint8Array<ArrayBuffer> = assembleProgram(`
mov w19, #1
start:
movz x0, #3
movk x0, #0xc400, lsl #16
mov x1, x19
adr x2, begin
mov x3, x19
hvc #0
add w19, w19, #1
cmp w19, #${VCPUS}
b.lo start
mov x0, #0
begin:
movz x20, #${LOCK / 0x10000}, lsl #16
movz x21, #${NODES}
add x21, x21, x0, lsl #8
add x21, x20, x21
add x22, x21, #8
mov w23, #${ROUNDS}
mov x24, #0
again:
isb
mrs x1, cntvct_el0
str xzr, [x21]
mov w2, #1
str w2, [x22]
mov x3, x21
swpal x3, x3, [x20]
cbz x3, owned
stlr x21, [x3]
hint #5
wait:
wfe
ldaxr w4, [x22]
cbnz w4, wait
owned:
isb
mrs x5, cntvct_el0
sub x5, x5, x1
cmp x5, x24
b.ls short
mov x24, x5
short:
ldr w7, [x20, #${COUNTER}]
mov w8, #500
inside:
subs w8, w8, #1
b.ne inside
add w7, w7, #1
str w7, [x20, #${COUNTER}]
ldar x9, [x21]
cbnz x9, pass
mov x10, x21
casal x10, xzr, [x20]
cmp x10, x21
b.eq released
next:
ldar x9, [x21]
cbz x9, next
pass:
add x9, x9, #8
stlr wzr, [x9]
released:
subs w23, w23, #1
b.ne again
add x9, x20, #${LONGEST}
longer:
ldaxr x10, [x9]
cmp x10, x24
b.hs counted
stlxr w11, x24, [x9]
cbnz w11, longer
counted:
mov w11, #1
add x9, x20, #${ENDED}
ldaddal w11, w12, [x9]
cmp w12, #${VCPUS - 1}
b.ne sleep
movz x0, #8
movk x0, #0x8400, lsl #16
hvc #0
sleep:
wfi
b sleep
`);

/** What each vCPU has done in the lock, alone, and the longest wait for it in ticks of the counter, which are ns. */
export function lockResults(machine: {
  readMemory(gpa: number, length: number): Uint8Array | undefined;
}): { readonly rounds: number; readonly longestNs: number } {
  const bytes = machine.readMemory(LOCK, NODES) ?? new Uint8Array(NODES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    rounds: view.getUint32(COUNTER, true) / VCPUS,
    longestNs: Number(view.getBigUint64(LONGEST, true)),
  };
}

/** Rounds of each vCPU that the program has. */
export const LOCK_ROUNDS = ROUNDS;
