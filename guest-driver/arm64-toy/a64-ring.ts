// SPDX-License-Identifier: MIT
// An attack of the arm64 toy through everything that a guest can access without an exit:
// the words of its doorbell page, and the ring itself.

import { VCMDQ_CONS, VCMDQ_STATUS } from '../../assembly/layout/cmdqv-registers.ts';
import { beginAttack, endAttack } from './a64-attacks.ts';
import { awaitStatus, startVcmdq, stopVcmdq } from './a64-cmdqv.ts';
import { put } from './a64-device.ts';
import { COMMAND_ASID } from './a64-formats.ts';
import { ERRORS, QUEUE_LOG2, VCMDQ_QUEUE } from './a64-places.ts';
import type { A64Source } from './a64-source.ts';

const KIND = 7;
const STEP = 19;
const GARBAGE_COMMANDS = 16;
const STATUS_AT = VCMDQ_STATUS - VCMDQ_CONS;

/**
 * CONS and STATUS are read-only: the host restores them after a store of the guest. w13
 * is 1 when it restored both.
 */
const overwriteReadOnly = (s: A64Source) => `
add x9, x26, #${VCMDQ_QUEUE}
ldr x10, [x9, #16]
ldr w12, [x10, #${STATUS_AT}]
${s.move('w8', 0x5a5a5)}
str w8, [x10]
orn w8, wzr, w12
str w8, [x10, #${STATUS_AT}]
${put(s, COMMAND_ASID)}
bl complete
ldr w8, [x10, #${STATUS_AT}]
cmp w8, w12
cset w13, eq
and w13, w13, w0`;

/**
 * Commands of arbitrary bits: w11 is how many were refused, 0 if the queue did not get
 * through them.
 */
const sendGarbage = (s: A64Source) => {
  const again = s.label();
  return `
ldr w14, [x26, #${ERRORS}]
${s.move('x11', 0x9e3779b97f4a7c15n)}
${s.move('x12', GARBAGE_COMMANDS)}
${again}:
${['x0', 'x1']
  .map(
    (word) => `
eor x11, x11, x11, lsl #13
eor x11, x11, x11, lsr #7
eor x11, x11, x11, lsl #17
mov ${word}, x11`,
  )
  .join('\n')}
// No opcode of any queue has these low bits: the first command is certain to be refused.
cmp w12, #${GARBAGE_COMMANDS}
cset w8, eq
sub x8, xzr, x8
and x8, x8, #0xff
orr x0, x0, x8
bl put_command
sub x12, x12, #1
cbnz x12, ${again}
bl complete
ldr w11, [x26, #${ERRORS}]
sub w11, w11, w14
mul w11, w11, w0`;
};

/**
 * PROD two rings ahead of CONS, which no driver does; then the queue is restarted: w12 is
 * 1 if it goes on.
 */
const overtake = (s: A64Source) => `
ldr w8, [x9, #24]
add w8, w8, #${2 * 2 ** QUEUE_LOG2 + 1}
ldr x10, [x9, #8]
str w8, [x10]
mov w15, #0
${stopVcmdq(s)}
${startVcmdq(s)}
stp x11, x13, [sp, #-16]!
mov w13, #1
${awaitStatus(s)}
mov w12, w13
ldp x11, x13, [sp], #16
add x9, x26, #${VCMDQ_QUEUE}
${put(s, COMMAND_ASID)}
bl complete
and w12, w12, w0`;

/** Appends one of two texts, by a register. */
const sayEither = (s: A64Source, register: string, one: string, other: string) => {
  const [yes, end] = [s.label(), s.label()];
  return `
cbnz ${register}, ${yes}
${s.say(other)}
b ${end}
${yes}:
${s.say(one)}
${end}:`;
};

export const ringAttack = (s: A64Source): string => `
${beginAttack(s, STEP, KIND, 'corrupt the ring')}
${overwriteReadOnly(s)}
${sendGarbage(s)}
${overtake(s)}
${sayEither(s, 'w13', 'CONS and STATUS put right, ', 'CONS or STATUS stay overwritten, ')}
${s.sayNumber('w11', 10)}
${s.say(` of ${GARBAGE_COMMANDS} random commands refused, queue `)}
${sayEither(s, 'w12', 'restarted', 'lost')}
cmp w11, #0
cset w15, ne
and w15, w15, w13
and w15, w15, w12
${endAttack(s, 'attack-ring')}
`;
