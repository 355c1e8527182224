// SPDX-License-Identifier: MIT
// The host's VT-d IOMMU in scalable mode: PASID table entries, an IOTLB tagged by domain
// ID, and device TLBs. Everything is synchronous on the requesting thread: an access is
// complete when its translation is used, and an invalidation when the store to IQT
// returns.

import { VTD_CONTEXT_DTE, VTD_FSTS } from '../../assembly/layout/vtd-formats.ts';
import { bitsOf } from '../plugin/index.ts';
import type { PhysicalMemory } from '../unit/index.ts';
import type { Invalidation, PageRange } from './invalidation-descriptors.ts';
import { VtdRegisters } from './vtd-registers.ts';
import {
  type Load64,
  type PasidEntry,
  pasidEntryOf,
  type Walked,
  walkTables,
} from './vtd-structures.ts';

const PAGE_SHIFT = 12n;
const PAGE_OFFSET = (1n << PAGE_SHIFT) - 1n;
/** Entries of the IOTLB, and of each device TLB; the oldest is evicted. */
const ENTRIES = 1024;
/** Maximum number of faults that are kept until they are taken. */
const MOST_FAULTS = 8;

/** The physical address map. */
export interface VtdMemory extends PhysicalMemory {
  /** An aligned doubleword; undefined when there is no memory. */
  load64(pa: number): bigint | undefined;
  /** Stores an aligned word; false when there is no memory. */
  store32(pa: number, value: number): boolean;
}

/** Why a request was refused. */
export type VtdFaultReason = 'entry' | 'first stage' | 'second stage' | 'write';

/** A refused request, with the fields of a fault recording register. */
export interface VtdFault {
  readonly sourceId: number;
  readonly address: bigint;
  readonly reason: VtdFaultReason;
}

/** A cache of translations by page; a miss walks the tables. */
class PageCache<K> {
  readonly #entries = new Map<K, Walked>();

  get size(): number {
    return this.#entries.size;
  }

  find(key: K): Walked | undefined {
    return this.#entries.get(key);
  }

  keep(key: K, walked: Walked): void {
    if (this.#entries.size >= ENTRIES)
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    this.#entries.set(key, walked);
  }

  drop(wanted: (key: K) => boolean): void {
    for (const key of this.#entries.keys()) if (wanted(key)) this.#entries.delete(key);
  }
}

function covers(range: PageRange | undefined, page: bigint): boolean {
  if (!range) return true;
  const first = range.address >> PAGE_SHIFT;
  return page >= first && page < first + range.pages;
}

export class PhysicalVtd {
  readonly registers: VtdRegisters;
  readonly #memory: VtdMemory;
  /**
   * Context and PASID cache, by source ID. Entries that are not present are not cached.
   */
  readonly #entries = new Map<number, PasidEntry>();
  /** By domain ID and page. */
  readonly #iotlb = new PageCache<string>();
  readonly #deviceTlbs = new Map<number, PageCache<bigint>>();
  #faults: VtdFault[] = [];

  constructor(memory: VtdMemory) {
    this.#memory = memory;
    this.registers = new VtdRegisters({
      load64: (pa) => memory.load64(pa),
      carryOut: (what) => this.#carryOut(what),
    });
  }

  /** Stores a register, as its driver does. */
  write32(offset: number, value: number): void {
    if (offset === VTD_FSTS) {
      this.registers.acknowledge(value);
      return;
    }
    this.registers.file.writeWord(offset, value);
    this.registers.written(offset);
  }

  read32(offset: number): number {
    return this.registers.file.get(offset);
  }

  #carryOut(what: Invalidation): boolean {
    switch (what.kind) {
      case 'context':
        this.#entries.delete(what.sourceId);
        return true;
      case 'pasid-cache':
        for (const [sourceId, { did }] of this.#entries)
          if (did === what.did) this.#entries.delete(sourceId);
        return true;
      case 'domain':
        this.#iotlb.drop((key) => key.startsWith(`${what.did} `));
        return true;
      case 'pasid':
        this.#iotlb.drop((key) => {
          const [did, page = '0'] = key.split(' ');
          return Number(did) === what.did && covers(what.range, BigInt(page));
        });
        return true;
      case 'device-tlb':
        this.#deviceTlbs.get(what.sourceId)?.drop((page) => covers(what.range, page));
        return true;
      case 'wait':
        return what.address === undefined || this.#memory.store32(Number(what.address), what.data);
    }
  }

