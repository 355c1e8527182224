// SPDX-License-Identifier: MIT
// Step 8 of an arm64 driver with a bug: it changes a descriptor, a CD or an STE, and
// sends a CMD_SYNC without the invalidation before it. The device continues with the
// state that the SMMU has cached; the sanitizer names the missing command
// (docs/sanitizer.md).

import { CD_V } from '../../assembly/layout/cd.ts';
import { copied, copy, fill, PROBE_BYTES, STE } from './a64-device.ts';
import { contextWords, leafOf, STE_ABORT } from './a64-formats.ts';
import { CONTEXT, SOURCE, SOURCE_IOVA, VCMDQ_QUEUE } from './a64-places.ts';
import { type A64Source, inField } from './a64-source.ts';

const FIRST_PATTERN = 0x33333333;
const SECOND_PATTERN = 0x44444444;

/**
 * What is changed, without an invalidation: its address, its new value, and the detail.
 */
const CHANGES = {
  'forget-tlbi': [leafOf(SOURCE_IOVA), 0n, 'PTE cleared, no TLBI_NH_VA: DMA '],
  'forget-cfgi-cd': [
    CONTEXT,
    (contextWords()[0] ?? 0n) & ~inField(CD_V, 1),
    'CD.V cleared, no CFGI_CD: DMA ',
  ],
  'forget-cfgi-ste': [STE, STE_ABORT, 'STE.Config set to abort, no CFGI_STE: DMA '],
} as const;

export type Forgotten = keyof typeof CHANGES;

/** w1 is 1 when a DMA of the pattern arrives. */
const copies = (s: A64Source, pattern: number) => `
${fill(s, SOURCE, PROBE_BYTES, pattern)}
${copy(s, PROBE_BYTES)}
${copied}`;

export function forget(s: A64Source, what: Forgotten): string {
  const [arrives, said] = [s.label(), s.label()];
  const [address, value, detail] = CHANGES[what];
  return `
${s.title(8, 'forget an invalidation')}
${copies(s, FIRST_PATTERN)}
mov w15, w1
${s.fill64(address, [value])}
add x9, x26, #${VCMDQ_QUEUE}
bl complete
and w15, w15, w0
${copies(s, SECOND_PATTERN)}
mov w13, w1
${s.say(detail)}
cbnz w13, ${arrives}
${s.say('does not arrive')}
b ${said}
${arrives}:
${s.say('still arrives after a CMD_SYNC')}
${said}:
and w1, w13, w15
${s.check('forgotten-invalidation')}
`;
}
