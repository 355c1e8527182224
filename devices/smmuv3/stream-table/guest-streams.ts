// SPDX-License-Identifier: MIT
// The streams of a guest: its stream table entries as last read by its SMMU, attached to
// the host's streams.
//
// An STE is read when the SMMU is enabled, and on a CFGI command that covers its stream.
// Until the next read it counts as cached, which the architecture allows for valid and
// invalid entries alike, but not for a level-1 descriptor that is invalid.

import {
  C_BAD_STE,
  C_BAD_STREAMID,
  E_PAGE_REQUEST,
  EVT_ID,
  EVT_SID,
  F_STE_FETCH,
} from '../../../assembly/layout/events.ts';
import {
  CR0_SMMUEN,
  CR2_RECINVSID,
  IDR0_ATS,
  IDR0_CD2L,
  IDR0_STALL_MODEL,
  IDR1_SSIDSIZE,
  IDR5_OAS,
  SMMU_CR0,
  SMMU_CR2,
  SMMU_IDR0,
  SMMU_IDR1,
  SMMU_IDR5,
  STALL_MODEL_BOTH,
  STALL_MODEL_TERMINATE,
} from '../../../assembly/layout/smmu-registers.ts';
import {
  STE_CONFIG,
  STE_CONFIG_BYPASS,
  STE_CONFIG_S1,
  STE_EATS,
  STE_EATS_FULL,
  STE_EATS_SPLIT,
  STE_S1CDMAX,
  STE_S1CONTEXTPTR_HI,
  STE_S1FMT,
  STE_S1FMT_4K,
  STE_S1FMT_64K,
  STE_S1STALLD,
  STE_SIZE,
  STE_V,
} from '../../../assembly/layout/ste.ts';
import {
  bitsOf,
  type DeviceState,
  fieldOf,
  type GuestMemory,
  isWord,
  setField,
} from '../../plugin/index.ts';
import { guestStructure } from '../../tables/guest-structure.ts';
import { addressSizeOf } from '../../tables/index.ts';
import type { SmmuRegisters } from '../register-rules.ts';
import type {
  RereadSte,
  StaleLevel1,
  StaleSte,
  StreamWatch,
  ViommuBackend,
} from '../viommu-backend.ts';
import { Level1Readings } from './level1-readings.ts';
import { locateSte, type SteMissing } from './locate-ste.ts';

const STE_WORDS = STE_SIZE / 4;

/**
 * Fields of a guest's STE that reach the host (its vSTE): V, Config, S1Fmt, S1ContextPtr,
 * S1CDMax in the first doubleword; S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS in the
 * second. All others belong to stages and features that the guest's SMMU does not have.
 */
const VSTE_MASK: readonly number[] = [0xffffffff, 0xf80fffff, 0x380000ff, 0];
/** For an STE that bypasses or aborts, only V and Config are relevant. */
const VSTE_CONFIG_MASK: readonly number[] = [0xf, 0, 0, 0];

/** An attached stream. */
interface AttachedStream {
  /**
   * The vSTE; V = 0 when the stream is in error, so that its transactions are refused and
   * reported.
   */
  readonly ste: Uint32Array;
  /**
   * The event caused by a transaction of a stream in error: C_BAD_STREAMID, F_STE_FETCH
   * or C_BAD_STE; otherwise 0.
   */
  readonly error: number;
  /** gpa of the STE, for F_STE_FETCH. */
  readonly fetchAddress: number;
  /**
   * The fields of the STE in memory that a guest's SMMU may use; absent when there was no
   * STE.
   */
  readonly words?: Uint32Array;
  /** The reading that this one replaced, for a CFGI. */
  before?: AttachedStream | undefined;
}

export class GuestStreams implements StreamWatch {
  readonly #registers: SmmuRegisters;
  readonly #memory: GuestMemory;
  readonly #backend: ViommuBackend;
  private readonly attached = new Map<number, AttachedStream>();
  readonly #level1 = new Level1Readings();
  readonly #load64 = (address: number) => this.#memory.load64(address);

  constructor(registers: SmmuRegisters, memory: GuestMemory, backend: ViommuBackend) {
    this.#registers = registers;
    this.#memory = memory;
    this.#backend = backend;
  }

  /** Removes all streams; the caller has reconfigured the host's streams. */
  clear(): void {
    this.attached.clear();
    this.#level1.clear();
  }

