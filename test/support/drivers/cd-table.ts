// SPDX-License-Identifier: MIT
// The CDs of a master, as stored by Linux's arm-smmu-v3: a linear table, or one of two
// levels with leaves of 1,024 CDs.

import { storeStructure, type TableMemory } from '../../../devices/tables/index.ts';

/** CTXDESC_L2_ENTRIES. */
const LEAF_CDS = 1024;

export interface CdTableOptions {
  /** Bits of a SubstreamID, 0 for a master without PASIDs. */
  readonly ssidBits: number;
  /** IDR0.CD2L. */
  readonly twoLevel: boolean;
}

export class CdTable {
  /** Address of the first level. */
  readonly base: number;
  /** STE.S1Fmt and STE.S1CDMax. */
  readonly format: number;
  readonly cdMax: number;
  readonly #memory: TableMemory;

  /** arm_smmu_alloc_cd_tables. */
  constructor(memory: TableMemory, { ssidBits, twoLevel }: CdTableOptions) {
    this.#memory = memory;
    this.cdMax = ssidBits;
    const count = 2 ** ssidBits;
    this.format = twoLevel && count > LEAF_CDS ? 2 : 0;
    const bytes = this.format === 2 ? 8 * (count / LEAF_CDS) : 64 * count;
    this.base = memory.allocate(bytes, Math.max(64, bytes));
  }

  /** arm_smmu_get_cd_ptr. */
  find(ssid: number): number | undefined {
    if (this.format === 0) return this.base + 64 * ssid;
    const descriptor = this.#memory.load64(this.#slot(ssid));
    const leaf = Number(descriptor & 0xf_ffff_ffff_f000n);
    return descriptor & 1n ? leaf + 64 * (ssid % LEAF_CDS) : undefined;
  }

  #slot(ssid: number): number {
    return this.base + 8 * Math.floor(ssid / LEAF_CDS);
  }

  /**
   * arm_smmu_alloc_cd_ptr, arm_smmu_write_cd_l1_desc.
   * @param sync announces a new leaf to the SMMU (CFGI_CD with Leaf 0).
   */
  allocate(ssid: number, sync: () => void): number {
    const known = this.find(ssid);
    if (known !== undefined) return known;
    const leaf = this.#memory.allocate(64 * LEAF_CDS, 64 * LEAF_CDS);
    this.#memory.store64(this.#slot(ssid), BigInt(leaf) | 1n);
    sync();
    return leaf + 64 * (ssid % LEAF_CDS);
  }

  /**
   * Writes the CD's words. arm_smmu_write_cd_entry makes them visible in an order with
   * `sync` after each step: V last, or first when it is cleared.
   */
  write(address: number, cd: Uint32Array, sync: () => void): void {
    const invalid = cd.slice();
    invalid[0] = (cd[0] ?? 0) & 0x7fffffff;
    storeStructure(this.#memory, address, invalid);
    sync();
    if (invalid[0] === cd[0]) return;
    storeStructure(this.#memory, address, cd);
    sync();
  }
}
