// SPDX-License-Identifier: MIT
// The CMDQV of the arm64 toy: what it finds, HYP_OWN, and the bring-up of VINTF 0 with
// all its VCMDQs.

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQ_ALLOC_LVCMDQ,
  CMDQV_CMDQ_ALLOC,
  CMDQV_CONFIG,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_PAGE_SIZE,
  CMDQV_PARAM,
  CMDQV_PARAM_NUM_SID_PER_VM_LOG2,
  CMDQV_PARAM_NUM_VCMDQ_LOG2,
  CMDQV_PARAM_NUM_VINTF_LOG2,
  CMDQV_PARAM_VER,
  CMDQV_STATUS,
  CMDQV_VINTF,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
  VINTF_CONFIG,
  VINTF_CONFIG_EN,
  VINTF_CONFIG_HYP_OWN,
  VINTF_STATUS,
} from '../../assembly/layout/cmdqv-registers.ts';
import { COMMAND_ASID } from './a64-formats.ts';
import {
  CMDQ_QUEUE,
  MAX_VCMDQS,
  QUEUE_BYTES,
  QUEUE_LOG2,
  VCMDQ_QUEUE,
  VCMDQ_RINGS,
  VCMDQS,
} from './a64-places.ts';
import { type A64Source, inField, shiftOf } from './a64-source.ts';

const VERSION = 1;
const HYP_OWN_BIT = inField(VINTF_CONFIG_HYP_OWN, 1);
/** Most reads of STATUS: the drain's thread may need time. */
const MOST_STATUS_LOOKS = 10_000_000;
const RING_BYTES = 16 << QUEUE_LOG2;

/** `to` is 1 << a field of w12. */
const countIn = (to: string, field: number) => `
ubfm ${to}, w12, #${shiftOf(field)}, #${shiftOf(field) + (field & 0xff) - 1}
mov w8, #1
lsl ${to}, w8, ${to}`;

/** Reads the size of the CMDQV. */
export const probeCmdqv = (s: A64Source): string => `
${s.get32('w12', 'x22', CMDQV_PARAM)}
${countIn('w13', CMDQV_PARAM_NUM_VINTF_LOG2)}
${countIn('w14', CMDQV_PARAM_NUM_VCMDQ_LOG2)}
${countIn('w15', CMDQV_PARAM_NUM_SID_PER_VM_LOG2)}
udiv w11, w14, w13
str w11, [x26, #${VCMDQS}]
${s.sayNumber('w13', 10)}
${s.say(' VINTF, ')}
${s.sayNumber('w14', 10)}
${s.say(' VCMDQ, ')}
${s.sayNumber('w15', 10)}
${s.say(' SID pairs')}
and w12, w12, #${2 ** (CMDQV_PARAM_VER & 0xff) - 1}
cmp w12, #${VERSION}
cset w1, eq
sub w11, w11, #1
cmp w11, #${MAX_VCMDQS}
cset w8, lo
and w1, w1, w8
${s.need('probe-cmdqv')}`;

/** A guest may request HYP_OWN and does not get it. */
export const hypOwn = (s: A64Source): string => `
${s.title(3, 'ask for HYP_OWN')}
${s.set32('x22', CMDQV_VINTF + VINTF_CONFIG, HYP_OWN_BIT)}
${s.get32('w12', 'x22', CMDQV_VINTF + VINTF_CONFIG)}
${s.set32('x22', CMDQV_VINTF + VINTF_CONFIG, 0)}
${s.say('VINTF_CONFIG reads ')}
${s.sayNumber('w12', 16)}
${s.move('w8', HYP_OWN_BIT)}
ands wzr, w12, w8
cset w1, eq
${s.check('hyp-own-zero')}
`;

/**
 * Input: w15 is the number of a VCMDQ. x10 is its queue, x16 and x17 its pages'
 * registers.
 */
const vcmdq = (s: A64Source) => `
add x10, x26, #${VCMDQ_QUEUE}
add x10, x10, x15, lsl #${Math.log2(QUEUE_BYTES)}
${s.move('x8', CMDQV_LOGICAL_PAGE0)}
add x16, x22, x8
add x16, x16, x15, lsl #${Math.log2(VCMDQ_STRIDE)}
${s.move('x8', CMDQV_PAGE_SIZE)}
add x17, x16, x8`;

/** A loop over all VCMDQs, in w15. */
const loopQueues = (s: A64Source, body: string) => {
  const again = s.label();
  return `
mov w15, #0
${again}:
${body}
add w15, w15, #1
ldr w8, [x26, #${VCMDQS}]
cmp w15, w8
b.ne ${again}`;
};

