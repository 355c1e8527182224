// SPDX-License-Identifier: MIT
// Stage 2 as a paging HWPT: guest physical addresses (IPA) to physical ones, by tables in
// host RAM.

import { ATC_INV_SIZE_ALL } from '../../../assembly/layout/commands.ts';
import { IDR5_GRAN4K, IDR5_GRAN16K } from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../../../devices/plugin/index.ts';
import {
  atcInv,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  PageTable,
  S2_READ_ONLY,
  S2_READ_WRITE,
  type SteStage2,
  stage2Ste,
  tlbiS12Vmall,
} from '../../../devices/tables/index.ts';
import { type HostRam, RamPool } from '../../hardware/host-ram.ts';
import type { IommuDevice, PagingDomain, VmHandle } from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { SmmuDriver } from '../smmu-driver.ts';
import type { PinnedVmid } from '../vmid-allocator.ts';
import { armDevice } from './arm-device.ts';

/** Windows of VMs are below this limit: S2PS is no larger either. */
const MAX_INPUT_BITS = 48;

/** The smallest granule that an SMMU has according to IDR5. */
function granuleOf(idr5: number): Granule {
  if (bitsOf(idr5, IDR5_GRAN4K)) return GRANULE_4K;
  return bitsOf(idr5, IDR5_GRAN16K) ? GRANULE_16K : GRANULE_64K;
}

interface MappedRange {
  readonly ipa: bigint;
  readonly pa: number;
  readonly length: bigint;
}

export interface ArmStage2Options {
  readonly smmu: SmmuDriver;
  /** The RAM that stores its tables. */
  readonly ram: HostRam;
  readonly nestParent: boolean;
  /** The processor that maps and unmaps: that of the stage 2's VM. */
  readonly processor: number;
  /** Pins the VMID for as long as the HWPT exists. */
  pin(): PinnedVmid;
}

export class ArmStage2 implements PagingDomain {
  readonly pageSize: Granule;
  readonly lastIova: bigint;
  readonly smmu: SmmuDriver;
  /** vIOMMUs and nested HWPTs can use it as their parent. */
  readonly nestParent: boolean;
  readonly #processor: number;
  readonly #vmid: PinnedVmid;
  readonly #pool: RamPool;
  readonly #table: PageTable;
  readonly #ranges: MappedRange[] = [];
  readonly #atsStreams = new Set<number>();
  #changes = 0;

  /** @throws {HostError} when VMIDs or host RAM are exhausted. */
  constructor({ smmu, ram, nestParent, processor, pin }: ArmStage2Options) {
    this.smmu = smmu;
    this.nestParent = nestParent;
    this.#processor = processor;
    this.pageSize = granuleOf(smmu.idr5);
    // An input wider than a PA is C_BAD_STE for some start levels, and useless (DDI 0487
    // R_SRKBC).
    const inputBits = Math.min(smmu.addressBits, MAX_INPUT_BITS);
    this.lastIova = 2n ** BigInt(inputBits) - 1n;
    this.#vmid = pin();
    this.#pool = new RamPool(ram);
    try {
      this.#table = new PageTable(this.#pool, {
        stage: 2,
        inputBits,
        granule: this.pageSize,
      });
    } catch (error) {
      this.#pool.freeAll();
      this.#vmid.unpin();
      throw error;
    }
  }

  get vmid(): number {
    return this.#vmid.vmid;
  }

  /**
   * The VM whose vCPUs run under this VMID, so that their broadcast maintenance applies
   * to this stage 2.
   */
  get sharedWith(): VmHandle | undefined {
    return this.#vmid.sharedWith;
  }

  map(iova: bigint, pa: number, length: bigint, writable: boolean): void {
    try {
      this.#table.map(Number(iova), pa, Number(length), writable ? S2_READ_WRITE : S2_READ_ONLY);
    } catch (error) {
      this.#table.unmap(Number(iova), Number(length));
      throw error;
    }
    this.#ranges.push({ ipa: iova, pa, length });
    this.#changes++;
  }

  unmap(iova: bigint, length: bigint): void {
    this.#table.unmap(Number(iova), Number(length));
    const at = this.#ranges.findIndex((range) => range.ipa === iova && range.length === length);
    if (at >= 0) this.#ranges.splice(at, 1);
    this.#changes++;
    this.#invalidate();
  }

  /**
   * Incremented by each map and unmap: an earlier result of `resolve` may then be stale.
   */
  get changes(): number {
    return this.#changes;
  }

  /** PA of a range of IPAs that one mapping covers; undefined when none does. */
  resolve(ipa: bigint, length: number): number | undefined {
    const range = this.#ranges.find(
      (mapped) => ipa >= mapped.ipa && ipa + BigInt(length) <= mapped.ipa + mapped.length,
    );
    return range && range.pa + Number(ipa - range.ipa);
  }

  /** The fields of an STE for this stage 2. */
  get ste(): SteStage2 {
    const { root: ttb, inputBits, granule } = this.#table;
    return { vmid: this.vmid, ttb, inputBits, granule };
  }

  attach(device: IommuDevice): void {
    const arm = armDevice(device);
    const { streams, iommu } = arm;
    require(iommu.smmu === this.smmu, 'EINVAL', `${device.name} is behind another SMMU`);
    arm.faultGroups.sink = undefined;
    for (const sid of streams) this.smmu.installSte(sid, stage2Ste(this.ste), arm.processor);
  }

  /**
   * From now on the ATC of a stream may contain translations by this stage 2. The stream
   * stays in the set when EATS is cleared: the translations are usable again when EATS is
   * set again.
   */
  addAtsStream(sid: number): void {
    this.#atsStreams.add(sid);
  }

  /** Removes a stream whose ATC is empty and stays empty. */
  removeAtsStream(sid: number): void {
    this.#atsStreams.delete(sid);
  }

  // ATCs are invalidated after the TLB: a translation request between the two would bring
  // the old translation back.
  #invalidate(): void {
    this.smmu.issue([tlbiS12Vmall(this.vmid)], this.#processor);
    const requests = [...this.#atsStreams].map((streamId) =>
      atcInv({ streamId, address: 0, size: ATC_INV_SIZE_ALL }),
    );
    if (requests.length > 0) this.smmu.issue(requests, this.#processor);
  }

  /**
   * Invalidates before it frees the VMID: another owner must not find entries of this
   * one.
   */
  destroy(): void {
    this.#invalidate();
    this.#vmid.unpin();
    this.#pool.freeAll();
  }
}
