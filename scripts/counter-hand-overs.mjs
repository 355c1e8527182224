// SPDX-License-Identifier: MIT
// A program for machines `virt` whose two vCPUs read CNTVCT_EL0 in turn: each checks
// whether the other one has read a later time.

import { assembleProgram } from '../dist/vmm/vcpu/arm64/index.js';

/**
 * Address of its counts: number of turns, the latest counter, steps backward, and the
 * largest of them.
 */
const RESULTS = 0x40300000;
const SIZE = 32;
const CPU_ON = 0xc4000003;
const SYSTEM_OFF = 0x84000008;

/** @param {string} register @param {number} value */
const move = (register, value) =>
  `movz ${register}, #${value % 0x10000}\nmovk ${register}, #${Math.floor(value / 0x10000)}, lsl #16`;

/**
 * The program, as a flat binary.
 * @param {number} count hand-overs, an even number.
 */
export const handOverImage = (count) =>
  assembleProgram(`
${move('x0', CPU_ON)}
mov x1, #1
adr x2, second
mov x3, #1
hvc #0
mov w19, #0
b begin
second:
mov w19, #1
begin:
${move('x20', RESULTS)}
${move('w21', count)}
add x22, x20, #8
turn:
ldar w0, [x20]
cmp w0, w21
b.hs done
and w1, w0, #1
cmp w1, w19
b.ne turn
isb
mrs x2, cntvct_el0
ldr x3, [x22]
str x2, [x22]
cmp x2, x3
b.hs forward
sub x3, x3, x2
ldr x4, [x20, #16]
add x4, x4, #1
str x4, [x20, #16]
ldr x4, [x20, #24]
cmp x3, x4
b.ls forward
str x3, [x20, #24]
forward:
add w0, w0, #1
stlr w0, [x20]
b turn
done:
cbnz w19, sleep
${move('x0', SYSTEM_OFF)}
hvc #0
sleep:
wfi
b sleep
`);

/**
 * The counts of the program.
 * @param {{ readMemory(gpa: number, length: number): Uint8Array | undefined }} machine
 *   that has run it.
 */
export function handOverResults(machine) {
  const bytes = machine.readMemory(RESULTS, SIZE) ?? new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [latest = 0, backward = 0, worst = 0] = [8, 16, 24].map((at) =>
    Number(view.getBigUint64(at, true)),
  );
  return { handOvers: view.getUint32(0, true), latest, backward, worst };
}
