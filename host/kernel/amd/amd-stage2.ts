// SPDX-License-Identifier: MIT
// Host page tables as a paging HWPT.

import { AmdPageTable, hostDte } from '../../../devices/amd-iommu/index.ts';
import { RamPool } from '../../hardware/host-ram.ts';
import type { IommuDevice, PagingDomain } from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { type AmdHardware, amdDevice } from './amd-device.ts';

const LEVELS = 4;

export class AmdStage2 implements PagingDomain {
  readonly pageSize = 4096;
  readonly lastIova = 2n ** BigInt(12 + 9 * LEVELS) - 1n;
  readonly iommu: AmdHardware;
  readonly nestParent: boolean;
  /** DomainID of devices without tables of a guest. */
  readonly domain: number;
  /**
   * DomainIDs that tag cached translations of these tables: its own, and those of the
   * nested HWPTs on it.
   */
  readonly domains = new Set<number>();
  readonly #pool: RamPool;
  readonly #table: AmdPageTable;
  readonly #mapped = new Map<bigint, bigint>();

  /** @throws {HostError} when DomainIDs or host RAM are exhausted. */
  constructor(iommu: AmdHardware, nestParent: boolean) {
    this.iommu = iommu;
    this.nestParent = nestParent;
    this.domain = iommu.domains.allocate();
    this.#pool = new RamPool(iommu.ram);
    try {
      this.#table = new AmdPageTable(this.#pool, LEVELS);
    } catch (error) {
      this.#pool.freeAll();
      iommu.domains.free(this.domain);
      throw error;
    }
    this.domains.add(this.domain);
  }

  map(iova: bigint, pa: number, length: bigint, writable: boolean): void {
    try {
      this.#table.map(iova, BigInt(pa), length, writable);
    } catch (error) {
      this.#table.unmap(iova, BigInt(pa), length);
      throw error;
    }
    this.#mapped.set(iova, BigInt(pa));
  }

  unmap(iova: bigint, length: bigint): void {
    this.#table.unmap(iova, this.#mapped.get(iova) ?? 0n, length);
    this.#mapped.delete(iova);
    this.iommu.invalidateDomains([...this.domains]);
  }

  /** A device table entry that uses these tables. */
  dte(domain: number): Uint32Array {
    return hostDte(domain, this.#table.root, this.#table.levels);
  }

  attach(device: IommuDevice): void {
    const { iommu, deviceId, vdevice } = amdDevice(device);
    require(iommu === this.iommu, 'EINVAL', `${device.name} is behind another IOMMU`);
    iommu.installDte(
      deviceId,
      vdevice ? vdevice.viommu.owned(this.dte(this.domain), vdevice.virtId) : this.dte(this.domain),
    );
  }

  destroy(): void {
    this.iommu.invalidateDomains([this.domain]);
    this.iommu.domains.free(this.domain);
    this.#pool.freeAll();
  }
}
