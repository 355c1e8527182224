// SPDX-License-Identifier: MIT
// The measurement of the arm64 toy with all vCPUs at once: each sends batches to its own
// VCMDQ (vCPU modulo queues). The secondary vCPUs wait until the first one gives them a
// turn, which is a batch size.

import {
  CHECKPOINT_DATA,
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE,
  CHECKPOINT_PHASE_END,
  CHECKPOINT_PHASE_MEASURE,
} from '../../assembly/layout/checkpoint-registers.ts';
import { BATCHES, SIZES, sendPages } from './a64-measurement.ts';
import {
  FAILED_BATCHES,
  LOCKS,
  PARALLEL_DONE,
  PARALLEL_READY,
  PARALLEL_SIZE,
  PARALLEL_START,
  PARALLEL_TURN,
  QUEUE_BYTES,
  SCRATCH_IOVA,
  STACK,
  STACK_BYTES,
  VCMDQ_QUEUE,
  VCMDQS,
} from './a64-places.ts';
import { setUp } from './a64-routines.ts';
import type { A64Source } from './a64-source.ts';

/** Functions of PSCI. */
const CPU_ON = 0xc4000003;
const CPU_OFF = 0x84000002;
/** log2 of the distance of locks, so that no two share a cache line. */
const LOCK_SHIFT = 6;
/** Bits of an iova between the pages of one vCPU and those of the next. */
const IOVA_SHIFT = 28;
/**
 * Looks at a word before a vCPU waits for an event: on another thread it wakes up late.
 */
const LOOKS_BEFORE_WFE = 2000;

/** Waits until the word at an offset of the variables is what a register has. */
function awaitValue(s: A64Source, variable: number, wanted: string): string {
  const [again, look, end] = [s.label(), s.label(), s.label()];
  return `
add x16, x26, #${variable}
${s.move('x17', LOOKS_BEFORE_WFE)}
${again}:
ldaxr w8, [x16]
cmp w8, ${wanted}
b.eq ${end}
cbz x17, ${look}
sub x17, x17, #1
b ${again}
${look}:
wfe
b ${again}
${end}:`;
}

/** Adds a register to the word at an offset of the variables, in one step. */
function addAtomically(s: A64Source, variable: number, register: string): string {
  const again = s.label();
  return `
add x16, x26, #${variable}
${again}:
ldaxr w8, [x16]
add w8, w8, ${register}
stlxr w17, w8, [x16]
cbnz w17, ${again}`;
}

/** The share of each vCPU in a turn, and the program of the secondary ones. */
export const parallelRoutines = (s: A64Source): string => {
  const [batch, lock, wait, turn, off] = Array.from({ length: 5 }, () => s.label());
  return `
// Sends the batches of vCPU x24. The queue is locked meanwhile, because it may be another
// vCPU's as well.
share_of_turn:
stp x29, x30, [sp, #-16]!
ldr w8, [x26, #${VCMDQS}]
udiv w9, w24, w8
msub w9, w9, w8, w24
add x14, x26, #${LOCKS}
add x14, x14, x9, lsl #${LOCK_SHIFT}
add x10, x26, #${VCMDQ_QUEUE}
add x9, x10, x9, lsl #${Math.log2(QUEUE_BYTES)}
${s.move('x13', SCRATCH_IOVA + 1)}
add x13, x13, x24, lsl #${IOVA_SHIFT}
mov w15, #0
${s.move('x12', BATCHES)}
${batch}:
${lock}:
ldaxr w8, [x14]
cbnz w8, ${wait}
mov w8, #1
stxr w10, w8, [x14]
cbnz w10, ${lock}
ldr w11, [x26, #${PARALLEL_SIZE}]
${sendPages(s)}
bl complete
stlr wzr, [x14]
add w15, w15, #1
sub w15, w15, w0
sub x12, x12, #1
cbnz x12, ${batch}
${addAtomically(s, FAILED_BATCHES, 'w15')}
ldp x29, x30, [sp], #16
ret
${wait}:
wfe
b ${lock}
// The program of a secondary vCPU, whose number is x0. A turn of size 0 is its last.
secondary:
mov x24, x0
${s.move('x9', STACK_BYTES)}
${s.move('x8', STACK)}
msub x8, x24, x9, x8
mov sp, x8
${setUp(s)}
mov w25, #0
${turn}:
add w25, w25, #1
${awaitValue(s, PARALLEL_TURN, 'w25')}
ldr w8, [x26, #${PARALLEL_SIZE}]
cbz w8, ${off}
mov w9, #1
${addAtomically(s, PARALLEL_READY, 'w9')}
${awaitValue(s, PARALLEL_START, 'w25')}
bl share_of_turn
mov w9, #1
${addAtomically(s, PARALLEL_DONE, 'w9')}
b ${turn}
${off}:
${s.move('x0', CPU_OFF)}
hvc #0
b ${off}`;
};

