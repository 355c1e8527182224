// Event records (IHI 0070 section 7.3), field by field.

import {
  C_BAD_CD,
  C_BAD_STE,
  C_BAD_STREAMID,
  C_BAD_SUBSTREAMID,
  E_PAGE_REQUEST,
  EVT_ADDR_HI,
  EVT_ADDR_LO,
  EVT_CLASS,
  EVT_ID,
  EVT_IND,
  EVT_INPUT_HI,
  EVT_INPUT_LO,
  EVT_PNU,
  EVT_RNW,
  EVT_S2,
  EVT_SID,
  EVT_SSID,
  EVT_SSV,
  EVT_STAG,
  EVT_STALL,
  EVT_TTRNW,
  F_ACCESS,
  F_ADDR_SIZE,
  F_BAD_ATS_TREQ,
  F_CD_FETCH,
  F_CFG_CONFLICT,
  F_PERMISSION,
  F_STE_FETCH,
  F_STREAM_DISABLED,
  F_TLB_CONFLICT,
  F_TRANSL_FORBIDDEN,
  F_TRANSLATION,
  F_UUT,
  F_VMS_FETCH,
  F_WALK_EABT,
} from '../../assembly/layout/events.ts';
import { fieldOf } from '../plugin/index.ts';

/** Names of the events by ID. */
export const EVENT_NAMES: ReadonlyMap<number, string> = new Map([
  [F_UUT, 'F_UUT'],
  [C_BAD_STREAMID, 'C_BAD_STREAMID'],
  [F_STE_FETCH, 'F_STE_FETCH'],
  [C_BAD_STE, 'C_BAD_STE'],
  [F_BAD_ATS_TREQ, 'F_BAD_ATS_TREQ'],
  [F_STREAM_DISABLED, 'F_STREAM_DISABLED'],
  [F_TRANSL_FORBIDDEN, 'F_TRANSL_FORBIDDEN'],
  [C_BAD_SUBSTREAMID, 'C_BAD_SUBSTREAMID'],
  [F_CD_FETCH, 'F_CD_FETCH'],
  [C_BAD_CD, 'C_BAD_CD'],
  [F_WALK_EABT, 'F_WALK_EABT'],
  [F_TRANSLATION, 'F_TRANSLATION'],
  [F_ADDR_SIZE, 'F_ADDR_SIZE'],
  [F_ACCESS, 'F_ACCESS'],
  [F_PERMISSION, 'F_PERMISSION'],
  [F_TLB_CONFLICT, 'F_TLB_CONFLICT'],
  [F_CFG_CONFLICT, 'F_CFG_CONFLICT'],
  [E_PAGE_REQUEST, 'E_PAGE_REQUEST'],
  [F_VMS_FETCH, 'F_VMS_FETCH'],
]);

/** A record's fields; which of them mean something depends on `id`. */
export interface EventRecord {
  readonly id: number;
  /** Name of the event, or its number in hexadecimal. */
  readonly name: string;
  readonly streamId: number;
  /** Undefined when the transaction had no SubstreamID. */
  readonly substreamId: number | undefined;
  readonly stalled: boolean;
  readonly stag: number;
  readonly write: boolean;
  readonly privileged: boolean;
  readonly instruction: boolean;
  readonly stage2: boolean;
  /** EVT_CLASS_*. */
  readonly class: number;
  /** The faulting translation-table access was a read. */
  readonly tableRead: boolean;
  readonly inputAddress: bigint;
  /** IPA of a stage-2 fault, or the address of a failed fetch. */
  readonly address: bigint;
}

/** Decodes a record of 8 words. */
export function decodeEvent(words: ArrayLike<number>): EventRecord {
  const long = (lo: number, hi: number) => (BigInt(fieldOf(words, hi)) << 32n) | BigInt(fieldOf(words, lo));
  const flag = (field: number) => fieldOf(words, field) !== 0;
  const id = fieldOf(words, EVT_ID);
  return {
    id,
    name: EVENT_NAMES.get(id) ?? `0x${id.toString(16)}`,
    streamId: fieldOf(words, EVT_SID),
    substreamId: flag(EVT_SSV) ? fieldOf(words, EVT_SSID) : undefined,
    stalled: flag(EVT_STALL),
    stag: fieldOf(words, EVT_STAG),
    write: !flag(EVT_RNW),
    privileged: flag(EVT_PNU),
    instruction: flag(EVT_IND),
    stage2: flag(EVT_S2),
    class: fieldOf(words, EVT_CLASS),
    tableRead: flag(EVT_TTRNW),
    inputAddress: long(EVT_INPUT_LO, EVT_INPUT_HI),
    address: long(EVT_ADDR_LO, EVT_ADDR_HI),
  };
}
