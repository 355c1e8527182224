// SPDX-License-Identifier: MIT
// Interrupts of the arm64 toy: LPIs of the SMMU and of the DMA engine through the ITS,
// and the CMDQV's SPI.

import { VCMDQ_CONS, VCMDQ_GERROR, VCMDQ_GERRORN } from '../../assembly/layout/cmdqv-registers.ts';
import {
  GIC_ICFGR,
  GIC_IGROUPR,
  GIC_ISENABLER,
  GICD_CTLR,
  GICR_CTLR,
  GICR_PENDBASER,
  GICR_PROPBASER,
  GICR_WAKER,
} from '../../assembly/layout/gic-registers.ts';
import { ITS_MAPC, ITS_MAPD, ITS_MAPTI } from '../../assembly/layout/its-formats.ts';
import {
  GITS_BASER,
  GITS_CBASER,
  GITS_CREADR,
  GITS_CTLR,
  GITS_CWRITER,
} from '../../assembly/layout/its-registers.ts';
import { SMMU_EVENTQ_CONS, SMMU_EVENTQ_PROD } from '../../assembly/layout/smmu-registers.ts';
import {
  CMDQV_INTID,
  DMA_LPI,
  DMA_MESSAGES,
  ERROR_LPI,
  ERRORS,
  EVENT_LPI,
  EVENTS,
  GICD,
  GICR,
  GITS,
  ITS_COLLECTIONS,
  ITS_DEVICES,
  ITS_EVENTS,
  ITS_QUEUE,
  LAST_ERROR,
  LAST_OPCODE,
  LPI_PENDING,
  LPI_PROPERTIES,
  QUEUE_BYTES,
  SMMU_DEVICE,
  STREAM,
  VCMDQ_QUEUE,
  VCMDQS,
} from './a64-places.ts';
import type { A64Source } from './a64-source.ts';

/** ARE and both groups. */
const GICD_ENABLE = 0x13;
const PRIORITY_MASK = 0xf0;
/** Priority 0xa0, bit 1 RES1, enabled. */
const LPI_BYTE = 0xa3;
/** 16 bits of INTIDs; inner shareable, write-back. */
const PROPERTIES_SHAPE = 0x78f;
const NOTHING_PENDING = 1n << 62n;
const VALID = 1n << 63n;
/** Pages of 64 KiB: 8 of them. */
const DEVICES_SHAPE = 0x207n;
const COLLECTIONS_SHAPE = 0x200n;
const QUEUE_PAGES = 16;
const CMD_SYNC = 0x46;
/** log2 of the number of errors after which queues stay stopped. */
const MOST_ERRORS_LOG2 = 12;

const command = (...words: readonly (bigint | number)[]) => [0, 1, 2, 3].map((i) => words[i] ?? 0);

/** The ITS command for a device with two events, each with an LPI of collection 0. */
const mapDevice = (device: number, table: number) =>
  command((BigInt(device) << 32n) | BigInt(ITS_MAPD), 0, BigInt(table) | VALID);
const mapEvent = (device: number, event: number, intid: number) =>
  command((BigInt(device) << 32n) | BigInt(ITS_MAPTI), (BigInt(intid) << 32n) | BigInt(event), 0);

const ITS_COMMANDS = [
  command(ITS_MAPC, 0, VALID),
  mapDevice(SMMU_DEVICE, ITS_EVENTS),
  mapEvent(SMMU_DEVICE, 0, EVENT_LPI),
  mapEvent(SMMU_DEVICE, 1, ERROR_LPI),
  mapDevice(STREAM, ITS_EVENTS + 0x100),
  mapEvent(STREAM, 1, DMA_LPI),
].flat();