/** Starts the secondary vCPUs. w15 becomes 1 when PSCI has accepted all calls. */
const startSecondaries = (s: A64Source, vcpus: number) => {
  const again = s.label();
  return `
mov w14, #1
mov w15, #1
${again}:
${s.move('x0', CPU_ON)}
mov x1, x14
adr x2, secondary
mov x3, x14
hvc #0
cmp x0, #0
cset w8, eq
and w15, w15, w8
add w14, w14, #1
cmp w14, #${vcpus}
b.ne ${again}`;
};

/** Gives the secondary vCPUs the turn with the number w25. */
const giveTurn = (s: A64Source, size: number) => `
${s.set32('x26', PARALLEL_SIZE, size)}
add w25, w25, #1
add x16, x26, #${PARALLEL_TURN}
stlr w25, [x16]`;

/** All vCPUs send their batches; the host takes the time. They begin together. */
const turn = (s: A64Source, size: number, vcpus: number) => `
str wzr, [x26, #${PARALLEL_READY}]
str wzr, [x26, #${PARALLEL_DONE}]
${giveTurn(s, size)}
${s.move('w27', vcpus - 1)}
${awaitValue(s, PARALLEL_READY, 'w27')}
${s.set32('x20', CHECKPOINT_DATA, CHECKPOINT_PATH_DIRECT)}
${s.set32('x20', CHECKPOINT_DATA + 4, size)}
${s.set32('x20', CHECKPOINT_DATA + 28, vcpus)}
${s.set32('x20', CHECKPOINT_PHASE, CHECKPOINT_PHASE_MEASURE)}
add x16, x26, #${PARALLEL_START}
stlr w25, [x16]
mov x24, #0
bl share_of_turn
${awaitValue(s, PARALLEL_DONE, 'w27')}
${s.set32('x20', CHECKPOINT_PHASE, CHECKPOINT_PHASE_MEASURE + CHECKPOINT_PHASE_END)}`;

/** Nothing to do with one vCPU. */
export function parallel(s: A64Source, vcpus: number, rounds: number): string {
  if (vcpus < 2) return '';
  const [round, end] = [s.label(), s.label()];
  return `
str wzr, [x26, #${FAILED_BATCHES}]
mov w25, #0
${startSecondaries(s, vcpus)}
cbz w15, ${end}
${s.move('x15', rounds)}
${round}:
str x15, [sp, #-16]!
${SIZES.map((size) => turn(s, size, vcpus)).join('\n')}
ldr x15, [sp], #16
sub x15, x15, #1
cbnz x15, ${round}
${giveTurn(s, 0)}
ldr w8, [x26, #${FAILED_BATCHES}]
cmp w8, #0
cset w15, eq
${end}:
ldr w11, [x26, #${VCMDQS}]
${s.move('w12', vcpus)}
cmp w11, w12
csel w11, w11, w12, lo
${s.say('all vCPUs at once, ')}
${s.sayNumber('w11', 10)}
${s.say(' queues')}
mov w1, w15
${s.check('parallel')}
`;
}