  /**
   * How a stream's STE in memory differs from the attached one; undefined when it does
   * not, or has not been read.
   */
  stale(sid: number): StaleSte | undefined {
    const attached = this.attached.get(sid);
    // An invalid level-1 descriptor does not count as cached.
    if (attached === undefined || attached.error === C_BAD_STREAMID) return undefined;
    const now = this.#read(sid);
    if (now.error === attached.error && now.ste.every((word, i) => word === attached.ste[i]))
      return undefined;
    return {
      address: now.fetchAddress,
      old: doublewords(attached.ste),
      now: doublewords(now.ste),
      reading: attached,
      current: () => this.attached.get(sid) === attached,
    };
  }

  staleLevel1(sid: number): StaleLevel1 | undefined {
    return this.#level1.stale(this.#registers.streamTable(), sid, this.#load64);
  }

  /**
   * A CFGI that invalidates level-1 descriptors covered the streams from `first` to
   * `last`.
   */
  forgetLevel1(first: number, last: number): void {
    this.#level1.forget(first, last);
  }

  reading(sid: number): object | undefined {
    return this.attached.get(sid);
  }

  /** How the attached STE differs from the previous one. */
  reread(sid: number): RereadSte | undefined {
    const now = this.attached.get(sid);
    const before = now?.before;
    if (!now?.words || !before?.words) return undefined;
    const [old, read] = [doublewords(before.words), doublewords(now.words)];
    return { address: now.fetchAddress, old, now: read, reading: now, before };
  }

  /**
   * Reads and attaches the STE of the first of the machine's streams from `first` to
   * `last`.
   * @returns the next of these streams; undefined when there is none.
   */
  reloadFirst(first: number, last: number): number | undefined {
    const [sid, next] = this.#backend.virtualStreams
      .filter((one) => one >= first && one <= last)
      .sort((a, b) => a - b);
    if (sid !== undefined) this.#attach(sid, this.#read(sid));
    return next;
  }