  #entryOf(sourceId: number): PasidEntry | undefined {
    const known = this.#entries.get(sourceId);
    if (known) return known;
    const { root } = this.registers;
    const read: Load64 = (address) => this.#memory.load64(Number(address));
    const entry = root === undefined ? undefined : pasidEntryOf(read, root, sourceId);
    if (entry) this.#entries.set(sourceId, entry);
    return entry;
  }

  /**
   * Translates an untranslated request of a device, through the IOTLB.
   * @returns undefined when it is refused; `takeFaults` returns the reason, unless
   *   `silent`.
   */
  translate(sourceId: number, iova: bigint, write: boolean, silent = false): Walked | undefined {
    const refuse = (reason: VtdFaultReason) => {
      if (!silent && this.#faults.length < MOST_FAULTS)
        this.#faults.push({ sourceId, address: iova, reason });
      return undefined;
    };
    const entry = this.#entryOf(sourceId);
    if (!entry) return refuse('entry');
    const page = iova >> PAGE_SHIFT;
    const key = `${entry.did} ${page}`;
    const known = this.#iotlb.find(key);
    const walked = known ?? this.#walk(entry, page << PAGE_SHIFT);
    if (typeof walked === 'string') return refuse(walked);
    if (!known) this.#iotlb.keep(key, walked);
    if (write && !walked.writable) return refuse('write');
    return { address: walked.address | (iova & PAGE_OFFSET), writable: walked.writable };
  }

  /**
   * Walks both stages. The tables of a first stage are translated by the second stage
   * (section 3.8).
   */
  #walk({ firstStage, secondStage }: PasidEntry, page: bigint): Walked | VtdFaultReason {
    const physical: Load64 = (pa) => this.#memory.load64(Number(pa));
    const second = (gpa: bigint): Walked | undefined =>
      secondStage === 0n
        ? { address: gpa, writable: true }
        : walkTables(physical, secondStage, gpa, 'second');
    if (firstStage === 0n) return second(page) ?? 'second stage';
    const nested: Load64 = (gpa) => {
      const at = second(gpa);
      return at && physical(at.address);
    };
    const first = walkTables(nested, firstStage, page, 'first');
    if (!first) return 'first stage';
    const behind = second(first.address);
    if (!behind) return 'second stage';
    return { address: behind.address, writable: first.writable && behind.writable };
  }

  /**
   * A device with ATS looks an address up in its device TLB, and requests a translation
   * on a miss.
   * @returns undefined when the device has no ATS, or is denied the address, which is not
   *   a fault.
   */
  translateByDevice(sourceId: number, iova: bigint, write: boolean): Walked | undefined {
    const entry = this.#entryOf(sourceId);
    if (!entry || bitsOf(Number(entry.context & 0xffffffffn), VTD_CONTEXT_DTE) === 0)
      return undefined;
    const tlb = this.#deviceTlb(sourceId);
    const page = iova >> PAGE_SHIFT;
    const known = tlb.find(page);
    const usable = known && (known.writable || !write) ? known : undefined;
    const walked = usable ?? this.translate(sourceId, page << PAGE_SHIFT, write, true);
    if (!walked) return undefined;
    if (!usable) tlb.keep(page, walked);
    return { address: walked.address | (iova & PAGE_OFFSET), writable: walked.writable };
  }

  #deviceTlb(sourceId: number): PageCache<bigint> {
    const tlb = this.#deviceTlbs.get(sourceId) ?? new PageCache<bigint>();
    this.#deviceTlbs.set(sourceId, tlb);
    return tlb;
  }

  /** Empties the device's TLB: ATS was enabled or disabled. */
  resetDevice(sourceId: number): void {
    this.#deviceTlbs.delete(sourceId);
  }

  /** Number of cached translations: in the IOTLB, and in a device's TLB. */
  cached(sourceId: number): { readonly iotlb: number; readonly device: number } {
    return { iotlb: this.#iotlb.size, device: this.#deviceTlbs.get(sourceId)?.size ?? 0 };
  }

  /** Faults since the last call, the first 8 of them. */
  takeFaults(): readonly VtdFault[] {
    const taken = this.#faults;
    this.#faults = [];
    return taken;
  }
}