/** Brings up GIC, LPIs and ITS, and enables interrupts. */
export const interruptsOf = (s: A64Source): string => `
${s.title(5, 'bring up GIC and ITS')}
${s.move('x10', GICD)}
${s.set32('x10', GICD_CTLR, GICD_ENABLE)}
${s.set32('x10', GIC_IGROUPR + 4 * (CMDQV_INTID >> 5), 2 ** (CMDQV_INTID % 32))}
${s.set32('x10', GIC_ICFGR + 4 * (CMDQV_INTID >> 4), 2 ** (2 * (CMDQV_INTID % 16) + 1))}
${s.set32('x10', GIC_ISENABLER + 4 * (CMDQV_INTID >> 5), 2 ** (CMDQV_INTID % 32))}
${s.move('x10', LPI_PROPERTIES)}
${s.set32('x10', 0, LPI_BYTE * 0x10101)}
${s.move('x10', GICR)}
${s.set32('x10', GICR_WAKER, 0)}
${s.set64('x10', GICR_PROPBASER, LPI_PROPERTIES + PROPERTIES_SHAPE)}
${s.set64('x10', GICR_PENDBASER, BigInt(LPI_PENDING) | NOTHING_PENDING)}
${s.set32('x10', GICR_CTLR, 1)}
${s.move('x8', PRIORITY_MASK)}
msr icc_pmr_el1, x8
mov x8, #1
msr icc_igrpen1_el1, x8
${s.move('x10', GITS)}
${s.set64('x10', GITS_CBASER, VALID | BigInt(ITS_QUEUE + QUEUE_PAGES - 1))}
${s.set64('x10', GITS_BASER, VALID | BigInt(ITS_DEVICES) | DEVICES_SHAPE)}
${s.set64('x10', GITS_BASER + 8, VALID | BigInt(ITS_COLLECTIONS) | COLLECTIONS_SHAPE)}
${s.set32('x10', GITS_CTLR, 1)}
${s.fill64(ITS_QUEUE, ITS_COMMANDS)}
${s.move('x10', GITS)}
${s.set64('x10', GITS_CWRITER, 8 * ITS_COMMANDS.length)}
ldr x11, [x10, #${GITS_CREADR}]
cmp x11, #${8 * ITS_COMMANDS.length}
cset w11, eq
msr daifclr, #2
${s.say('LPIs of the SMMU and the DMA engine')}
mov w1, w11
${s.need('its')}
`;

/** The interrupt handler. */
export const interruptHandler = (s: A64Source): string => `
interrupt:
sub sp, sp, #160
stp x0, x1, [sp]
stp x2, x3, [sp, #16]
stp x4, x5, [sp, #32]
stp x6, x7, [sp, #48]
stp x8, x9, [sp, #64]
stp x10, x11, [sp, #80]
stp x12, x13, [sp, #96]
stp x29, x30, [sp, #112]
mrs x12, icc_iar1_el1
${s.move('x8', EVENT_LPI)}
cmp x12, x8
b.eq take_events
${s.move('x8', DMA_LPI)}
cmp x12, x8
b.eq take_message
cmp x12, #${CMDQV_INTID}
b.eq take_error
b interrupt_end
// Event records stay where they are; CONS says that they have been taken.
take_events:
${s.get32('w8', 'x21', SMMU_EVENTQ_PROD)}
${s.put32('w8', 'x21', SMMU_EVENTQ_CONS)}
and w8, w8, #0xff
str w8, [x26, #${EVENTS}]
b interrupt_end
take_message:
ldr w8, [x26, #${DMA_MESSAGES}]
add w8, w8, #1
str w8, [x26, #${DMA_MESSAGES}]
b interrupt_end
// VCMDQs have stopped: the command of each becomes a CMD_SYNC, and GERRORN has it go on.
take_error:
add x13, x26, #${VCMDQ_QUEUE}
ldr w7, [x26, #${VCMDQS}]
take_error_of:
ldr x8, [x13, #16]
ldr w9, [x8, #${VCMDQ_GERROR - VCMDQ_CONS}]
ldr w10, [x8, #${VCMDQ_GERRORN - VCMDQ_CONS}]
cmp w9, w10
b.eq take_error_next
ldr w10, [x8, #0]
ubfm w11, w10, #24, #30
str w11, [x26, #${LAST_ERROR}]
and w10, w10, #0xff
ldr x11, [x13]
add x11, x11, x10, lsl #4
ldrb w10, [x11]
str w10, [x26, #${LAST_OPCODE}]
mov x10, #${CMD_SYNC}
stp x10, xzr, [x11]
ldr w10, [x26, #${ERRORS}]
add w10, w10, #1
str w10, [x26, #${ERRORS}]
// A queue that finds no legal command is left to its error: otherwise nothing else would
// run.
tbnz w10, #${MOST_ERRORS_LOG2}, take_error_next
dmb oshst
str w9, [x8, #${VCMDQ_GERRORN - VCMDQ_CONS}]
take_error_next:
add x13, x13, #${QUEUE_BYTES}
sub w7, w7, #1
cbnz w7, take_error_of
interrupt_end:
msr icc_eoir1_el1, x12
ldp x0, x1, [sp]
ldp x2, x3, [sp, #16]
ldp x4, x5, [sp, #32]
ldp x6, x7, [sp, #48]
ldp x8, x9, [sp, #64]
ldp x10, x11, [sp, #80]
ldp x12, x13, [sp, #96]
ldp x29, x30, [sp, #112]
add sp, sp, #160
eret
`;
