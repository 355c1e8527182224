// SPDX-License-Identifier: MIT
// Steps 1 to 5 of the arm64 toy: discovery of the board, and bring-up of the SMMU.

import { CD_SIZE } from '../../assembly/layout/cd.ts';
import { CHECKPOINT_ID, CHECKPOINT_ID_VALUE } from '../../assembly/layout/checkpoint-registers.ts';
import { DMA_ID, DMA_ID_VALUE } from '../../assembly/layout/dma-engine-registers.ts';
import {
  CR0_ATSCHK,
  CR0_CMDQEN,
  CR0_EVENTQEN,
  CR0_SMMUEN,
  IDR0_MSI,
  IDR0_S1P,
  IRQ_CTRL_EVENTQ_IRQEN,
  IRQ_CTRL_GERROR_IRQEN,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_CR0ACK,
  SMMU_CR1,
  SMMU_CR2,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_IRQ_CFG0,
  SMMU_EVENTQ_IRQ_CFG1,
  SMMU_EVENTQ_IRQ_CFG2,
  SMMU_EVENTQ_PROD,
  SMMU_GERROR_IRQ_CFG0,
  SMMU_GERROR_IRQ_CFG1,
  SMMU_GERROR_IRQ_CFG2,
  SMMU_IDR0,
  SMMU_IDR1,
  SMMU_IDR3,
  SMMU_IDR5,
  SMMU_IRQ_CTRL,
  SMMU_IRQ_CTRLACK,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../assembly/layout/smmu-registers.ts';
import { STE_SIZE } from '../../assembly/layout/ste.ts';
import { probeCmdqv } from './a64-cmdqv.ts';
import {
  COMMAND_ALL_CONFIGURATIONS,
  COMMAND_ALL_TRANSLATIONS,
  contextWords,
  STE_ABORT,
  tableWords,
} from './a64-formats.ts';
import {
  ASID,
  CMDQ_QUEUE,
  CMDQ_RING,
  CONTEXT,
  DOORBELL,
  EVENT_RING,
  QUEUE_LOG2,
  STREAM_TABLE,
  VARIABLES,
} from './a64-places.ts';
import { type A64Source, inField } from './a64-source.ts';

const GITS_TRANSLATER_AT = 0x40;
/**
 * CR1: table and queue accesses inner shareable, write-back (IHI 0070 section 6.3.11).
 */
const CR1_CACHEABLE = 0xd75;
/** CR2: PTM and RECINVSID. */
const CR2_VALUE = 6;
const STREAMS = 256;
const MOST_LOOKS = 1000;

/** Writes CR0, and w11 becomes 1 when CR0ACK says so. */
const enable = (s: A64Source, bits: bigint) => {
  const [look, end] = [s.label(), s.label()];
  return `
${s.set32('x21', SMMU_CR0, bits)}
${s.move('x12', MOST_LOOKS)}
${look}:
${s.get32('w9', 'x21', SMMU_CR0ACK)}
cmp w9, w8
cset w11, eq
b.eq ${end}
sub x12, x12, #1
cbnz x12, ${look}
${end}:
cbz w11, reset_failed`;
};

export const environment = (s: A64Source): string => `
${s.title(1, 'find memory and devices')}
adr x0, ${s.text('vsmmu arm64 toy: UART up\n')}
bl print
${s.get32('w8', 'x20', CHECKPOINT_ID)}
${s.move('w9', CHECKPOINT_ID_VALUE)}
cmp w8, w9
cset w11, eq
${s.get32('w8', 'x23', DMA_ID)}
${s.move('w9', DMA_ID_VALUE)}
cmp w8, w9
cset w12, eq
and w11, w11, w12
mrs x13, midr_el1
${s.say('CPU ')}
${s.sayNumber('x13', 16)}
${s.say(', DMA engine with StreamID 0x8')}
mov w1, w11
${s.need('environment')}
`;

/** @param hasCmdqv whether the device tree has a CMDQV. */
export const probe = (s: A64Source, hasCmdqv: boolean): string => `
${s.title(2, hasCmdqv ? 'probe SMMU and CMDQV' : 'probe SMMU')}
${
  hasCmdqv
    ? `
${probeCmdqv(s)}`
    : ''
}
${s.get32('w12', 'x21', SMMU_IDR0)}
${s.say('IDR0 ')}
${s.sayNumber('w12', 16)}
${s.say(' IDR1 ')}
${s.get32('w13', 'x21', SMMU_IDR1)}
${s.sayNumber('w13', 16)}
${s.say(' IDR3 ')}
${s.get32('w13', 'x21', SMMU_IDR3)}
${s.sayNumber('w13', 16)}
${s.say(' IDR5 ')}
${s.get32('w13', 'x21', SMMU_IDR5)}
${s.sayNumber('w13', 16)}
${s.move('w8', inField(IDR0_S1P, 1) | inField(IDR0_MSI, 1))}
and w12, w12, w8
cmp w12, w8
cset w1, eq
${s.need('probe-smmu')}
`;

/** Makes all streams abort, and writes stage 1 tables and the CD to memory. */
export const tables = (s: A64Source): string => {
  const loop = s.label();
  return `
${s.title(4, 'build stream table, CD and stage-1 tables')}
${s.move('x10', STREAM_TABLE)}
${s.move('x11', STREAMS)}
${s.move('x8', STE_ABORT)}
${loop}:
str x8, [x10]
add x10, x10, #${STE_SIZE}
sub x11, x11, #1
cbnz x11, ${loop}
${tableWords()
  .map(([address, words]) => s.fill64(address, words))
  .join('\n')}
${s.fill64(CONTEXT, contextWords().slice(0, CD_SIZE / 8))}
${s.move('x10', STREAM_TABLE + STE_SIZE * (STREAMS - 1))}
ldr x11, [x10]
${s.move('x8', STE_ABORT)}
cmp x11, x8
cset w12, eq
${s.move('x10', CONTEXT)}
ldr x11, [x10]
${s.move('x8', contextWords()[0] ?? 0)}
cmp x11, x8
cset w8, eq
and w12, w12, w8
${s.say(`stream table of ${STREAMS} STEs, CD for ASID ${ASID}, stage-1 tables`)}
mov w1, w12
${s.need('tables')}
`;
};

export const smmuReset = (s: A64Source): string => {
  const cmdq = inField(CR0_CMDQEN, 1);
  const queues = cmdq | inField(CR0_EVENTQEN, 1);
  const checked = queues | inField(CR0_ATSCHK, 1);
  const all = checked | inField(CR0_SMMUEN, 1);
  return `
${s.title(5, 'bring up the SMMU: CMDQ, event queue, translation')}
${s.fill64(VARIABLES + CMDQ_QUEUE, [CMDQ_RING, 0, 0])}
add x8, x21, #${SMMU_CMDQ_PROD}
str x8, [x26, #${CMDQ_QUEUE + 8}]
add x8, x21, #${SMMU_CMDQ_CONS}
str x8, [x26, #${CMDQ_QUEUE + 16}]
${enable(s, 0n)}
${s.set32('x21', SMMU_CR1, CR1_CACHEABLE)}
${s.set32('x21', SMMU_CR2, CR2_VALUE)}
${s.set64('x21', SMMU_STRTAB_BASE, STREAM_TABLE)}
${s.set32('x21', SMMU_STRTAB_BASE_CFG, Math.log2(STREAMS))}
${s.set64('x21', SMMU_CMDQ_BASE, CMDQ_RING + QUEUE_LOG2)}
${s.set32('x21', SMMU_CMDQ_PROD, 0)}
${s.set32('x21', SMMU_CMDQ_CONS, 0)}
${enable(s, cmdq)}
add x9, x26, #${CMDQ_QUEUE}
${s.move('x0', COMMAND_ALL_CONFIGURATIONS[0])}
${s.move('x1', COMMAND_ALL_CONFIGURATIONS[1])}
bl put_command
${s.move('x0', COMMAND_ALL_TRANSLATIONS)}
mov x1, #0
bl put_command
bl complete
cbz w0, reset_failed
${s.set64('x21', SMMU_EVENTQ_BASE, EVENT_RING + QUEUE_LOG2)}
${s.set32('x21', SMMU_EVENTQ_PROD, 0)}
${s.set32('x21', SMMU_EVENTQ_CONS, 0)}
${s.set64('x21', SMMU_EVENTQ_IRQ_CFG0, DOORBELL + GITS_TRANSLATER_AT)}
${s.set32('x21', SMMU_EVENTQ_IRQ_CFG1, 0)}
${s.set32('x21', SMMU_EVENTQ_IRQ_CFG2, 0)}
${s.set64('x21', SMMU_GERROR_IRQ_CFG0, DOORBELL + GITS_TRANSLATER_AT)}
${s.set32('x21', SMMU_GERROR_IRQ_CFG1, 1)}
${s.set32('x21', SMMU_GERROR_IRQ_CFG2, 0)}
${enable(s, queues)}
${s.set32('x21', SMMU_IRQ_CTRL, inField(IRQ_CTRL_EVENTQ_IRQEN, 1) | inField(IRQ_CTRL_GERROR_IRQEN, 1))}
${s.get32('w9', 'x21', SMMU_IRQ_CTRLACK)}
cmp w9, w8
b.ne reset_failed
${enable(s, checked)}
${enable(s, all)}
reset_failed:
${s.say(`CMDQ of ${2 ** QUEUE_LOG2} entries, event queue, CR0 `)}
${s.get32('w12', 'x21', SMMU_CR0)}
${s.sayNumber('w12', 16)}
${s.move('w8', all)}
cmp w12, w8
cset w1, eq
${s.need('smmu-reset')}
`;
};
