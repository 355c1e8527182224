// SPDX-License-Identifier: MIT
// Step 20 of the arm64 toy: one device, two address spaces. A PASID selects the CD, and
// so the meaning of an iova.

import { CD_SIZE } from '../../assembly/layout/cd.ts';
import {
  DMA_PASID,
  DMA_PASID_VALID,
  DMA_STATUS_READ_FAULT,
} from '../../assembly/layout/dma-engine-registers.ts';
import { EVT_SSID, EVT_SSV, F_TRANSLATION } from '../../assembly/layout/events.ts';
import { IDR1_SSIDSIZE, SMMU_IDR1 } from '../../assembly/layout/smmu-registers.ts';
import {
  awaitWord,
  fill,
  isDone,
  PROBE_BYTES,
  put,
  reattach,
  useQueue,
  verify,
} from './a64-device.ts';
import {
  COMMAND_PASID_CONFIGURATION,
  COMMAND_PASID_PAGE,
  contextWords,
  PASID_LEAF,
  pasidTableWords,
  STE_ATTRIBUTES,
  STE_STAGE1,
  STE_STAGE1_PASID,
} from './a64-formats.ts';
import {
  CMDQ_QUEUE,
  EVENT_RING,
  EVENTS,
  PASID,
  PASID_ASID,
  PASID_CONTEXTS,
  PASID_PAGE,
  PASID_TABLES,
  SOURCE,
  SOURCE_IOVA,
  STREAM,
} from './a64-places.ts';
import { type A64Source, inField } from './a64-source.ts';

const OWN_PATTERN = 0x55555555;
const PASID_PATTERN = 0x66666666;

/** The memory that the device reads at SOURCE_IOVA: w0 is the status. */
const verifyOwn = (s: A64Source) => verify(s, SOURCE_IOVA, OWN_PATTERN, PROBE_BYTES);
/** The same with the PASID. */
const verifyWithPasid = (s: A64Source) => `
${s.set32('x23', DMA_PASID, DMA_PASID_VALID + PASID)}
${verify(s, SOURCE_IOVA, PASID_PATTERN, PROBE_BYTES)}
str wzr, [x23, #${DMA_PASID}]`;

/**
 * Attaches the stream to two CDs, and makes that of the PASID valid while it is in use.
 */
const spaces = (s: A64Source) => `
${fill(s, SOURCE, PROBE_BYTES, OWN_PATTERN)}
${fill(s, PASID_PAGE, PROBE_BYTES, PASID_PATTERN)}
${pasidTableWords()
  .map(([address, words]) => s.fill64(address, words))
  .join('\n')}
${s.fill64(PASID_CONTEXTS, contextWords())}
${reattach(s, STE_STAGE1_PASID, STE_ATTRIBUTES)}
${s.fill64(PASID_CONTEXTS + CD_SIZE, contextWords(PASID_ASID, PASID_TABLES))}
add x9, x26, #${CMDQ_QUEUE}
${put(s, ...COMMAND_PASID_CONFIGURATION)}
bl complete
and w15, w15, w0
${verifyOwn(s)}
mov w11, w0
${verifyWithPasid(s)}
mov w12, w0
${s.say('one iova, two pages: DMA status ')}
${s.sayNumber('w11', 10)}
${s.say(`, with PASID ${PASID} DMA status `)}
${s.sayNumber('w12', 10)}
${isDone('w11')}
and w15, w15, w1
${isDone('w12')}
and w1, w1, w15
${s.check('pasid-address-space')}`;

/** An iova that is unmapped in the PASID's address space faults there, and only there. */
const fault = (s: A64Source, isDirect: boolean) => `
ldr w13, [x26, #${EVENTS}]
add w13, w13, #1
${s.fill64(PASID_LEAF, [0])}
${useQueue(isDirect)}
${put(s, COMMAND_PASID_PAGE, SOURCE_IOVA + 1)}
bl complete
mov w15, w0
${verifyWithPasid(s)}
mov w12, w0
${verifyOwn(s)}
${isDone('w0')}
and w15, w15, w1
${awaitWord(s, EVENTS)}
and w15, w15, w1
${s.move('x10', EVENT_RING)}
sub w8, w13, #1
add x10, x10, x8, lsl #5
ldr x11, [x10]
ldr x14, [x10, #16]
${s.say('unmapped there: DMA status ')}
${s.sayNumber('w12', 10)}
${s.say(', event with SubstreamID ')}
ubfm x9, x11, #12, #31
${s.sayNumber('x9', 10)}
cmp w12, #${DMA_STATUS_READ_FAULT}
cset w8, eq
and w15, w15, w8
${s.move('x8', BigInt(F_TRANSLATION) | inField(EVT_SSV, 1) | inField(EVT_SSID, PASID) | (BigInt(STREAM) << 32n))}
cmp x11, x8
cset w8, eq
and w15, w15, w8
${s.move('x8', SOURCE_IOVA)}
cmp x14, x8
cset w1, eq
and w1, w1, w15
${s.check('pasid-event')}`;

/** Nothing, if the SMMU has no SubstreamIDs. */
export function pasid(s: A64Source, isDirect: boolean): string {
  const end = s.label();
  return `
${s.get32('w8', 'x21', SMMU_IDR1)}
tst w8, #${inField(IDR1_SSIDSIZE, 2 ** (IDR1_SSIDSIZE & 0xff) - 1)}
b.eq ${end}
${s.title(20, 'give the device a second address space by PASID')}
${spaces(s)}
${fault(s, isDirect)}
${reattach(s, STE_STAGE1, STE_ATTRIBUTES)}
${verifyOwn(s)}
${isDone('w0')}
and w1, w1, w15
${s.check('pasid-detach')}
${end}:
`;
}
