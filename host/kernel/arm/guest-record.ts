// SPDX-License-Identifier: MIT
// An event record of a guest's stream, in the form in which the guest's own SMMU reports
// it.

import {
  EVENT_S2,
  EVT_CLASS,
  EVT_CLASS_CD,
  EVT_CLASS_IN,
  EVT_CLASS_TT,
  EVT_ID,
  EVT_IND,
  EVT_PNU,
  EVT_RNW,
  EVT_S2,
  EVT_SID,
  EVT_SSID,
  EVT_SSV,
  F_CD_FETCH,
  F_WALK_EABT,
} from '../../../assembly/layout/events.ts';
import { type Field, fieldOf, setField } from '../../../devices/plugin/index.ts';
import { eventType } from '../../../devices/tables/index.ts';

/**
 * Words of InputAddr, and of the IPA. For a fetch that stage 2 refused, the IPA is the
 * FetchAddr.
 */
const INPUT_WORDS = [4, 5];
const ADDRESS_WORDS = [6, 7];

/** A record of an event that has only these fields and words of another record. */
function recordOf(
  id: number,
  from: Uint32Array,
  fields: readonly Field[],
  words: readonly number[],
): Uint32Array<ArrayBuffer> {
  const record = new Uint32Array(from.length);
  setField(record, EVT_ID, id);
  for (const field of fields) setField(record, field, fieldOf(from, field));
  for (const word of words) record[word] = from[word] ?? 0;
  return record;
}

/**
 * Whether a record reports a fault of stage 2. Other records have another field at the
 * place of S2.
 */
export function ofStage2(record: Uint32Array): boolean {
  const carries = eventType(fieldOf(record, EVT_ID))?.carries ?? 0;
  return (carries & EVENT_S2) !== 0 && fieldOf(record, EVT_S2) !== 0;
}

/**
 * Converts a record for the guest. A fault of stage 2 concerns the host, and the guest
 * does not know of it. If it happened on a fetch of the guest's CD or translation table,
 * the guest's SMMU has met memory that does not answer: an external abort (IHI 0070
 * sections 7.3.10 and 7.3.12).
 * @param record of the physical SMMU.
 * @param fetches false: as Linux, which reports no fault of stage 2 at all.
 * @returns the record with the guest's StreamID; undefined when the guest gets none.
 */
export function guestRecord(
  record: Uint32Array,
  virtSid: number,
  fetches: boolean,
): Uint32Array<ArrayBuffer> | undefined {
  let own = new Uint32Array(record);
  if (ofStage2(record)) {
    const what = fieldOf(record, EVT_CLASS);
    if (!fetches || what === EVT_CLASS_IN) return undefined;
    if (what === EVT_CLASS_CD) {
      own = recordOf(F_CD_FETCH, record, [EVT_SSV, EVT_SSID], ADDRESS_WORDS);
    } else {
      const access = [EVT_SSV, EVT_SSID, EVT_RNW, EVT_PNU, EVT_IND];
      own = recordOf(F_WALK_EABT, record, access, [...INPUT_WORDS, ...ADDRESS_WORDS]);
      setField(own, EVT_CLASS, EVT_CLASS_TT);
    }
  }
  setField(own, EVT_SID, virtSid);
  return own;
}
