// SPDX-License-Identifier: MIT
// Second-stage tables as a paging HWPT.

import { VTD_PGTT_SECOND, VTD_SS_R, VTD_SS_W } from '../../../assembly/layout/vtd-formats.ts';
import { maskInWord } from '../../../devices/plugin/index.ts';
import { RamPool } from '../../hardware/host-ram.ts';
import type { FaultSink, IommuDevice, PagingDomain } from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { vtdDevice } from './vtd-device.ts';
import type { VtdHardware } from './vtd-hardware.ts';

const LEVELS = 4;
const PAGE = 0x1000n;
const ADDRESS = 0xf_ffff_ffff_f000n;

export class VtdSecondStage implements PagingDomain {
  readonly pageSize = Number(PAGE);
  readonly lastIova = 2n ** BigInt(12 + 9 * LEVELS) - 1n;
  readonly iommu: VtdHardware;
  readonly faults: FaultSink | undefined;
  /** PA of the root. */
  readonly root: number;
  /**
   * Domain IDs that tag cached translations by these tables: its own, and those of nested
   * HWPTs on it.
   */
  readonly domains = new Set<number>();
  readonly #did: number;
  readonly #pool: RamPool;
  /** Source IDs of devices that have used these tables, alone or below a first stage. */
  readonly #devices = new Set<number>();

  /** @throws {HostError} when domain IDs or host RAM are exhausted. */
  constructor(iommu: VtdHardware, faults: FaultSink | undefined) {
    this.iommu = iommu;
    this.faults = faults;
    this.#did = iommu.domains.allocate();
    this.#pool = new RamPool(iommu.ram);
    try {
      this.root = this.#pool.allocate(Number(PAGE), Number(PAGE));
    } catch (error) {
      iommu.domains.free(this.#did);
      throw error;
    }
    this.domains.add(this.#did);
  }

  /** Address of the level 1 entry of an IOVA. Missing tables on the way are allocated. */
  #entry(iova: bigint): number {
    const both = BigInt(maskInWord(VTD_SS_R) | maskInWord(VTD_SS_W));
    let table = this.root;
    for (let level = LEVELS - 1; level > 0; level--) {
      const at = table + Number((iova >> BigInt(12 + 9 * level)) & 0x1ffn) * 8;
      const entry = this.#pool.load64(at);
      if (entry === 0n) {
        table = this.#pool.allocate(Number(PAGE), Number(PAGE));
        this.#pool.store64(at, BigInt(table) | both);
      } else {
        table = Number(entry & ADDRESS);
      }
    }
    return table + Number((iova >> 12n) & 0x1ffn) * 8;
  }

  map(iova: bigint, pa: number, length: bigint, writable: boolean): void {
    const bits = BigInt(maskInWord(VTD_SS_R) | (writable ? maskInWord(VTD_SS_W) : 0));
    let done = 0n;
    try {
      for (; done < length; done += PAGE)
        this.#pool.store64(this.#entry(iova + done), (BigInt(pa) + done) | bits);
    } catch (error) {
      this.#clear(iova, done);
      throw error;
    }
  }

  #clear(iova: bigint, length: bigint): void {
    for (let done = 0n; done < length; done += PAGE)
      this.#pool.store64(this.#entry(iova + done), 0n);
  }

  /**
   * Unmaps a range. Device TLBs contain results of both stages, so they are invalidated
   * as well.
   */
  unmap(iova: bigint, length: bigint): void {
    this.#clear(iova, length);
    this.invalidate();
  }

  /** Drops every translation by these tables. */
  invalidate(): void {
    this.iommu.submit(...[...this.domains].map((did) => ({ kind: 'domain', did }) as const));
    for (const sourceId of this.#devices)
      this.iommu.submit({ kind: 'device-tlb', sourceId, range: undefined });
  }

  /** Records that a device uses these tables from now on. */
  usedBy(sourceId: number): void {
    this.#devices.add(sourceId);
  }

  attach(device: IommuDevice): void {
    const vtd = vtdDevice(device);
    require(vtd.iommu === this.iommu, 'EINVAL', `${device.name} is behind another IOMMU`);
    this.iommu.install(vtd.sourceId, {
      pgtt: VTD_PGTT_SECOND,
      did: this.#did,
      secondStage: this.root,
      firstStage: 0n,
      supervisor: false,
      writeProtect: false,
    });
    this.usedBy(vtd.sourceId);
    vtd.attachment = this;
  }

  destroy(): void {
    this.invalidate();
    this.iommu.domains.free(this.#did);
    this.#pool.freeAll();
  }
}
