// SPDX-License-Identifier: MIT
// Step 21 of the arm64 toy: a device with an ATC. Its entries are stale until ATC_INV,
// and a CMD_SYNC after an ATC_INV waits for the device's answer.

import {
  DMA_ATS_ENABLE,
  DMA_ATS_SILENT,
  DMA_STATUS_READ_FAULT,
} from '../../assembly/layout/dma-engine-registers.ts';
import { IDR0_ATS, SMMU_IDR0 } from '../../assembly/layout/smmu-registers.ts';
import {
  fill,
  isDone,
  PROBE_BYTES,
  put,
  reattach,
  setAts,
  useQueue,
  verify,
} from './a64-device.ts';
import {
  COMMAND_ATC,
  COMMAND_PAGE,
  leafOf,
  readablePage,
  STE_ATTRIBUTES,
  STE_ATTRIBUTES_ATS,
  STE_STAGE1,
} from './a64-formats.ts';
import { ERRORS, INDEX_MASK, SOURCE, SOURCE_IOVA } from './a64-places.ts';
import { type A64Source, inField } from './a64-source.ts';

const PATTERN = 0x77777777;
/**
 * Reads of CONS until the queue is at the CMD_SYNC, and further reads to see that it
 * stays there, with instructions between them. They are few: the device has 500 ms to
 * answer, in which other machines of the host may have their turns.
 */
const MOST_LOOKS = 100_000;
const STAYS = 3;
const INSTRUCTIONS_BETWEEN = 200;

const verifySource = (s: A64Source) => verify(s, SOURCE_IOVA, PATTERN, PROBE_BYTES);

/**
 * After TLBI and CMD_SYNC the ATC still has the page; after ATC_INV and CMD_SYNC it does
 * not.
 */
const invalidation = (s: A64Source, isDirect: boolean) => `
${verifySource(s)}
${isDone('w0')}
and w15, w15, w1
${s.fill64(leafOf(SOURCE_IOVA), [0])}
${useQueue(isDirect)}
${put(s, COMMAND_PAGE, SOURCE_IOVA + 1)}
bl complete
and w15, w15, w0
${verifySource(s)}
mov w11, w0
${useQueue(isDirect)}
${put(s, COMMAND_ATC, SOURCE_IOVA)}
bl complete
and w15, w15, w0
${verifySource(s)}
mov w12, w0
${s.say('DMA status ')}
${s.sayNumber('w11', 10)}
${s.say(' after TLBI_NH_VA, ')}
${s.sayNumber('w12', 10)}
${s.say(' after ATC_INV')}
${isDone('w11')}
and w15, w15, w1
cmp w12, #${DMA_STATUS_READ_FAULT}
cset w1, eq
and w1, w1, w15
${s.check('atc-invalidate')}
${s.fill64(leafOf(SOURCE_IOVA), [readablePage(SOURCE)])}`;

/**
 * w8 is the index of CONS, w12 that of the CMD_SYNC; the flags say whether they are
 * equal.
 */
const compareCons = `
ldr x8, [x9, #16]
ldr w8, [x8]
and w8, w8, #${INDEX_MASK}
cmp w8, w12`;

const idle = (s: A64Source) => {
  const again = s.label();
  return `
${s.move('x8', INSTRUCTIONS_BETWEEN)}
${again}:
sub x8, x8, #1
cbnz x8, ${again}`;
};

/** w11 is 1 when the queue at x9 stops at its last entry and stays there. */
function stopsAtLast(s: A64Source): string {
  const [look, stopped, end] = [s.label(), s.label(), s.label()];
  return `
ldr w12, [x9, #24]
sub w12, w12, #1
and w12, w12, #${INDEX_MASK}
${s.move('x13', MOST_LOOKS)}
${look}:
${compareCons}
b.eq ${stopped}
${idle(s)}
sub x13, x13, #1
cbnz x13, ${look}
${stopped}:
mov w11, #0
${Array.from({ length: STAYS }, () => `${compareCons}\nb.ne ${end}\n${idle(s)}`).join('\n')}
mov w11, #1
${end}:`;
}

/**
 * The device does not answer an ATC_INV: the CMD_SYNC after it does not complete before
 * an answer.
 */
const wait = (s: A64Source, isDirect: boolean) => {
  const [waits, said] = [s.label(), s.label()];
  return `
ldr w14, [x26, #${ERRORS}]
${setAts(s, DMA_ATS_ENABLE | DMA_ATS_SILENT)}
${verifySource(s)}
${isDone('w0')}
mov w15, w1
${useQueue(isDirect)}
${put(s, COMMAND_ATC, SOURCE_IOVA)}
bl send_sync
${stopsAtLast(s)}
${setAts(s, DMA_ATS_ENABLE)}
bl await_sync
and w15, w15, w0
cbnz w11, ${waits}
${s.say('CMD_SYNC does not wait')}
b ${said}
${waits}:
${s.say('CMD_SYNC waits for the answer')}
${said}:
${s.say(', then completes')}
ldr w8, [x26, #${ERRORS}]
cmp w8, w14
cset w1, eq
and w1, w1, w11
and w1, w1, w15
${s.check('sync-waits')}`;
};

/** Nothing, if the SMMU has no ATS. */
export function atc(s: A64Source, isDirect: boolean): string {
  const end = s.label();
  return `
${s.get32('w8', 'x21', SMMU_IDR0)}
tst w8, #${inField(IDR0_ATS, 1)}
b.eq ${end}
${s.title(21, 'let the device keep translations in an ATC')}
${fill(s, SOURCE, PROBE_BYTES, PATTERN)}
${reattach(s, STE_STAGE1, STE_ATTRIBUTES_ATS)}
${setAts(s, DMA_ATS_ENABLE)}
${invalidation(s, isDirect)}
${wait(s, isDirect)}
${setAts(s, 0)}
${reattach(s, STE_STAGE1, STE_ATTRIBUTES)}
${verifySource(s)}
${isDone('w0')}
and w1, w1, w15
${s.check('atc-detach')}
${end}:
`;
}
