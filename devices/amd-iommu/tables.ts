// SPDX-License-Identifier: MIT
// What a driver of an AMD IOMMU writes to memory: device table entries, commands, and
// host page tables.

import {
  AMD_CMD_DEVICE,
  AMD_CMD_OP,
  AMD_COMPLETE_GN,
  AMD_COMPLETE_GROUP,
  AMD_COMPLETE_PASID,
  AMD_COMPLETE_RESPONSE,
  AMD_DTE_DOMAIN,
  AMD_DTE_IR,
  AMD_DTE_IW,
  AMD_DTE_MODE,
  AMD_DTE_ROOT_HI,
  AMD_DTE_ROOT_LO,
  AMD_DTE_SIZE,
  AMD_DTE_TV,
  AMD_DTE_V,
  AMD_ENTRY_SIZE,
  AMD_INV_DOMAIN,
  AMD_INV_GN,
  AMD_INV_PASID,
  AMD_INV_SIZE,
  AMD_OP_COMPLETE_PPR,
  AMD_OP_COMPLETION_WAIT,
  AMD_OP_INVALIDATE_DEVTAB_ENTRY,
  AMD_OP_INVALIDATE_IOMMU_PAGES,
  AMD_WAIT_INTERRUPT,
  AMD_WAIT_STORE,
} from '../../assembly/layout/amd-formats.ts';
import { setField } from '../plugin/index.ts';
import type { TableMemory } from '../tables/index.ts';

/** An entry that blocks every access. */
export function blockedDte(): Uint32Array {
  const dte = new Uint32Array(AMD_DTE_SIZE / 4);
  setField(dte, AMD_DTE_V, 1);
  setField(dte, AMD_DTE_TV, 1);
  return dte;
}

/** An entry with a host's table of `levels` levels at a PA. */
export function hostDte(domain: number, root: number, levels: number): Uint32Array {
  const dte = blockedDte();
  setField(dte, AMD_DTE_MODE, levels);
  setField(dte, AMD_DTE_ROOT_LO, (root % 2 ** 32) >>> 12);
  setField(dte, AMD_DTE_ROOT_HI, Math.floor(root / 2 ** 32));
  setField(dte, AMD_DTE_DOMAIN, domain);
  setField(dte, AMD_DTE_IR, 1);
  setField(dte, AMD_DTE_IW, 1);
  return dte;
}

function command(operation: number): Uint32Array {
  const words = new Uint32Array(AMD_ENTRY_SIZE / 4);
  setField(words, AMD_CMD_OP, operation);
  return words;
}

/** COMPLETION_WAIT: stores `data` at an address (a multiple of 8) if there is one. */
export function completionWait(
  store?: { readonly address: number; readonly data: number },
  interrupt = false,
): Uint32Array {
  const words = command(AMD_OP_COMPLETION_WAIT);
  if (store) {
    setField(words, AMD_WAIT_STORE, 1);
    words[0] = (words[0] ?? 0) | (store.address % 2 ** 32);
    words[1] = (words[1] ?? 0) | Math.floor(store.address / 2 ** 32);
    words[2] = store.data;
  }
  if (interrupt) setField(words, AMD_WAIT_INTERRUPT, 1);
  return words;
}

export function invalidateDevtabEntry(device: number): Uint32Array {
  const words = command(AMD_OP_INVALIDATE_DEVTAB_ENTRY);
  words[0] = device;
  return words;
}

/**
 * COMPLETE_PPR_REQUEST: the response (AMD_RESPONSE_*) to a group of page requests of a
 * device.
 */
export function completePageRequest(
  device: number,
  group: number,
  response: number,
  pasid?: number,
): Uint32Array {
  const words = command(AMD_OP_COMPLETE_PPR);
  setField(words, AMD_CMD_DEVICE, device);
  setField(words, AMD_COMPLETE_GROUP, group);
  setField(words, AMD_COMPLETE_RESPONSE, response);
  if (pasid !== undefined) {
    setField(words, AMD_COMPLETE_GN, 1);
    setField(words, AMD_COMPLETE_PASID, pasid);
  }
  return words;
}

/**
 * INVALIDATE_IOMMU_PAGES: one page of a PASID or all its pages; without a PASID, the
 * host's translations of the domain.
 */
export function invalidatePages(domain: number, pasid?: number, address?: number): Uint32Array {
  const words = command(AMD_OP_INVALIDATE_IOMMU_PAGES);
  setField(words, AMD_INV_DOMAIN, domain);
  if (pasid !== undefined) {
    setField(words, AMD_INV_GN, 1);
    setField(words, AMD_INV_PASID, pasid);
  }
  if (address === undefined) {
    setField(words, AMD_INV_SIZE, 1);
    words[2] = (words[2] ?? 0) | 0xfffff000;
    words[3] = 0x7fffffff;
  } else {
    words[2] = (words[2] ?? 0) | ((address % 2 ** 32) & 0xfffff000);
    words[3] = Math.floor(address / 2 ** 32);
  }
  return words;
}

const PAGE = 4096;
const PRESENT = 1n;
const READ = 1n << 61n;
const WRITE = 1n << 62n;
const ADDRESS = 0xffffffffff000n;

/**
 * A host page table (48882 section 2.2.3): 4 KiB pages, and 2 MiB and 1 GiB pages where
 * both addresses are aligned.
 */
export class AmdPageTable {
  readonly root: number;
  readonly levels: number;
  readonly #memory: TableMemory;

  constructor(memory: TableMemory, levels = 4) {
    this.#memory = memory;
    this.levels = levels;
    this.root = memory.allocate(PAGE, PAGE);
  }

  /**
   * PA of the entry of an address at a level, counted from 1. Allocates the tables above
   * it.
   */
  #entry(address: bigint, level: number): number {
    let table = this.root;
    for (let at = this.levels; ; at--) {
      const place = table + 8 * Number((address >> BigInt(3 + 9 * at)) & 0x1ffn);
      if (at === level) return place;
      const entry = this.#memory.load64(place);
      if ((entry & PRESENT) !== 0n) {
        table = Number(entry & ADDRESS);
        continue;
      }
      table = this.#memory.allocate(PAGE, PAGE);
      this.#memory.store64(place, BigInt(table) | (BigInt(at - 1) << 9n) | READ | WRITE | PRESENT);
    }
  }

  #each(
    address: bigint,
    pa: bigint,
    length: bigint,
    visit: (place: number, pa: bigint) => void,
  ): void {
    for (let done = 0n; done < length; ) {
      const level = [3, 2].find((at) => {
        const size = 1n << BigInt(3 + 9 * at);
        return (address + done) % size === 0n && (pa + done) % size === 0n && length - done >= size;
      });
      visit(this.#entry(address + done, level ?? 1), pa + done);
      done += 1n << BigInt(3 + 9 * (level ?? 1));
    }
  }

  /**
   * Maps a range whose bounds are multiples of 4 KiB.
   * @throws what `allocate` of the memory throws; part of the range may be mapped then.
   */
  map(address: bigint, pa: bigint, length: bigint, writable: boolean): void {
    const permissions = writable ? READ | WRITE : READ;
    this.#each(address, pa, length, (place, at) =>
      this.#memory.store64(place, at | permissions | PRESENT),
    );
  }

  /** Unmaps a range that was mapped to `pa`, fully or in part. */
  unmap(address: bigint, pa: bigint, length: bigint): void {
    this.#each(address, pa, length, (place) => this.#memory.store64(place, 0n));
  }
}
