// SPDX-License-Identifier: MIT
// The contents of the IOTLB, read from host memory without modifying it.

import {
  SMMU_AT_TLB,
  TLB_ALL_GEN,
  TLB_ASID_PERM,
  TLB_ENTRY_SIZE,
  TLB_GEN,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_SIZE,
  TLB_META_VALID,
  TLB_META_VMID,
  TLB_PA,
  TLB_PAGE,
  TLB_PERM_W,
  TLB_SETS,
  TLB_WAYS,
} from '../../assembly/layout/iotlb-memory.ts';
import { SMMU_AT_ALL_GEN } from '../../assembly/layout/smmu-memory.ts';
import {
  SMMU_AT_VMIDS,
  VMID_ALL_GEN,
  VMID_ASID_GEN,
  VMID_ASID_SLOTS,
  VMID_STRIDE,
} from '../../assembly/layout/vmid-memory.ts';
import { bitsOf } from '../../devices/plugin/index.ts';

/** Places of entries in an SMMU block: the IOTLB, or a structure with the same layout. */
export interface EntryPlace {
  readonly offset: number;
  readonly size: number;
  /**
   * TLBI_NH_ALL keeps entries of stage 2 (default false): a command that does invalidate
   * them removes them itself.
   */
  readonly keepsStage2?: boolean;
}

const hex64 = (value: bigint) => `0x${BigInt.asUintN(64, value).toString(16)}`;

const IOTLB: EntryPlace = { offset: SMMU_AT_TLB, size: TLB_ENTRY_SIZE };

/** The IOTLB of an SMMU; `smmu` is the byte offset of its block. */
export class IotlbView {
  readonly #place: EntryPlace;
  readonly #words: Uint32Array;
  readonly #longs: BigInt64Array;
  readonly #smmu: number;

  constructor(hostMemory: WebAssembly.Memory, smmu: number, place: EntryPlace = IOTLB) {
    this.#place = place;
    this.#words = new Uint32Array(hostMemory.buffer);
    this.#longs = new BigInt64Array(hostMemory.buffer);
    this.#smmu = smmu;
  }

  /** Byte offset of an entry in host memory. */
  addressOf(index: number): number {
    return this.#smmu + this.#place.offset + index * this.#place.size;
  }

  #long(address: number): bigint {
    return Atomics.load(this.#longs, address >> 3);
  }

  /** A word of an entry: TLB_META, TLB_ASID_PERM. */
  word(index: number, offset: number): number {
    return Atomics.load(this.#words, (this.addressOf(index) + offset) >> 2);
  }

  /** A doubleword of an entry: TLB_PAGE, TLB_PA, TLB_GEN, TLB_ALL_GEN. */
  doubleword(index: number, offset: number): bigint {
    return this.#long(this.addressOf(index) + offset);
  }

  /** All words of an entry. */
  words(index: number): Uint32Array {
    const at = this.addressOf(index) >> 2;
    return this.#words.subarray(at, at + TLB_ENTRY_SIZE / 4);
  }

  /**
   * True when a lookup would still use the entry: it is valid, and not older than the
   * generations that invalidations raise.
   */
  isLive(index: number): boolean {
    const meta = this.word(index, TLB_META);
    if (!bitsOf(meta, TLB_META_VALID)) return false;
    const block = this.#smmu + SMMU_AT_VMIDS + bitsOf(meta, TLB_META_VMID) * VMID_STRIDE;
    const generation = this.doubleword(index, TLB_GEN);
    const stays = bitsOf(meta, TLB_META_S2) !== 0 && this.#place.keepsStage2 === true;
    if (!stays && generation < this.#long(block + VMID_ALL_GEN)) return false;
    if (this.doubleword(index, TLB_ALL_GEN) < this.#long(this.#smmu + SMMU_AT_ALL_GEN))
      return false;
    if (bitsOf(meta, TLB_META_GLOBAL) || bitsOf(meta, TLB_META_S2)) return true;
    const asid = this.word(index, TLB_ASID_PERM) & 0xffff;
    // The same hash as in the core's `asidGen`.
    const slot = (asid ^ (asid >> 4) ^ (asid >> 8)) & (VMID_ASID_SLOTS - 1);
    return generation >= this.#long(block + VMID_ASID_GEN + 8 * slot);
  }

  /** The entry as plain data; undefined when it is not live. */
  liveEntry(index: number): LiveTlbEntry | undefined {
    if (!this.isLive(index)) return undefined;
    const meta = this.word(index, TLB_META);
    const tagged = !bitsOf(meta, TLB_META_GLOBAL) && !bitsOf(meta, TLB_META_S2);
    const log2size = bitsOf(meta, TLB_META_SIZE);
    const asidAndPermissions = this.word(index, TLB_ASID_PERM);
    return {
      address: this.addressOf(index),
      set: Math.floor(index / TLB_WAYS),
      vmid: bitsOf(meta, TLB_META_VMID),
      asid: tagged ? asidAndPermissions & 0xffff : undefined,
      iova: hex64(this.doubleword(index, TLB_PAGE) << BigInt(log2size)),
      size: 2 ** log2size,
      pa: hex64(this.doubleword(index, TLB_PA)),
      writable: (asidAndPermissions & TLB_PERM_W) !== 0,
    };
  }
}

/** An entry that a lookup would still use. */
export interface LiveTlbEntry {
  /** Byte offset of the entry in host memory. */
  readonly address: number;
  /** Set of the IOTLB, from 0 to TLB_SETS - 1. */
  readonly set: number;
  /** 0x10000 and 0x10001 for EL2 and EL2-E2H, which have none. */
  readonly vmid: number;
  /** Undefined for an entry without an ASID: global, or of stage 2 only. */
  readonly asid: number | undefined;
  /**
   * First input address that the entry translates, hexadecimal, and the number of bytes
   * from there.
   */
  readonly iova: string;
  readonly size: number;
  /** Physical address of `iova`, hexadecimal. */
  readonly pa: string;
  /** The entry permits writes. */
  readonly writable: boolean;
}

/**
 * Visits the entries that are valid and not older than the generations that invalidations
 * raise.
 * @param smmu byte offset of the SMMU block.
 */
export function eachLiveTlbEntry(
  hostMemory: WebAssembly.Memory,
  smmu: number,
  visit: (entry: LiveTlbEntry) => void,
): void {
  const iotlb = new IotlbView(hostMemory, smmu);
  const metas = new Int32Array(hostMemory.buffer);
  const stride = TLB_ENTRY_SIZE >> 2;
  let at = (iotlb.addressOf(0) + TLB_META) >> 2;
  for (let index = 0; index < TLB_SETS * TLB_WAYS; index++, at += stride) {
    // Most entries are free, and a recording of a machine's events looks at all of them
    // after each event: TLB_META_VALID is the sign.
    if ((metas[at] ?? 0) >= 0) continue;
    const entry = iotlb.liveEntry(index);
    if (entry) visit(entry);
  }
}
