// SPDX-License-Identifier: MIT
// Steps 12 to 17 of the arm64 toy: everything by which a guest might reach other
// machines. Each step announces its attack to the host, which checks what the others have
// lost, and then uses its own mapping.

import {
  CHECKPOINT_DATA,
  CHECKPOINT_PHASE,
  CHECKPOINT_PHASE_ATTACK,
  CHECKPOINT_PHASE_END,
} from '../../assembly/layout/checkpoint-registers.ts';
import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQ_ALLOC_LVCMDQ,
  CMDQ_ALLOC_VINTF,
  CMDQV_CMDQ_ALLOC,
  CMDQV_VINTF,
  SID_MATCH_ENABLE,
  SID_MATCH_VIRT_SID,
  VINTF_CONFIG,
  VINTF_CONFIG_VMID,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
} from '../../assembly/layout/cmdqv-registers.ts';
import {
  ATC_INV_SIZE_ALL,
  OP_ATC_INV,
  OP_CFGI_STE,
  OP_TLBI_NH_ALL,
  OP_TLBI_NSNH_ALL,
  OP_TLBI_S2_IPA,
  OP_TLBI_S12_VMALL,
} from '../../assembly/layout/commands.ts';
import { DMA_STATUS_DONE } from '../../assembly/layout/dma-engine-registers.ts';
import { PL011_FR, PL011_FR_RXFE } from '../../assembly/layout/pl011-registers.ts';
import { awaitWord, put, verifyLive } from './a64-device.ts';
import { COMMAND_ALL_CONFIGURATIONS, COMMAND_ASID, COMMAND_PAGE } from './a64-formats.ts';
import { CMDQ_QUEUE, ERRORS, LIVE, LIVE_IOVA, STREAM, VCMDQ_QUEUE } from './a64-places.ts';
import { type A64Source, inField, shiftOf } from './a64-source.ts';

/** VMIDs that are tried; a host gives them away from 1. */
const VMIDS = 32;
/** StreamIDs to try: the lowest, and the first of the blocks that hosts assign. */
const LOW_SIDS = 0x41;
const SIDS = LOW_SIDS + 8 * 16;
/** A StreamID that no device has. */
const UNUSED_SID = 0x55;
/** Pairs of a VINTF. */
const PAIRS = 16;
/** Registers of CMDQ_ALLOC, also after the last queue's, and what is written there. */
const QUEUES = 16;
const VINTFS = 16;
const LVCMDQS = 4;

/** Looks at the console for the start, some 0.2 ms of guest time apart. */
const MOST_LOOKS = 50_000;
const INSTRUCTIONS_BETWEEN = 100_000;

/** Places of VMIDs and StreamIDs in the first doubleword of a command. */
const UPPER_WORD = 32;

/** A loop of w12 from 0 to `count` - 1. */
function loop(s: A64Source, count: number, body: (next: string) => string): string {
  const [again, next] = [s.label(), s.label()];
  return `
mov w12, #0
${again}:
${body(next)}
${next}:
add w12, w12, #1
cmp w12, #${count}
b.ne ${again}`;
}

/** w10 is StreamID number w12 of those that are tried. */
function streamId(s: A64Source): string {
  const low = s.label();
  return `
mov w10, w12
cmp w12, #${LOW_SIDS}
b.lo ${low}
sub w8, w12, #${LOW_SIDS}
lsr w10, w8, #4
add w10, w10, #1
lsl w10, w10, #8
and w8, w8, #0xf
add w10, w10, w8
${low}:`;
}

/** A loop over the StreamIDs that are tried, in w10, without the machine's own. */
const loopForeign = (s: A64Source, body: string): string =>
  loop(
    s,
    SIDS,
    (next) => `
${streamId(s)}
cmp w10, #${STREAM}
b.eq ${next}
${body}`,
  );

/** Puts a command whose upper word has what is in a register. */
const putWith = (s: A64Source, command: bigint | number, register: string, second = 0) => `
${s.move('x0', command)}
orr x0, x0, ${register}, lsl #${UPPER_WORD}
${s.move('x1', second)}
bl put_command`;

const useVcmdq = `add x9, x26, #${VCMDQ_QUEUE}`;

/**
 * Sends ATC_INV for the StreamID in a register. w1 is 1 when as many errors as `errors`
 * follow.
 */
const atcInv = (s: A64Source, register: string, errors: 0 | 1) => `
${useVcmdq}
ldr w13, [x26, #${ERRORS}]
add w13, w13, #${errors}
${putWith(s, OP_ATC_INV, register, ATC_INV_SIZE_ALL)}
bl complete
mov w16, w0
${awaitWord(s, ERRORS)}
and w1, w1, w16`;

