// SPDX-License-Identifier: MIT
// Events (IHI 0070 section 7.3): the list of events with the fields of their records, and
// decoded records.

import {
  C_BAD_CD,
  C_BAD_STE,
  C_BAD_STREAMID,
  C_BAD_SUBSTREAMID,
  E_PAGE_REQUEST,
  EVENT_CLASS,
  EVENT_FETCH,
  EVENT_INPUT,
  EVENT_IPA,
  EVENT_PAGE,
  EVENT_PNU_IND,
  EVENT_RNW,
  EVENT_S2,
  EVENT_SPAN,
  EVENT_SSID,
  EVENT_SSV,
  EVENT_STALL,
  EVENT_TTRNW,
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
import { checkWord, checkWordList } from '../plugin/known-words.ts';

/** A kind of event. */
export interface EventType {
  readonly id: number;
  readonly name: string;
  /** EVENT_* bits: the fields of its records besides ID and StreamID. */
  readonly carries: number;
  /** Its meaning in one phrase. */
  readonly says: string;
  /** Its cause in this model; undefined when there is none. */
  readonly provokedBy?: string;
  /** Why there is no cause in this model. */
  readonly never?: string;
}

/** The access of a transaction. */
const ACCESS = EVENT_SSV | EVENT_RNW | EVENT_PNU_IND | EVENT_INPUT;
/** Fields of every fault that ends a translation. */
const TRANSLATION = ACCESS | EVENT_S2 | EVENT_CLASS | EVENT_IPA | EVENT_STALL | EVENT_PAGE;

/**
 * Every event of the architecture. The core composes its records from this table, the
 * decoder uses it to decode them, and docs/smmuv3.md prints it.
 */
export const EVENTS: readonly EventType[] = [
  {
    id: F_UUT,
    name: 'F_UUT',
    carries: ACCESS,
    says: 'the SMMU does not support a transaction of this kind',
    provokedBy:
      'an atomic operation (`atomic` of `DmaAttributes`); a planted fault ' +
      '(`PhysicalSmmu.plantFault`). Both with SMMUEN 0 as well',
  },
  {
    id: C_BAD_STREAMID,
    name: 'C_BAD_STREAMID',
    carries: EVENT_SSV,
    says: 'the stream table has no STE for the StreamID',
    provokedBy:
      'StreamID beyond LOG2SIZE; level-1 descriptor with SPAN 0, SPAN above SPLIT + 1, or too ' +
      'few STEs. Recorded only with CR2.RECINVSID',
  },
  {
    id: F_STE_FETCH,
    name: 'F_STE_FETCH',
    carries: EVENT_SSV | EVENT_FETCH,
    says: 'the STE could not be fetched',
    provokedBy: 'STE or level-1 descriptor outside memory',
  },
  {
    id: C_BAD_STE,
    name: 'C_BAD_STE',
    carries: EVENT_SSV,
    says: 'the STE is invalid',
    provokedBy:
      'V 0; a stage that IDR0 does not have; EATS 2 with ATS; S2VMID above 255 without ' +
      'VMID16; stage 1: STRW 1 or 3 with HYP and no stage 2, S1STALLD unless STALL_MODEL ' +
      'is 0, S1CDMax above SSIDSIZE (ignored with SSIDSIZE 0), S1Fmt 1 or 2 without CD2L, ' +
      'S1ContextPtr beyond OAS; stage 2: S2AA64 0, S2ENDI with TTENDIAN 2, S2S that ' +
      'STALL_MODEL forbids or with EATS 1, S2HA or S2HD beyond HTTU, S2TG reserved or not ' +
      'advertised, S2T0SZ above 39, ' +
      'below 16 (or 12) or below 64 - OAS, S2SL0 reserved, not fitting, or 2 with OAS below ' +
      '44 bits (16 KiB granules: 42), S2TTB beyond S2PS or OAS',
  },
  {
    id: F_BAD_ATS_TREQ,
    name: 'F_BAD_ATS_TREQ',
    carries: EVENT_SSV | EVENT_INPUT,
    says: 'ATS is not allowed for the stream',
    provokedBy: 'a translation request with SMMUEN 0, Config 4, or EATS 0 or 3',
  },
  {
    id: F_STREAM_DISABLED,
    name: 'F_STREAM_DISABLED',
    carries: 0,
    says: 'S1DSS refuses the transaction',
    provokedBy: 'with substreams: no SubstreamID and S1DSS 0 or 3; SubstreamID 0 and S1DSS 2',
  },
  {
    id: F_TRANSL_FORBIDDEN,
    name: 'F_TRANSL_FORBIDDEN',
    carries: EVENT_RNW | EVENT_INPUT | EVENT_PAGE,
    says: 'the stream may not issue translated transactions',
    provokedBy:
      'a translated transaction with SMMUEN 0; with ATSCHK 1 also Config 4, or EATS 0 or 3',
  },
  {
    id: C_BAD_SUBSTREAMID,
    name: 'C_BAD_SUBSTREAMID',
    carries: EVENT_SSID,
    says: 'the stream has no CD for the SubstreamID',
    provokedBy:
      'a SubstreamID without stage 1 (Config 4, 6), with S1CDMax or SSIDSIZE 0, or beyond ' +
      'S1CDMax; level-1 CD descriptor with V 0 or L2Ptr beyond OAS',
  },
  {
    id: F_CD_FETCH,
    name: 'F_CD_FETCH',
    carries: EVENT_SSV | EVENT_FETCH,
    says: 'the CD could not be fetched',
    provokedBy: 'CD or level-1 CD descriptor outside memory',
  },
  {
    id: C_BAD_CD,
    name: 'C_BAD_CD',
    carries: EVENT_SSV,
    says: 'the CD is invalid',
    provokedBy:
      'V 0; AA64 0; ENDI with TTENDIAN 2 unless both halves are disabled; A 0 with ' +
      'TERM_MODEL; S that STALL_MODEL forbids, or with S1STALLD; HA or HD beyond HTTU; ' +
      'ASID above 255 without ASID16; for a half that is not disabled: ' +
      'TxSZ outside 16 (or 12) to 39, TG reserved or not advertised, TTB beyond IPS or OAS',
  },
  {
    id: F_WALK_EABT,
    name: 'F_WALK_EABT',
    carries: ACCESS | EVENT_S2 | EVENT_CLASS | EVENT_FETCH | EVENT_PAGE,
    says: 'a translation table could not be read or updated',
    provokedBy:
      'table outside memory; a descriptor that other writers change at each of four tries to ' +
      'update it',
  },
  {
    id: F_TRANSLATION,
    name: 'F_TRANSLATION',
    carries: TRANSLATION,
    says: 'the address is not mapped',
    provokedBy:
      'address outside TxSZ (top byte included unless TBI) or S2T0SZ; EPD; invalid ' +
      'descriptor; block where none may be; level-3 descriptor of type 1',
  },
  {
    id: F_ADDR_SIZE,
    name: 'F_ADDR_SIZE',
    carries: TRANSLATION,
    says: 'an address is too large',
    provokedBy:
      'table or output address beyond IPS, S2PS or OAS; an address beyond OAS that bypasses ' +
      'stage 1',
  },
  {
    id: F_ACCESS,
    name: 'F_ACCESS',
    carries: TRANSLATION,
    says: 'the access flag is 0',
    provokedBy: 'AF 0 without AFFD and HA',
  },
  {
    id: F_PERMISSION,
    name: 'F_PERMISSION',
    carries: TRANSLATION | EVENT_TTRNW,
    says: 'the page does not allow the access',
    provokedBy:
      'permissions of stage 1, then of stage 2; a stage-1 table or CD that stage 2 does not ' +
      'let read (or, to update it, write: class TT with TTRnW 0)',
  },
  {
    id: F_TLB_CONFLICT,
    name: 'F_TLB_CONFLICT',
    carries: ACCESS | EVENT_S2 | EVENT_IPA | EVENT_PAGE,
    says: 'the TLB has more than one entry for the address',
    provokedBy:
      'a walk, for an access that a live entry does not allow, that finds a block of another size: ' +
      'software has omitted break and TLBI; a planted fault',
  },
  {
    id: F_CFG_CONFLICT,
    name: 'F_CFG_CONFLICT',
    carries: EVENT_SSV,
    says: 'the configuration cache has more than one entry for the stream',
    provokedBy:
      'an STE that differs, in more than CONT, from one that is cached for another stream of the ' +
      'span that either claims by CONT; a planted fault',
  },
  {
    id: E_PAGE_REQUEST,
    name: 'E_PAGE_REQUEST',
    carries: EVENT_SSV | EVENT_INPUT | EVENT_SPAN,
    says: 'a device expects to access an address soon',
    provokedBy:
      'a hint of a device (`hint` of `DmaPort`) whose stream is translated, whether its pages are ' +
      'there or not',
  },
  {
    id: F_VMS_FETCH,
    name: 'F_VMS_FETCH',
    carries: EVENT_SSV | EVENT_FETCH,
    says: 'the VMS could not be fetched',
    never: 'IDR3.MPAM is 0: no STE has a VMSPtr (section 5.6), so no VMS is fetched',
  },
];

const EVENT_TYPES = new Map(EVENTS.map((event) => [event.id, event]));

/**
 * The event with a number; undefined for reserved and IMPLEMENTATION DEFINED ones.
 * @throws {TypeError|RangeError} unless it is a 32-bit integer.
 */
export function eventType(id: number): EventType | undefined {
  checkWord(id, 'eventType: id');
  return EVENT_TYPES.get(id);
}

/** A record's fields. `id` determines which of them are meaningful. */
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

/**
 * Decodes a record of 8 words; missing words are 0.
 * @throws {TypeError|RangeError} unless the words are 32-bit integers.
 */
export function eventRecord(words: ArrayLike<number>): EventRecord {
  checkWordList(words, 'eventRecord: words');
  const long = (lo: number, hi: number) =>
    (BigInt(fieldOf(words, hi)) << 32n) | BigInt(fieldOf(words, lo));
  const flag = (field: number) => fieldOf(words, field) !== 0;
  const id = fieldOf(words, EVT_ID);
  return {
    id,
    name: eventType(id)?.name ?? `0x${id.toString(16)}`,
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
