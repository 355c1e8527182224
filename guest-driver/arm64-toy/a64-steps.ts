// SPDX-License-Identifier: MIT
// Steps 7 to 11 of the arm64 toy: DMA through the SMMU, messages of the engine, the
// effect of a stale TLB entry, both queues, bad commands.

import { VCMDQ_CONS, VCMDQ_GERROR, VCMDQ_GERRORN } from '../../assembly/layout/cmdqv-registers.ts';
import {
  ATC_INV_SIZE_ALL,
  CERROR_ILL,
  OP_CFGI_STE_RANGE,
  OP_CMD_SYNC,
  SYNC_CS,
} from '../../assembly/layout/commands.ts';
import {
  DMA_FAULT_ADDR,
  DMA_OP_FILL,
  DMA_PATTERN,
  DMA_STATUS_DONE,
  DMA_STATUS_READ_FAULT,
} from '../../assembly/layout/dma-engine-registers.ts';
import {
  EVT_CLASS,
  EVT_CLASS_IN,
  EVT_RNW,
  EVT_S2,
  F_TRANSLATION,
} from '../../assembly/layout/events.ts';
import {
  attach,
  awaitWord,
  copied,
  copy,
  fill,
  LIVE_PATTERN,
  PROBE_BYTES,
  put,
  sayStatus,
  useQueue,
  verifyLive,
} from './a64-device.ts';
import {
  COMMAND_ALL_CONFIGURATIONS,
  COMMAND_ASID,
  COMMAND_ATC,
  COMMAND_PAGE,
  COMMAND_STREAM_CONFIGURATION,
  LIVE_PAGES,
  leafOf,
  readablePage,
  STE_ATTRIBUTES,
  STE_STAGE1,
} from './a64-formats.ts';
import {
  CMDQ_QUEUE,
  DMA_MESSAGES,
  DOORBELL_IOVA,
  ERRORS,
  EVENT_RING,
  EVENTS,
  INDEX_MASK,
  LAST_ERROR,
  LAST_OPCODE,
  LIVE,
  LIVE_IOVA,
  SOURCE,
  SOURCE_IOVA,
  STREAM,
  TARGET_IOVA,
  VCMDQ_QUEUE,
} from './a64-places.ts';
import { type A64Source, inField, shiftOf } from './a64-source.ts';

const COPY_BYTES = 2 * 0x1000 + 512;
const FIRST_PATTERN = 0x11111111;
const SECOND_PATTERN = 0x22222222;
/** The lowest bit of a field in its doubleword. */
const bit = (field: number) => 32 * ((field >> 16) % 2) + shiftOf(field);

const GITS_TRANSLATER_AT = 0x40;
const DMA_EVENT = 1;
export const dmaCopy = (s: A64Source): string => {
  const loop = s.label();
  return `
${s.title(7, 'copy memory by DMA')}
${attach(s, STE_STAGE1, STE_ATTRIBUTES)}
${s.move('x10', SOURCE)}
${s.move('x11', COPY_BYTES)}
${s.move('w12', 0x9e3779b1)}
mov w13, #0
${loop}:
str w13, [x10], #4
add w13, w13, w12
sub x11, x11, #4
cbnz x11, ${loop}
${copy(s, COPY_BYTES)}
${s.say(`${COPY_BYTES} bytes from iova 0x${SOURCE_IOVA.toString(16)} to 0x${TARGET_IOVA.toString(16)}, `)}
${sayStatus(s)}
${copied}
and w1, w1, w15
${s.need('dma-copy')}
${fill(s, LIVE, LIVE_PAGES * 0x1000, LIVE_PATTERN)}
`;
};

/**
 * The engine's own write to GITS_TRANSLATER: stage 1 and the VMM's stage 2 map the
 * doorbell, and the ITS gets the DeviceID.
 */
export const message = (s: A64Source): string => `
ldr w13, [x26, #${DMA_MESSAGES}]
add w13, w13, #1
${s.set32('x23', DMA_PATTERN, DMA_EVENT)}
${s.move('w0', DMA_OP_FILL)}
mov x1, #0
${s.move('x2', DOORBELL_IOVA + GITS_TRANSLATER_AT)}
${s.move('w3', 4)}
bl dma
mov w11, w0
${awaitWord(s, DMA_MESSAGES)}
mov w15, w1
${s.say('EventID 1 by DMA to the doorbell, ')}
${sayStatus(s)}
cmp w11, #${DMA_STATUS_DONE}
cset w1, eq
and w1, w1, w15
${s.check('dma-msi')}
`;

/** Appends what access the event record with doubleword x12 is of. */
const sayEventKind = (s: A64Source) => {
  const [write, end] = [s.label(), s.label()];
  return `
tbz x12, #${bit(EVT_RNW)}, ${write}
${s.say(' read')}
b ${end}
${write}:
${s.say(' write')}
${end}:
${s.say(' stage ')}
ubfm x9, x12, #${bit(EVT_S2)}, #${bit(EVT_S2)}
add x9, x9, #1
${s.sayNumber('x9', 10)}
${s.say(' class ')}
ubfm x9, x12, #${bit(EVT_CLASS)}, #${bit(EVT_CLASS) + 1}
${s.sayNumber('x9', 10)}`;
};