/** Stops the VCMDQ w15 and clears its registers; it leaves w11 and w13. */
export const stopVcmdq = (s: A64Source): string => {
  const [look, end] = [s.label(), s.label()];
  return `
${vcmdq(s)}
str wzr, [x16, #${VCMDQ_CONFIG}]
${s.move('x14', MOST_STATUS_LOOKS)}
${look}:
ldr w8, [x16, #${VCMDQ_STATUS}]
and w8, w8, #1
cbz w8, ${end}
sub x14, x14, #1
cbnz x14, ${look}
${end}:
// An ATC_INV without a CMD_SYNC could report its timeout to the queue's next owner.
add x9, x26, #${CMDQ_QUEUE}
bl complete
bl complete
str xzr, [x17, #${VCMDQ_BASE}]
ldr w8, [x16, #${VCMDQ_GERROR}]
str w8, [x16, #${VCMDQ_GERRORN}]`;
};

/** Allocates a VCMDQ to its slot of VINTF 0 and enables it with its ring. */
export const startVcmdq = (s: A64Source) => `
${vcmdq(s)}
${s.move('x12', VCMDQ_RINGS)}
add x12, x12, x15, lsl #${Math.log2(RING_BYTES)}
add x8, x16, #${VCMDQ_PROD}
stp x12, x8, [x10]
add x8, x16, #${VCMDQ_CONS}
stp x8, xzr, [x10, #16]
lsl w8, w15, #${shiftOf(CMDQ_ALLOC_LVCMDQ)}
orr w8, w8, #${inField(CMDQ_ALLOC_ALLOCATED, 1)}
add x9, x22, #${CMDQV_CMDQ_ALLOC}
add x9, x9, x15, lsl #2
str w8, [x9]
add x12, x12, #${QUEUE_LOG2}
str x12, [x17, #${VCMDQ_BASE}]
str wzr, [x16, #${VCMDQ_PROD}]
str wzr, [x16, #${VCMDQ_CONS}]
${s.set32('x16', VCMDQ_CONFIG, 1)}`;

/** w13 stays 1 when everything is enabled. */
export const awaitStatus = (s: A64Source) => {
  const [look, end] = [s.label(), s.label()];
  return `
${vcmdq(s)}
${s.move('x14', MOST_STATUS_LOOKS)}
${look}:
${s.get32('w11', 'x22', CMDQV_STATUS)}
${s.get32('w12', 'x22', CMDQV_VINTF + VINTF_STATUS)}
and w11, w11, w12
ldr w12, [x16, #${VCMDQ_STATUS}]
and w11, w11, w12
and w11, w11, #1
sub x14, x14, #1
cbz x14, ${end}
cbz w11, ${look}
${end}:
and w13, w13, w11`;
};

/**
 * Brings up VINTF 0 with all its VCMDQs. Each processor has its own; this one uses each
 * in turn.
 */
export const cmdqvReset = (s: A64Source): string => `
${s.title(6, 'bring up the CMDQV: VINTF 0 and its VCMDQs')}
${s.get32('w11', 'x22', CMDQV_CONFIG)}
orr w11, w11, #1
${s.put32('w11', 'x22', CMDQV_CONFIG)}
${s.set32('x22', CMDQV_VINTF + VINTF_CONFIG, HYP_OWN_BIT)}
${s.set32('x22', CMDQV_VINTF + VINTF_CONFIG, HYP_OWN_BIT | inField(VINTF_CONFIG_EN, 1))}
${loopQueues(s, startVcmdq(s))}
mov w13, #1
${loopQueues(s, awaitStatus(s))}
${s.get32('w12', 'x22', CMDQV_VINTF + VINTF_CONFIG)}
ubfm w12, w12, #${shiftOf(VINTF_CONFIG_HYP_OWN)}, #${shiftOf(VINTF_CONFIG_HYP_OWN)}
ldr w11, [x26, #${VCMDQS}]
${s.say('VINTF 0 with ')}
${s.sayNumber('w11', 10)}
${s.say(` VCMDQs of ${2 ** QUEUE_LOG2} entries, HYP_OWN `)}
${s.sayNumber('w12', 10)}
cmp w12, #0
cset w8, eq
and w1, w8, w13
${s.need('cmdqv-reset')}
mov w11, #0
${loopQueues(
  s,
  `
add x9, x26, #${VCMDQ_QUEUE}
add x9, x9, x15, lsl #${Math.log2(QUEUE_BYTES)}
${s.move('x0', COMMAND_ASID)}
mov x1, #0
bl put_command
bl complete
add w11, w11, w0`,
)}
ldr w12, [x26, #${VCMDQS}]
${s.sayNumber('w11', 10)}
${s.say(' VCMDQs completed TLBI_NH_ASID and CMD_SYNC')}
cmp w11, w12
cset w1, eq
${s.need('vcmdq-batches')}
`;
