// SPDX-License-Identifier: MIT
// Routines of the arm64 toy: its start with the MMU enabled, texts and checks, command
// queues, DMA. x20 is the checkpoint device, x21 the SMMU, x22 the CMDQV, x23 the DMA
// engine, x26 the variables, x28 the end of the detail. Arguments are in x0 and up; x0 to
// x17 are not preserved.

import { CHECKPOINT_DATA, CHECKPOINT_RESULT } from '../../assembly/layout/checkpoint-registers.ts';
import {
  DMA_CTRL,
  DMA_DST,
  DMA_LENGTH,
  DMA_SRC,
  DMA_STATUS,
} from '../../assembly/layout/dma-engine-registers.ts';
import {
  CHECKPOINT,
  CHECKS,
  CMDQV,
  CPU_TABLE,
  DETAIL,
  DMA,
  FAILURES,
  INDEX_MASK,
  PATIENCE,
  SHORT_PATIENCE,
  SMMU,
  STACK,
  UART,
  VARIABLES,
} from './a64-places.ts';
import type { A64Source } from './a64-source.ts';

/** Device nGnRE, and normal write-back. */
const MAIR = 0xff04;
/** T0SZ 25 (39 bits), write-back, inner shareable, EPD1, IPS of 40 bits. */
const TCR = 25 + (1 << 8) + (1 << 10) + (3 << 12) + (1 << 23) + 2 ** 33;
/** Blocks of 1 GiB: devices (XN), then RAM. */
const CPU_BLOCKS = [0x0060000000000401n, 0x40000705n];
/** SCTLR_EL1.M, C and I. */
const SCTLR_MMU = 0x1005;
/** SYSTEM_OFF of PSCI. */
const SYSTEM_OFF = 0x84000008;
/**
 * Looks while waiting: the thread that serves the queue, or has the devices, may not be
 * running. After a wait without success, later ones are short.
 */
const MOST_LOOKS = 50_000_000;

/** What each vCPU sets up: MMU, vectors, the addresses of devices and variables. */
export const setUp = (s: A64Source): string => `
${s.move('x8', MAIR)}
msr mair_el1, x8
${s.move('x8', TCR)}
msr tcr_el1, x8
${s.move('x8', CPU_TABLE)}
msr ttbr0_el1, x8
dsb sy
isb
mrs x8, sctlr_el1
${s.move('x9', SCTLR_MMU)}
orr x8, x8, x9
msr sctlr_el1, x8
isb
adr x8, vectors
msr vbar_el1, x8
${s.move('x19', UART)}
${s.move('x20', CHECKPOINT)}
${s.move('x21', SMMU)}
${s.move('x22', CMDQV)}
${s.move('x23', DMA)}
${s.move('x26', VARIABLES)}
${s.move('x28', DETAIL)}
`;

/** The start of the first vCPU. */
export const startOf = (s: A64Source): string => `
${s.move('x8', STACK)}
mov sp, x8
${s.fill64(CPU_TABLE, CPU_BLOCKS)}
${setUp(s)}
${s.set32('x26', PATIENCE, MOST_LOOKS)}
`;

/** Vectors of exceptions from EL1 with SP_EL1; only an interrupt is expected. */
export const VECTORS = `
.balign 2048
vectors:
b fault
.balign 512
b fault
.balign 128
b interrupt
.balign 128
b fault
`;