/** An unmap without an invalidation does not affect the device; an invalidation does. */
export const staleEntry = (s: A64Source, isDirect: boolean): string => `
${s.title(8, 'unmap, use the stale TLB entry, invalidate, fault')}
${fill(s, SOURCE, PROBE_BYTES, FIRST_PATTERN)}
${copy(s, PROBE_BYTES)}
${copied}
mov w15, w1
${s.fill64(leafOf(SOURCE_IOVA), [0])}
${fill(s, SOURCE, PROBE_BYTES, SECOND_PATTERN)}
${copy(s, PROBE_BYTES)}
${s.say('PTE cleared, ')}
${sayStatus(s)}
${copied}
and w1, w1, w15
${s.check('stale-entry-used')}
${useQueue(isDirect)}
${put(s, COMMAND_PAGE, SOURCE_IOVA + 1)}
bl complete
mov w15, w0
${s.say(`TLBI_NH_VA and CMD_SYNC on the ${isDirect ? 'VCMDQ' : 'CMDQ'}`)}
mov w1, w15
${s.check('invalidate')}
ldr w13, [x26, #${EVENTS}]
add w13, w13, #1
${fill(s, SOURCE, PROBE_BYTES, FIRST_PATTERN)}
${copy(s, PROBE_BYTES)}
${sayStatus(s)}
${s.say(' at iova ')}
ldr w10, [x23, #${DMA_FAULT_ADDR}]
ldr w14, [x23, #${DMA_FAULT_ADDR + 4}]
orr x10, x10, x14, lsl #32
${s.sayNumber('x10', 16)}
${s.move('x8', SOURCE_IOVA)}
cmp x10, x8
cset w1, eq
cmp w11, #${DMA_STATUS_READ_FAULT}
cset w8, eq
and w1, w1, w8
orr w8, wzr, #1
sub w12, w8, w12
and w1, w1, w12
${s.check('dma-faults')}
${awaitWord(s, EVENTS)}
mov w15, w1
${s.move('x10', EVENT_RING)}
sub w8, w13, #1
add x10, x10, x8, lsl #5
ldp x11, x12, [x10]
ldr x14, [x10, #16]
${s.say('by LPI: event ')}
and x9, x11, #0xff
${s.sayNumber('x9', 16)}
${s.say(' sid ')}
lsr x9, x11, #32
${s.sayNumber('x9', 16)}
${s.say(' iova ')}
${s.sayNumber('x14', 16)}
${sayEventKind(s)}
${s.move('x8', SOURCE_IOVA)}
cmp x14, x8
cset w1, eq
and w1, w1, w15
${s.move('x8', BigInt(F_TRANSLATION) | (BigInt(STREAM) << 32n))}
cmp x11, x8
cset w8, eq
and w1, w1, w8
${s.move('x8', inField(EVT_RNW, 1) | inField(EVT_CLASS, EVT_CLASS_IN))}
cmp x12, x8
cset w8, eq
and w1, w1, w8
${s.check('event-record')}
${s.fill64(leafOf(SOURCE_IOVA), [readablePage(SOURCE)])}
${copy(s, PROBE_BYTES)}
${sayStatus(s)}
${copied}
${s.check('remap')}
`;

/**
 * Ends a run with its CMD_SYNC, unless all commands go to the same queue; w13 stays 1 if
 * it completes.
 */
const changeQueue = (isDirect: boolean, queue: number) =>
  isDirect
    ? `
bl complete
and w13, w13, w0
add x9, x26, #${queue}`
    : '';

/**
 * Three invalidations, a configuration command, two invalidations: two changes of queue.
 */
export const mixedBatch = (s: A64Source, isDirect: boolean): string => `
${s.title(9, 'send a batch for both queues')}
ldr w11, [x26, #${VCMDQ_QUEUE + 24}]
ldr w12, [x26, #${CMDQ_QUEUE + 24}]
ldr w14, [x26, #${ERRORS}]
${useQueue(isDirect)}
mov w13, #1
${put(s, COMMAND_PAGE, SOURCE_IOVA + 1)}
${put(s, COMMAND_PAGE, TARGET_IOVA + 1)}
${put(s, COMMAND_ATC, ATC_INV_SIZE_ALL)}
${changeQueue(isDirect, CMDQ_QUEUE)}
${put(s, ...COMMAND_STREAM_CONFIGURATION)}
${changeQueue(isDirect, VCMDQ_QUEUE)}
${put(s, COMMAND_PAGE, SOURCE_IOVA + 1)}
${put(s, COMMAND_ASID)}
bl complete
and w13, w13, w0
ldr w8, [x26, #${ERRORS}]
cmp w8, w14
cset w8, eq
and w13, w13, w8
ldr w8, [x26, #${VCMDQ_QUEUE + 24}]
sub w11, w8, w11
and w11, w11, #${INDEX_MASK}
ldr w8, [x26, #${CMDQ_QUEUE + 24}]
sub w12, w8, w12
and w12, w12, #${INDEX_MASK}
${
  isDirect
    ? `