/** w1 is 1 when the guest's own invalidations complete on the VCMDQ without an error. */
const invalidateOwn = (s: A64Source) => `
${useVcmdq}
ldr w13, [x26, #${ERRORS}]
${put(s, COMMAND_ASID)}
${put(s, OP_TLBI_S12_VMALL)}
bl complete
ldr w8, [x26, #${ERRORS}]
cmp w8, w13
cset w1, eq
and w1, w1, w0`;

interface Attack {
  /** From 1. */
  readonly kind: number;
  readonly title: string;
  readonly name: string;
  /**
   * w11 is the number of tries with the right end, of so many; w15, which is 1, says
   * whether all else is right.
   */
  readonly body: string;
  readonly tries: number;
  readonly detail: string;
}

/** Tells the host that the attack begins. */
export const beginAttack = (s: A64Source, step: number, kind: number, title: string): string => `
${s.title(step, `attack: ${title}`)}
${s.set32('x20', CHECKPOINT_DATA, kind)}
${s.set32('x20', CHECKPOINT_PHASE, CHECKPOINT_PHASE_ATTACK)}`;

/**
 * Uses the live mapping, ends the attack, and reports whether w15 is 1. The DMA precedes
 * the end of the phase: a machine that is not in a phase can be attacked at any time, and
 * needs live IOTLB entries to lose.
 */
export const endAttack = (s: A64Source, name: string): string => `
${verifyLive(s)}
cmp w0, #${DMA_STATUS_DONE}
cset w8, eq
and w15, w15, w8
${s.set32('x20', CHECKPOINT_PHASE, CHECKPOINT_PHASE_ATTACK + CHECKPOINT_PHASE_END)}
mov w1, w15
${s.check(name)}`;

const attack = (s: A64Source, { kind, title, name, body, tries, detail }: Attack): string => `
${beginAttack(s, 11 + kind, kind, title)}
mov w11, #0
mov w15, #1
${body}
cmp w11, #${tries}
cset w8, eq
and w15, w15, w8
${s.sayNumber('w11', 10)}
${s.say(` of ${tries} ${detail}`)}
${endAttack(s, name)}
`;

/** Each invalidation of a VCMDQ with every VMID: the host inserts the machine's own. */
export const vmidAttack = (s: A64Source) =>
  attack(s, {
    kind: 1,
    title: 'VMIDs in commands on the VCMDQ',
    name: 'attack-vmid-fields',
    tries: VMIDS,
    detail: 'VMIDs: NH_ASID, NH_VA, S12_VMALL, S2_IPA complete on the VCMDQ',
    body: `
ldr w14, [x26, #${ERRORS}]
${useVcmdq}
${loop(
  s,
  VMIDS,
  () => `
${putWith(s, COMMAND_ASID, 'x12')}
${putWith(s, COMMAND_PAGE, 'x12', LIVE_IOVA)}
${putWith(s, OP_TLBI_S12_VMALL, 'x12')}
${putWith(s, OP_TLBI_S2_IPA, 'x12', LIVE)}
bl complete
add w11, w11, w0`,
)}
ldr w8, [x26, #${ERRORS}]
cmp w8, w14
cset w15, eq`,
  });

/** ATC_INV with StreamIDs of others: illegal commands, but for the machine's own. */
export const sidAttack = (s: A64Source) =>
  attack(s, {
    kind: 2,
    title: 'StreamIDs in commands on the VCMDQ',
    name: 'attack-sid-fields',
    tries: SIDS - 1,
    detail: 'foreign StreamIDs end in CERROR_ILL, the own one completes',
    body: `
${loopForeign(
  s,
  `
${atcInv(s, 'x10', 1)}
add w11, w11, w1`,
)}
mov w10, #${STREAM}
${atcInv(s, 'x10', 0)}
mov w15, w1`,
  });

/**
 * Commands of the trapped CMDQ only: all entries of a VMID, all entries, configuration of
 * other streams.
 */
const cmdqAttack = (s: A64Source) =>
  attack(s, {
    kind: 3,
    title: 'commands on the trapped CMDQ',
    name: 'attack-cmdq',
    tries: VMIDS + 2 + SIDS,
    detail: 'batches complete on the CMDQ: NH_ALL, NSNH_ALL, CFGI_ALL, CFGI_STE',
    body: `
add x9, x26, #${CMDQ_QUEUE}
${loop(
  s,
  VMIDS,
  () => `
${putWith(s, OP_TLBI_NH_ALL, 'x12')}
bl complete
add w11, w11, w0`,
)}
${put(s, OP_TLBI_NSNH_ALL)}
bl complete
add w11, w11, w0
${put(s, ...COMMAND_ALL_CONFIGURATIONS)}
bl complete
add w11, w11, w0
${loop(
  s,
  SIDS,
  () => `
${streamId(s)}
${putWith(s, OP_CFGI_STE, 'x10')}
bl complete
add w11, w11, w0`,
)}`,
  });