  #attach(sid: number, stream: AttachedStream): void {
    this.#level1.remember(this.#registers.streamTable(), sid, this.#load64);
    const aborts =
      bitsOf(stream.ste[0] ?? 0, STE_V) !== 0 &&
      fieldOf(stream.ste, STE_CONFIG) < STE_CONFIG_BYPASS;
    const previous = this.attached.get(sid);
    if (previous) previous.before = undefined;
    stream.before = previous;
    if (this.#backend.attachStream(sid, aborts ? undefined : stream.ste)) {
      this.attached.set(sid, stream);
      return;
    }
    const refused = { ...inError(C_BAD_STE, stream.fetchAddress), before: previous };
    this.attached.set(sid, refused);
    this.#backend.attachStream(sid, refused.ste);
  }

  /** The STE of a stream in guest memory, legal or not; undefined when there is none. */
  steOf(sid: number): Uint32Array | undefined {
    const address = this.#locate(sid);
    return typeof address === 'number'
      ? guestStructure(this.#memory, address, STE_SIZE)
      : undefined;
  }

  /** Address of a stream's STE, or the reason why there is none. */
  #locate(sid: number): number | SteMissing {
    return locateSte(this.#registers.streamTable(), sid, this.#load64);
  }

  #read(sid: number): AttachedStream {
    const address = this.#locate(sid);
    if (typeof address !== 'number') return inError(address.error, address.fetchAddress);
    const ste = guestStructure(this.#memory, address, STE_SIZE);
    if (!ste) return inError(F_STE_FETCH, address);
    const words = ste.map((word, i) => word & (VSTE_MASK[i] ?? 0));
    if (!this.#legal(ste)) return { ...inError(C_BAD_STE, address), words };
    const mask = fieldOf(ste, STE_CONFIG) === STE_CONFIG_S1 ? VSTE_MASK : VSTE_CONFIG_MASK;
    const used = ste.map((word, i) => word & (mask[i] ?? 0));
    return { ste: used, error: 0, fetchAddress: address, words };
  }

  // The rules of IHI 0070 section 5.2 for the SMMU that the guest sees. Fields that are
  // unused in the Config are ignored.
  #legal(ste: Uint32Array): boolean {
    if (!fieldOf(ste, STE_V)) return false;
    const config = fieldOf(ste, STE_CONFIG);
    if (config > STE_CONFIG_S1) return false;
    if (config < STE_CONFIG_S1) return true;
    const idr0 = this.#registers.get(SMMU_IDR0);
    if (fieldOf(ste, STE_S1STALLD) && bitsOf(idr0, IDR0_STALL_MODEL) !== STALL_MODEL_BOTH)
      return false;
    const ssidSize = bitsOf(this.#registers.get(SMMU_IDR1), IDR1_SSIDSIZE);
    // An SMMU without substreams ignores S1CDMax, and S1DSS with it.
    if (ssidSize === 0) setField(ste, STE_S1CDMAX, 0);
    const cdMax = fieldOf(ste, STE_S1CDMAX);
    if (cdMax > ssidSize) return false;
    // The reserved format acts as linear.
    const twoLevel = [STE_S1FMT_4K, STE_S1FMT_64K].includes(fieldOf(ste, STE_S1FMT));
    if (cdMax !== 0 && twoLevel && !bitsOf(idr0, IDR0_CD2L)) return false;
    // When the guest's SMMU has no stalls, CD.S is illegal. The host's SMMU, which may
    // have stalls, treats it as illegal if S1STALLD is set.
    if (bitsOf(idr0, IDR0_STALL_MODEL) === STALL_MODEL_TERMINATE) setField(ste, STE_S1STALLD, 1);
    // Split-stage ATS requires both stages; the reserved value acts as 0; without ATS the
    // field is ignored.
    const eats = fieldOf(ste, STE_EATS);
    if (!bitsOf(idr0, IDR0_ATS) || eats > STE_EATS_SPLIT) setField(ste, STE_EATS, 0);
    if (fieldOf(ste, STE_EATS) > STE_EATS_FULL) return false;
    const addressBits = addressSizeOf(bitsOf(this.#registers.get(SMMU_IDR5), IDR5_OAS)) ?? 0;
    return fieldOf(ste, STE_S1CONTEXTPTR_HI) < 2 ** (addressBits - 32);
  }

  /**
   * An event of the host in the form in which the guest's SMMU reports it. The host's
   * stream only records that there is no valid STE; the reason is known here.
   * @returns undefined when the guest's SMMU has no record for it.
   */
  reported(record: Uint32Array): Uint32Array | undefined {
    const id = fieldOf(record, EVT_ID);
    const sid = fieldOf(record, EVT_SID);
    const known = this.attached.get(sid);
    // The host configures a stream that bypasses here with stage 2, which has such
    // records.
    if (id === E_PAGE_REQUEST) {
      const isTranslated = known?.error === 0 && fieldOf(known.ste, STE_CONFIG) === STE_CONFIG_S1;
      return isTranslated && bitsOf(this.#registers.get(SMMU_CR0), CR0_SMMUEN) ? record : undefined;
    }
    if (id !== C_BAD_STE) return record;
    // An invalid level-1 descriptor does not count as cached: a driver makes it valid
    // without a command. The transaction is lost in any case, so it is recorded only if
    // its stream still has no STE.
    if (known?.error === C_BAD_STREAMID) {
      const now = this.#read(sid);
      if (now.error === 0) {
        this.#attach(sid, now);
        return undefined;
      }
    }
    const { error = 0, fetchAddress = 0 } = known ?? {};
    if (error === C_BAD_STREAMID && !bitsOf(this.#registers.get(SMMU_CR2), CR2_RECINVSID))
      return undefined;
    if (error !== C_BAD_STREAMID && error !== F_STE_FETCH) return record;
    const result = record.slice();
    setField(result, EVT_ID, error);
    if (error === F_STE_FETCH) {
      result[6] = fetchAddress % 2 ** 32;
      result[7] = Math.floor(fetchAddress / 2 ** 32);
    }
    return result;
  }

  save(): DeviceState[] {
    return [...this.attached].map(([sid, { ste, error, fetchAddress }]) => ({
      sid,
      ste: [...ste],
      error,
      fetchAddress,
    }));
  }

  /** Attaches saved streams that passed `check`. */
  restore(streams: readonly SavedStream[]): void {
    this.attached.clear();
    for (const { sid, ste, error, fetchAddress } of streams) {
      if (this.#backend.virtualStreams.includes(sid))
        this.#attach(sid, { ste: Uint32Array.from(ste), error, fetchAddress });
    }
  }
}

/** A stream in saved state. */
export interface SavedStream {
  readonly sid: number;
  readonly ste: readonly number[];
  readonly error: number;
  readonly fetchAddress: number;
}

function doublewords(words: Uint32Array): bigint[] {
  return [...new BigUint64Array(words.slice().buffer)];
}

function inError(error: number, fetchAddress: number): AttachedStream {
  return { ste: new Uint32Array(STE_WORDS), error, fetchAddress };
}

function isSavedStream(value: unknown): value is SavedStream {
  const { sid, ste, error, fetchAddress } = (value ?? {}) as { [field: string]: unknown };
  const words = Array.isArray(ste) && ste.length === STE_WORDS && ste.every(isWord);
  return words && isWord(sid) && isWord(error) && Number.isSafeInteger(fetchAddress);
}

/** @throws {TypeError} when `value` is not a result of `GuestStreams.save`. */
export function checkSavedStreams(value: unknown): readonly SavedStream[] {
  if (!Array.isArray(value) || !value.every(isSavedStream))
    throw new TypeError('the state is not of an SMMU: streams');
  return value;
}