${s.sayNumber('w11', 10)}
${s.say(' entries on the VCMDQ in two runs, ')}
${s.sayNumber('w12', 10)}
${s.say(' on the CMDQ, each run with its CMD_SYNC')}`
    : `
${s.sayNumber('w12', 10)}
${s.say(' entries on the CMDQ')}`
}
cmp w11, #${isDirect ? 7 : 0}
cset w1, eq
and w1, w1, w13
cmp w12, #${isDirect ? 2 : 7}
cset w8, eq
and w1, w1, w8
${s.check('mixed-batch')}
`;

/**
 * Input: w13 is the number of errors so far. w1 is 1 when there is one more, CERROR_ILL,
 * and everything has completed (w11).
 */
const oneMoreError = (s: A64Source) => `
mov w11, w0
add w13, w13, #1
${awaitWord(s, ERRORS)}
and w1, w1, w11
ldr w8, [x26, #${LAST_ERROR}]
cmp w8, #${CERROR_ILL}
cset w8, eq
and w1, w1, w8`;

/**
 * A VCMDQ does not support CFGI_ALL: it stops, the CMDQV's interrupt handler skips the
 * command, and the queue processes the commands after it.
 */
export function illegalCommand(s: A64Source): string {
  const [reported, said, acknowledged, done] = [s.label(), s.label(), s.label(), s.label()];
  return `
${s.title(10, 'put an illegal command on the VCMDQ and recover')}
ldr w13, [x26, #${ERRORS}]
add x9, x26, #${VCMDQ_QUEUE}
${put(s, ...COMMAND_ALL_CONFIGURATIONS)}
${put(s, COMMAND_ASID)}
bl complete
${oneMoreError(s)}
ldr w12, [x26, #${LAST_OPCODE}]
cmp w12, #${OP_CFGI_STE_RANGE}
cset w8, eq
and w15, w1, w8
${s.say('CFGI_ALL on the VCMDQ: ')}
ldr w8, [x26, #${ERRORS}]
cmp w8, w13
b.eq ${reported}
${s.say('no error was reported')}
b ${said}
${reported}:
${s.say('error ')}
ldr w8, [x26, #${LAST_ERROR}]
${s.sayNumber('w8', 10)}
${s.say(' at opcode ')}
${s.sayNumber('w12', 16)}
${s.say(', skipped by the interrupt handler')}
${said}:
mov w1, w15
${s.check('illegal-command')}
add x9, x26, #${VCMDQ_QUEUE}
${put(s, COMMAND_ASID)}
bl complete
ldr x8, [x26, #${VCMDQ_QUEUE + 16}]
ldr w10, [x8, #${VCMDQ_GERROR - VCMDQ_CONS}]
ldr w11, [x8, #${VCMDQ_GERRORN - VCMDQ_CONS}]
cmp w10, w11
cset w11, eq
mov w12, w0
ldr w8, [x26, #${ERRORS}]
cmp w8, w13
cset w8, eq
and w12, w12, w8
cmp w8, w13
b.eq ${acknowledged}
${s.say('no error to acknowledge')}
b ${done}
${acknowledged}:
${s.say('error acknowledged')}
${done}:
and w1, w11, w12
${s.check('illegal-command-recovery')}
mov w15, #0
${[1, 2, 3]
  .map(
    (signal) => `
ldr w13, [x26, #${ERRORS}]
add x9, x26, #${VCMDQ_QUEUE}
${s.move('x0', BigInt(OP_CMD_SYNC) | inField(SYNC_CS, signal))}
bl complete_with
${oneMoreError(s)}
add w15, w15, w1`,
  )
  .join('\n')}
ldr w13, [x26, #${ERRORS}]
add x9, x26, #${VCMDQ_QUEUE}
bl complete
ldr w8, [x26, #${ERRORS}]
cmp w8, w13
cset w12, eq
and w12, w12, w0
${s.sayNumber('w15', 10)}
${s.say(' of 3 CMD_SYNCs with a CS other than 0 end in CERROR_ILL')}
cmp w15, #3
cset w1, eq
and w1, w1, w12
${s.check('sync-signal')}
`;
}

export const liveMapping = (s: A64Source): string => `
${s.title(11, 'leave a mapping in the TLB')}
${verifyLive(s)}
mov w11, w0
${s.say(`${LIVE_PAGES} pages at iova 0x${LIVE_IOVA.toString(16)} stay mapped and in the TLB, `)}
${sayStatus(s)}
cmp w11, #${DMA_STATUS_DONE}
cset w1, eq
${s.check('live-mapping')}
`;