/** x17 is a register of the CMDQV. */
const register = (s: A64Source, offset: number) => `
${s.move('x17', offset)}
add x17, x22, x17`;

/** VINTF_CONFIG.VMID is the host's: whatever is written there, it stays. */
const vintfVmidAttack = (s: A64Source) =>
  attack(s, {
    kind: 4,
    title: 'VINTF_CONFIG.VMID',
    name: 'attack-vintf-vmid',
    tries: VMIDS,
    detail: 'values of VINTF_CONFIG.VMID: NH_ASID and S12_VMALL complete',
    body: `
${register(s, CMDQV_VINTF + VINTF_CONFIG)}
ldr w7, [x17]
mov w16, w7
${loop(
  s,
  VMIDS,
  () => `
orr w8, w16, w12, lsl #${shiftOf(VINTF_CONFIG_VMID)}
str w8, [x17]
${invalidateOwn(s)}
add w11, w11, w1`,
)}
str w16, [x17]
ldr w8, [x17]
cmp w8, w16
cset w15, eq`,
  });

/** Pairs with devices of other machines have no effect: nothing matches the StreamID. */
const sidPairAttack = (s: A64Source) => {
  const matched = (sid: number) => inField(SID_MATCH_VIRT_SID, sid) | inField(SID_MATCH_ENABLE, 1);
  const last = 4 * (PAIRS - 1);
  return attack(s, {
    kind: 5,
    title: 'SID_MATCH and SID_REPLACE',
    name: 'attack-sid-pairs',
    tries: SIDS - 1,
    detail: 'SID pairs pointing at foreign StreamIDs change nothing',
    body: `
${register(s, CMDQV_VINTF)}
${loopForeign(
  s,
  `
str w10, [x17, #${VINTF_SID_REPLACE}]
${s.set32('x17', VINTF_SID_MATCH, matched(UNUSED_SID))}
str w10, [x17, #${VINTF_SID_REPLACE + last}]
${s.set32('x17', VINTF_SID_MATCH + last, matched(STREAM))}
mov w10, #${UNUSED_SID}
${atcInv(s, 'x10', 1)}
mov w15, w1
mov w10, #${STREAM}
${atcInv(s, 'x10', 0)}
and w1, w1, w15
add w11, w11, w1
${[0, last].map((pair) => `str wzr, [x17, #${VINTF_SID_MATCH + pair}]\nstr wzr, [x17, #${VINTF_SID_REPLACE + pair}]`).join('\n')}`,
)}
mov w15, #1`,
  });
};

/** Assigns queues, its own and others, to VINTFs and slots that are not its own. */
const allocationAttack = (s: A64Source) => {
  const slots = Array.from({ length: LVCMDQS }, (_, slot) => slot);
  const vintf = s.label();
  return attack(s, {
    kind: 6,
    title: 'CMDQ_ALLOC',
    name: 'attack-cmdq-alloc',
    tries: QUEUES * VINTFS,
    detail: 'ownership changes through CMDQ_ALLOC: the own queue goes on',
    body: `
${register(s, CMDQV_CMDQ_ALLOC)}
${loop(
  s,
  QUEUES,
  () => `
ldr w15, [x17]
mov w16, #0
${vintf}:
lsl w10, w16, #${shiftOf(CMDQ_ALLOC_VINTF)}
orr w10, w10, #${inField(CMDQ_ALLOC_ALLOCATED, 1)}
${slots.map((slot) => `${s.move('w8', inField(CMDQ_ALLOC_LVCMDQ, slot))}\norr w8, w8, w10\nstr w8, [x17]`).join('\n')}
${invalidateOwn(s)}
add w11, w11, w1
add w16, w16, #1
cmp w16, #${VINTFS}
b.ne ${vintf}
str w15, [x17], #4`,
)}
${invalidateOwn(s)}
mov w15, w1`,
  });
};

/**
 * Waits for a byte on the console, after which other machines have entries to lose. It
 * gives up after a time: one of them may never get there.
 */
export function awaitStart(s: A64Source): string {
  const [look, idle, end] = [s.label(), s.label(), s.label()];
  return `
${s.move('x14', MOST_LOOKS)}
${look}:
ldr w8, [x19, #${PL011_FR}]
and w8, w8, #${inField(PL011_FR_RXFE, 1)}
cbz w8, ${end}
${s.move('x8', INSTRUCTIONS_BETWEEN)}
${idle}:
sub x8, x8, #1
cbnz x8, ${idle}
sub x14, x14, #1
cbnz x14, ${look}
${end}:
ldr w8, [x19]`;
}

/** All that a guest of the path has to attack by. */
export const attacks = (s: A64Source, isDirect: boolean): string =>
  (isDirect
    ? [vmidAttack, sidAttack, cmdqAttack, vintfVmidAttack, sidPairAttack, allocationAttack]
    : [cmdqAttack]
  )
    .map((one) => one(s))
    .join('\n');
