// SPDX-License-Identifier: MIT
// A program for vCPUs of a machine `virt` that contend for a queued lock, as Linux's
// spinlocks are: each waits on a word of its own by LDAXR and WFE, and the release is a
// store to it. No SEV wakes anybody.

/** Address of the lock: the tail of its queue. What follows is at these offsets. */
export const LOCK = 0x40300000;
/** u32: how often a vCPU has owned the lock. */
export const COUNTER = 0x40;
/** A u64 of the program's own. */
export const RESULT = 0x80;
/** u32: vCPUs that have done all their rounds. */
const ENDED = 0xc0;
/**
 * A node of 256 bytes for each vCPU: the next node, and a u32 that is 1 while it waits.
 */
export const NODES = 0x1000;

/**
 * The program's source. It adds code at these points; x20 is the lock, and w8 to w12 are
 * free except where an address is named.
 * @param {{
 *   readonly vcpus: number,
 *   readonly rounds: number,
 *   readonly begun?: string,
 *   readonly taking?: string,
 *   readonly waited?: string,
 *   readonly owned?: string,
 *   readonly releasing?: string,
 *   readonly released?: string,
 *   readonly ended?: string,
 * }} options `rounds` of each vCPU. `waited`: a wait has ended. `owned`: with or without
 *   one. `releasing`: x9 is the node of the next owner; `released`: it owns the lock.
 */
export const queuedLockSource = ({
  vcpus,
  rounds,
  begun = '',
  taking = '',
  waited = '',
  owned = '',
  releasing = '',
  released = '',
  ended = '',
}) => `
mov w19, #1
start:
movz x0, #3
movk x0, #0xc400, lsl #16
mov x1, x19
adr x2, begin
mov x3, x19
hvc #0
add w19, w19, #1
cmp w19, #${vcpus}
b.lo start
mov x0, #0
begin:
movz x20, #${LOCK / 0x10000}, lsl #16
movz x21, #${NODES}
add x21, x21, x0, lsl #8
add x21, x20, x21
add x22, x21, #8
mov w23, #${rounds}
${begun}
again:
${taking}
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
${waited}
owned:
${owned}
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
b.eq done
next:
ldar x9, [x21]
cbz x9, next
pass:
${releasing}
add x9, x9, #8
stlr wzr, [x9]
${released}
done:
subs w23, w23, #1
b.ne again
${ended}
mov w11, #1
add x9, x20, #${ENDED}
ldaddal w11, w12, [x9]
cmp w12, #${vcpus - 1}
b.ne sleep
movz x0, #8
movk x0, #0x8400, lsl #16
hvc #0
sleep:
wfi
b sleep
`;
