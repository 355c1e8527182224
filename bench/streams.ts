// SPDX-License-Identifier: MIT
// Streams that map the same number of pages with each granule, through stage 1, stage 2
// and both.

import { CD_SIZE } from '../assembly/layout/cd.ts';
import { STE_S2VMID } from '../assembly/layout/ste.ts';
import { setField } from '../devices/plugin/index.ts';
import {
  contextDescriptor,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  granuleShift,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  S2_READ_WRITE,
  stage1Ste,
  stage2Ste,
  storeStructure,
  type TableMemory,
  writeSte,
} from '../devices/tables/index.ts';

/** The stages of a stream; the first stream is nested, with pages of 4 KiB. */
export const MODES = ['nested', 'stage 1', 'stage 2'] as const;

/** A stream and its mappings. */
export interface Stream {
  readonly mode: (typeof MODES)[number];
  /** The granule of all stages. Every leaf is a page. */
  readonly granule: Granule;
  readonly sid: number;
  readonly vmid: number;
  readonly iova: number;
  /** log2 of the page size. */
  readonly shift: number;
}

/**
 * Mapped pages of each stream: twice the number of IOTLB entries, so that a walk through
 * all of them always misses.
 */
export const PAGES = 8192;

/**
 * A range of memory for tables, `from` to `to`. An address plus `offset` is its place in
 * the view; plus `pa` it is a PA.
 */
export interface TableArea {
  readonly view: DataView;
  readonly offset: number;
  readonly pa: number;
  readonly from: number;
  readonly to: number;
}

export interface StreamOptions {
  readonly host: TableArea;
  /** The guest's RAM: its addresses are IPAs. */
  readonly guest: TableArea;
  /** PA of the linear stream table in host memory. */
  readonly streamTable: number;
  /** First VMID to allocate, so that no two streams share one. */
  readonly firstVmid: number;
}

/** 47 bits, aligned for each granule. */
const IOVA = 0x4030_2000_0000;
const INPUT_BITS = 48;
/** Input size of a stage 2 below a stage 1: what the IPAs of a machine need. */
const IPA_BITS = 40;
const ASID = 1;

interface Area extends TableMemory {
  /** Address of the next table. */
  readonly next: number;
}

/** Tables in an area from an address; addresses in them are higher by `bias`. */
function tablesIn({ view, offset, to }: TableArea, from: number, bias: number): Area {
  let next = from;
  const at = (address: number) => address - bias + offset;
  return {
    get next() {
      return next;
    },
    load64: (address) => view.getBigUint64(at(address), true),
    store64: (address, value) => view.setBigUint64(at(address), value, true),
    allocate(size, alignment) {
      const start = Math.ceil(next / alignment) * alignment;
      next = start + size;
      if (next > to) throw new RangeError('the tables do not fit');
      return start + bias;
    },
  };
}

/**
 * Maps PAGES pages from IOVA to the few pages at `data`: the measurement needs
 * translations of many inputs.
 */
function mapPages(table: PageTable, data: number, attributes: bigint): void {
  const { granule } = table;
  for (let page = 0; page < PAGES; page++) {
    table.map(IOVA + page * granule, data + (page % 4) * granule, granule, attributes, {
      blocks: false,
    });
  }
}

export function createStreams({ host, guest, streamTable, firstVmid }: StreamOptions): Stream[] {
  const streams: Stream[] = [];
  let hostNext = host.from;
  let guestNext = guest.from;
  const data = guest.to - 8 * GRANULE_64K;
  for (const granule of [GRANULE_4K, GRANULE_16K, GRANULE_64K] as const) {
    for (const mode of MODES) {
      const vmid = firstVmid + streams.length;
      const sid = streams.length + 1;
      const inHost = tablesIn(host, hostNext, host.pa);
      // Stage 1 tables of a nested stream are at IPAs, those without a stage 2 at PAs.
      const inGuest = tablesIn(guest, guestNext, mode === 'nested' ? 0 : guest.pa);
      let ste: Uint32Array;
      const stage2 = { vmid, granule, outputBits: INPUT_BITS };
      if (mode === 'stage 2') {
        const table = new PageTable(inHost, { stage: 2, granule, inputBits: INPUT_BITS });
        mapPages(table, data + guest.pa, S2_READ_WRITE);
        ste = stage2Ste({ ...stage2, inputBits: INPUT_BITS, ttb: table.root });
      } else {
        const table = new PageTable(inGuest, { stage: 1, granule, inputBits: INPUT_BITS });
        mapPages(table, mode === 'nested' ? data : data + guest.pa, S1_READ_WRITE);
        const cd = inGuest.allocate(CD_SIZE, CD_SIZE);
        const lower = { ttb: table.root, inputBits: INPUT_BITS, granule };
        storeStructure(
          inGuest,
          cd,
          contextDescriptor({ asid: ASID, outputBits: INPUT_BITS, lower }),
        );
        if (mode === 'nested') {
          const below = new PageTable(inHost, { stage: 2, granule, inputBits: IPA_BITS });
          const base = Math.floor(guest.from / GRANULE_64K) * GRANULE_64K;
          below.map(base, base + guest.pa, guest.to - base, S2_READ_WRITE, { blocks: false });
          ste = nestedSte({ contextPtr: cd }, { ...stage2, inputBits: IPA_BITS, ttb: below.root });
        } else {
          ste = stage1Ste({ contextPtr: cd });
          setField(ste, STE_S2VMID, vmid);
        }
      }
      writeSte(inHost, streamTable, sid, ste);
      hostNext = inHost.next;
      guestNext = inGuest.next;
      streams.push({ mode, granule, sid, vmid, iova: IOVA, shift: granuleShift(granule) });
    }
  }
  return streams;
}
