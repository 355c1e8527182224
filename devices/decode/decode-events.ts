// SPDX-License-Identifier: MIT
// Event records (IHI 0070 section 7.3). The table of events lists the fields of each
// record.

import * as EVT from '../../assembly/layout/events.ts';
import { EVENTQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import { fieldOf } from '../plugin/index.ts';
import { checkWordList } from '../plugin/known-words.ts';
import { eventType } from '../tables/index.ts';
import { type Decoded, decodeFields, type FieldTexts, type Words } from './structure.ts';

const DOUBLEWORDS = EVENTQ_ENTRY_SIZE / 8;
/** IMPLEMENTATION DEFINED event numbers. */
const IMPDEF_FIRST = 0xe0;
const IMPDEF_LAST = 0xef;

type FieldName = keyof typeof EVT & string;

const CARRIED: readonly (readonly [flag: number, fields: readonly FieldName[]])[] = [
  [EVT.EVENT_SSV, ['EVT_SSV', 'EVT_SSID']],
  [EVT.EVENT_SSID, ['EVT_SSID']],
  [EVT.EVENT_RNW, ['EVT_RNW']],
  [EVT.EVENT_PNU_IND, ['EVT_PNU', 'EVT_IND']],
  [EVT.EVENT_INPUT, ['EVT_INPUT_LO']],
  [EVT.EVENT_S2, ['EVT_S2']],
  [EVT.EVENT_CLASS, ['EVT_CLASS']],
  [EVT.EVENT_TTRNW, ['EVT_TTRNW']],
  [EVT.EVENT_IPA | EVT.EVENT_FETCH, ['EVT_ADDR_LO']],
  [EVT.EVENT_SPAN, ['EVT_SPAN', 'EVT_UX', 'EVT_UW', 'EVT_UR', 'EVT_PX', 'EVT_PW', 'EVT_PR']],
  [EVT.EVENT_STALL, ['EVT_STALL', 'EVT_STAG']],
];

const carries = (words: Words, flag: number) =>
  ((eventType(fieldOf(words, EVT.EVT_ID))?.carries ?? 0) & flag) !== 0;
const hasSubstream = (words: Words) =>
  !carries(words, EVT.EVENT_SSV) || fieldOf(words, EVT.EVT_SSV) !== 0;
const stalled = (words: Words) => fieldOf(words, EVT.EVT_STALL) !== 0;
const ofTable = (words: Words) => fieldOf(words, EVT.EVT_CLASS) === EVT.EVT_CLASS_TT;
const stage2 = (words: Words) => fieldOf(words, EVT.EVT_S2) !== 0;

function eventName(id: number): string {
  return (
    eventType(id)?.name ??
    (id >= IMPDEF_FIRST && id <= IMPDEF_LAST ? 'implementation defined' : 'reserved')
  );
}

const TEXTS: FieldTexts<typeof EVT> = {
  EVT_ID: { name: 'Event', means: eventName },
  EVT_SSV: { means: ['no SubstreamID', 'SubstreamID valid'] },
  EVT_SSID: { name: 'SubstreamID', used: hasSubstream },
  EVT_SID: { name: 'StreamID' },
  EVT_STAG: { used: stalled },
  EVT_STALL: { name: 'Stall', means: ['terminated', 'stalled, waits for CMD_RESUME'] },
  EVT_PNU: { name: 'PnU', means: ['unprivileged', 'privileged'] },
  EVT_IND: { name: 'InD', means: ['data', 'instruction'] },
  EVT_RNW: { name: 'RnW', means: ['write', 'read'] },
  EVT_S2: { means: ['stage 1', 'stage 2'] },
  EVT_CLASS: { means: ['of a CD', 'of a stage-1 table', 'of the input address'] },
  EVT_TTRNW: {
    name: 'TTRnW',
    means: ['write of a descriptor', 'read of a descriptor'],
    used: ofTable,
  },
  EVT_UX: { name: 'uX', means: ['', 'unprivileged fetches expected'] },
  EVT_UW: { name: 'uW', means: ['', 'unprivileged writes expected'] },
  EVT_UR: { name: 'uR', means: ['', 'unprivileged reads expected'] },
  EVT_PX: { name: 'pX', means: ['', 'privileged fetches expected'] },
  EVT_PW: { name: 'pW', means: ['', 'privileged writes expected'] },
  EVT_PR: { name: 'pR', means: ['', 'privileged reads expected'] },
  EVT_SPAN: { name: 'Span', means: (value) => `${4 * value} KiB` },
  EVT_INPUT_LO: { name: 'InputAddr' },
  EVT_ADDR_LO: { name: 'IPA', used: stage2 },
};
const FETCH_TEXTS: FieldTexts<typeof EVT> = { ...TEXTS, EVT_ADDR_LO: { name: 'FetchAddr' } };

/**
 * Decodes an event record: 8 words. A field that does not belong to its event is shown as
 * reserved bits when it is not 0.
 * @throws {TypeError|RangeError} unless the words are 32-bit integers.
 */
export function decodeEvent(words: Words): Decoded {
  checkWordList(words, 'decodeEvent: words');
  const id = fieldOf(words, EVT.EVT_ID);
  const type = eventType(id);
  const carried = CARRIED.filter(([flag]) => (type?.carries ?? 0) & flag).flatMap(
    ([, fields]) => fields,
  );
  const texts = carries(words, EVT.EVENT_FETCH) ? FETCH_TEXTS : TEXTS;
  return {
    name: eventName(id),
    summary: type?.says ?? 'no event of the architecture',
    fields: decodeFields(words, DOUBLEWORDS, EVT, ['EVT_ID', ...carried, 'EVT_SID'], texts),
  };
}