/** Routines for text in the detail or on the console, and for checks. */
export const texts = (s: A64Source): string => `
// Prints a text on the console.
print:
ldrb w1, [x0], #1
cbz w1, print_end
strb w1, [x19]
b print
print_end:
ret
// Appends a text to the detail.
put_text:
ldrb w1, [x0], #1
cbz w1, put_text_end
strb w1, [x28], #1
b put_text
put_text_end:
ret
// Appends a number, in hexadecimal.
put_hex:
mov w1, #0x30
strb w1, [x28], #1
mov w1, #0x78
strb w1, [x28], #1
mov x2, #64
put_hex_skip:
sub x2, x2, #4
lsr x3, x0, x2
cbnz x3, put_hex_digit
cbnz x2, put_hex_skip
put_hex_digit:
lsr x3, x0, x2
and x3, x3, #0xf
add w1, w3, #0x30
cmp w3, #10
b.lo put_hex_store
add w1, w3, #0x57
put_hex_store:
strb w1, [x28], #1
sub x2, x2, #4
tbz x2, #63, put_hex_digit
ret
// Appends a number, in decimal: digits are found from the last on.
put_decimal:
sub sp, sp, #32
add x1, sp, #32
mov x2, #10
mov x5, #0
put_decimal_digit:
udiv x3, x0, x2
msub x4, x3, x2, x0
add w4, w4, #0x30
sub x1, x1, #1
strb w4, [x1]
add x5, x5, #1
mov x0, x3
cbnz x0, put_decimal_digit
put_decimal_copy:
ldrb w4, [x1], #1
strb w4, [x28], #1
sub x5, x5, #1
cbnz x5, put_decimal_copy
add sp, sp, #32
ret
// Reports the check of this name: w1 is whether it holds, which is left in w0.
check:
stp x29, x30, [sp, #-32]!
stp x24, x25, [sp, #16]
mov x24, x0
mov w25, w1
cmp w25, #0
cset w25, ne
ldr w2, [x26, #${CHECKS}]
add w2, w2, #1
str w2, [x26, #${CHECKS}]
ldr w2, [x26, #${FAILURES}]
add w2, w2, #1
sub w2, w2, w25
str w2, [x26, #${FAILURES}]
mov x2, x24
check_length:
ldrb w3, [x2], #1
cbnz w3, check_length
sub x2, x2, x24
sub x2, x2, #1
${s.move('x4', DETAIL)}
sub x5, x28, x4
${s.put32('w24', 'x20', CHECKPOINT_DATA)}
${s.put32('w2', 'x20', CHECKPOINT_DATA + 4)}
${s.put32('w4', 'x20', CHECKPOINT_DATA + 8)}
${s.put32('w5', 'x20', CHECKPOINT_DATA + 12)}
strb wzr, [x28]
mov x28, x5
${s.put32('w25', 'x20', CHECKPOINT_RESULT)}
adr x0, ${s.text('       ok    ')}
cbnz w25, check_print
adr x0, ${s.text('       FAIL  ')}
check_print:
bl print
mov x0, x24
bl print
cbz x28, check_newline
adr x0, ${s.text(': ')}
bl print
${s.move('x0', DETAIL)}
bl print
check_newline:
adr x0, ${s.text('\n')}
bl print
${s.move('x28', DETAIL)}
mov w0, w25
ldp x24, x25, [sp, #16]
ldp x29, x30, [sp], #32
ret
// Anything but an interrupt.
fault:
${s.move('x28', DETAIL)}
${s.say('ESR ')}
mrs x9, esr_el1
${s.sayNumber('x9', 16)}
${s.say(', ELR ')}
mrs x9, elr_el1
${s.sayNumber('x9', 16)}
mov w1, #0
${s.check('unexpected exception')}
power_off:
${s.title(24, 'power off')}
${s.move('x28', DETAIL)}
ldr w9, [x26, #${CHECKS}]
${s.sayNumber('w9', 10)}
${s.say(' checks, ')}
ldr w9, [x26, #${FAILURES}]
${s.sayNumber('w9', 10)}
${s.say(' failed\n')}
strb wzr, [x28]
adr x0, ${s.text('       ')}
bl print
${s.move('x0', DETAIL)}
bl print
${s.move('x0', SYSTEM_OFF)}
hvc #0
b power_off
`;

/** Command queues: x9 is the queue. */
export const queues = (s: A64Source): string => `
// Puts the command x0, x1 into the queue, which has room.
put_command:
ldr w2, [x9, #24]
ldr x3, [x9]
and w4, w2, #0xff
add x3, x3, x4, lsl #4
stp x0, x1, [x3]
add w2, w2, #1
and w2, w2, #${INDEX_MASK}
str w2, [x9, #24]
ret
// Puts a CMD_SYNC after the commands, rings, and waits: w0 is 1 when all of them are
// completed.
complete:
mov x0, #0x46
// The same with the last command x0.
complete_with:
stp x29, x30, [sp, #-16]!
bl send_last
bl await_sync
ldp x29, x30, [sp], #16
ret
// Puts a CMD_SYNC after the commands and rings.
send_sync:
mov x0, #0x46
// The same with the last command x0.
send_last:
stp x29, x30, [sp, #-16]!
mov x1, #0
bl put_command
ldp x29, x30, [sp], #16
dmb oshst
ldr x3, [x9, #8]
str w2, [x3]
ret
// Waits until the queue has completed all of its commands: then w0 is 1.
await_sync:
ldr w2, [x9, #24]
ldr x3, [x9, #16]
ldr w4, [x26, #${PATIENCE}]
// A look at CONS takes longer than one at a variable.
lsr w4, w4, #3
await_sync_look:
ldr w0, [x3]
and w0, w0, #${INDEX_MASK}
cmp w0, w2
b.eq await_sync_done
sub x4, x4, #1
cbnz x4, await_sync_look
${s.move('w0', SHORT_PATIENCE)}
str w0, [x26, #${PATIENCE}]
mov w0, #0
ret
await_sync_done:
mov w0, #1
ret
`;

/** DMA operations, which are complete when the store of CTRL returns. */
export const dma = (s: A64Source): string => `
// Operation w0 from x1 to x2 of w3 bytes: w0 is DMA_STATUS.
dma:
${s.put32('w1', 'x23', DMA_SRC)}
lsr x4, x1, #32
${s.put32('w4', 'x23', DMA_SRC + 4)}
${s.put32('w2', 'x23', DMA_DST)}
lsr x4, x2, #32
${s.put32('w4', 'x23', DMA_DST + 4)}
${s.put32('w3', 'x23', DMA_LENGTH)}
${s.put32('w0', 'x23', DMA_CTRL)}
${s.get32('w0', 'x23', DMA_STATUS)}
ret
// Fills x1 bytes from x0 on with the word w2.
fill:
str w2, [x0], #4
sub x1, x1, #4
cbnz x1, fill
ret
// Compares x2 bytes from x0 and x1 on: w0 is 1 when they are equal.
same:
ldr w3, [x0], #4
ldr w4, [x1], #4
cmp w3, w4
b.ne same_not
sub x2, x2, #4
cbnz x2, same
mov w0, #1
ret
same_not:
mov w0, #0
ret
`;
