// SPDX-License-Identifier: MIT
// Number of device accesses that each IOTLB entry has answered. The SMMU counts its hits,
// but not by entry; here each DMA access is observed at its port, so that the SMMU does
// no additional work.

import { TLB_SETS, TLB_WAYS } from '../../assembly/layout/iotlb-memory.ts';
import { THREAD_TLB_HITS } from '../../assembly/layout/thread-memory.ts';
import type { DmaResult } from '../../devices/plugin/index.ts';
import type { ThreadBlock } from '../../devices/unit/index.ts';
import type { BoardMachine, WatchedDma } from '../../vmm/boards/index.ts';
import { IotlbView, type LiveTlbEntry } from '../../vmm/inspect/index.ts';

/** The smallest entry. */
const GRANULE = 4096;
/** Maximum number of places that are remembered. */
const MOST_PLACES = 8192;

/** The key by which an access finds an entry. */
interface Wanted {
  readonly vmid: number;
  readonly asid: number;
  readonly iova: number;
  readonly write: boolean;
}

/** A live entry: a later one in its place is another one. */
interface Entry extends LiveTlbEntry {
  readonly index: number;
  /** All of its words, including the generations of its walk. */
  readonly words: string;
  readonly start: number;
}

interface Count {
  readonly index: number;
  readonly words: string;
  hits: number;
}

const answers = (entry: Entry, { vmid, asid, iova, write }: Wanted) =>
  entry.vmid === vmid &&
  (entry.asid === undefined || entry.asid === asid) &&
  iova >= entry.start &&
  iova - entry.start < entry.size &&
  (entry.writable || !write);

/** A watch for one machine, through which all accesses of its devices pass. */
export interface CountingPort {
  attach(board: BoardMachine): void;
  dma(dma: WatchedDma, carryOut: () => DmaResult): DmaResult;
}

/** Of one host. */
export class TlbHits {
  #iotlb: IotlbView | undefined;
  /** By address of the entry. */
  readonly #counts = new Map<number, Count>();
  /** Entries that have answered, by tags and granule. */
  readonly #places = new Map<string, Entry>();

  /** Counts the accesses of one machine's devices. */
  port(): CountingPort {
    let thread: ThreadBlock | undefined;
    return {
      attach: ({ vm, smmus: [first] }) => {
        if (!vm || !first) return;
        thread = vm.unit.threadBlock;
        this.#iotlb ??= new IotlbView(vm.unit.hostMemory, first.smmu.smmuBlock);
      },
      dma: (dma, carryOut) => (thread ? this.#dma(thread, dma, carryOut) : carryOut()),
    };
  }

  /**
   * Hits of the current entry at a place, since it was filled.
   * @param address its offset in host memory.
   */
  at(address: number): number {
    const count = this.#counts.get(address);
    return count !== undefined && count.words === this.#words(count.index) ? count.hits : 0;
  }

  #words(index: number): string {
    return this.#iotlb?.words(index).join(' ') ?? '';
  }

  #entries(): Entry[] {
    const iotlb = this.#iotlb;
    const entries: Entry[] = [];
    for (let index = 0; iotlb && index < TLB_SETS * TLB_WAYS; index++) {
      const live = iotlb.liveEntry(index);
      if (live)
        entries.push({ ...live, index, words: this.#words(index), start: Number(live.iova) });
    }
    return entries;
  }

  /** The entry that has just answered. */
  #find(wanted: Wanted): Entry | undefined {
    const place = `${wanted.vmid} ${wanted.asid} ${Math.floor(wanted.iova / GRANULE)}`;
    const known = this.#places.get(place);
    if (known && this.#iotlb?.isLive(known.index) && known.words === this.#words(known.index))
      return known;
    const found = this.#entries().find((entry) => answers(entry, wanted));
    if (this.#places.size >= MOST_PLACES) this.#places.clear();
    if (found) this.#places.set(place, found);
    return found;
  }

  #dma(
    thread: ThreadBlock,
    { iova, length, write }: WatchedDma,
    carryOut: () => DmaResult,
  ): DmaResult {
    // For an access of several pages, the entry may have been filled by the access
    // itself.
    const isWide = (iova % GRANULE) + length > GRANULE;
    const before = isWide ? this.#entries() : undefined;
    const counted = thread.count(THREAD_TLB_HITS);
    const result = carryOut();
    let left = thread.count(THREAD_TLB_HITS) - counted;
    const { vmid, asid } = thread.tags;
    for (let at = iova; left > 0 && at < iova + length; ) {
      const wanted = { vmid, asid, iova: at, write };
      const entry = before ? before.find((one) => answers(one, wanted)) : this.#find(wanted);
      if (entry) {
        this.#count(entry);
        left--;
      }
      at = entry ? entry.start + entry.size : at - (at % GRANULE) + GRANULE;
    }
    return result;
  }

  #count({ address, index, words }: Entry): void {
    const count = this.#counts.get(address);
    if (count?.words === words) count.hits++;
    else this.#counts.set(address, { index, words, hits: 1 });
  }
}
