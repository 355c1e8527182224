// SPDX-License-Identifier: MIT
// Nested HWPTs of VT-d: a guest's first stage on the host's second stage
// (drivers/iommu/intel/nested.c), and vIOMMUs, which software manages.

import { VTD_PGTT_NESTED } from '../../../assembly/layout/vtd-formats.ts';
import { log2, type PageRange } from '../../../devices/vtd/index.ts';
import {
  type FaultSink,
  HWPT_DATA_VTD_S1,
  INVALIDATE_DATA_VTD_DEVICE_TLB,
  INVALIDATE_DATA_VTD_S1,
  type InvalidateRequest,
  type InvalidateResult,
  type IommuDevice,
  IommufdError,
  type NestedDomain,
  type NestedRequest,
  type VdeviceDriver,
  type ViommuDriver,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import { type VtdDevice, vtdDevice } from './vtd-device.ts';
import type { VtdHardware } from './vtd-hardware.ts';
import type { VtdSecondStage } from './vtd-second-stage.ts';

/** struct iommu_hwpt_vtd_s1: flags, pgtbl_addr, addr_width. */
const S1_SIZE = 24;
const S1_SRE = 1n;
const S1_EAFE = 2n;
const S1_WPE = 4n;
const ADDRESS_WIDTH = 48;
/**
 * struct iommu_hwpt_vtd_s1_invalidate: addr, npages, flags, reserved. An entry for a
 * device TLB has the source ID in place of flags.
 */
const INVALIDATE_SIZE = 24;
const INVALIDATE_LEAF = 1;
const ALL_PAGES = 2n ** 64n - 1n;
const PAGE = 0x1000n;

/**
 * The smallest range that a descriptor can name and that contains `pages` pages from
 * `address`; undefined: all pages.
 */
function rangeOf(address: bigint, pages: bigint): PageRange | undefined {
  require(address % PAGE === 0n, 'EINVAL', 'the address is not page-aligned');
  if (pages === ALL_PAGES) {
    require(address === 0n, 'EINVAL', 'a range of all pages must begin at 0');
    return undefined;
  }
  require(pages > 0n &&
    address + pages * PAGE <= 2n ** 64n, 'EINVAL', 'the pages are none or leave the address space');
  const first = address / PAGE;
  const last = first + pages - 1n;
  const differ = first ^ last;
  const size = differ === 0n ? 1n : 1n << BigInt(log2(differ) + 1);
  return size >= 1n << 48n ? undefined : { address: (first - (first % size)) * PAGE, pages: size };
}

/** Carries out entries one by one, up to the first that fails. */
function eachEntry(
  request: InvalidateRequest,
  type: number,
  each: (entry: DataView) => void,
): InvalidateResult {
  const { dataType, entryLength, entries, count } = request;
  if (dataType !== type)
    return {
      handled: 0,
      error: new IommufdError('EINVAL', `invalidation data of type ${dataType}`),
    };
  if (count > 0 && entryLength !== INVALIDATE_SIZE)
    return {
      handled: 0,
      error: new IommufdError('EINVAL', `entries have ${INVALIDATE_SIZE} bytes`),
    };
  for (let i = 0; i < count; i++) {
    try {
      each(new DataView(entries.buffer, entries.byteOffset + i * entryLength, entryLength));
    } catch (error) {
      if (!(error instanceof IommufdError)) throw error;
      return { handled: i, error };
    }
  }
  return { handled: count };
}

export class VtdNested implements NestedDomain {
  readonly faults: FaultSink | undefined;
  readonly #iommu: VtdHardware;
  readonly #parent: VtdSecondStage;
  readonly #viommu: VtdViommu | undefined;
  readonly #did: number;
  readonly #tables: bigint;
  readonly #flags: bigint;
  readonly #attached = new Set<VtdDevice>();

  /**
   * @throws {IommufdError | HostError} for tables of another form, or when domain IDs are
   *   exhausted.
   */
  constructor(
    iommu: VtdHardware,
    parent: VtdSecondStage,
    request: NestedRequest,
    viommu?: VtdViommu,
  ) {
    const { data, faults } = request;
    require(data.type === HWPT_DATA_VTD_S1, 'EOPNOTSUPP', `driver data of type ${data.type}`);
    require(data.bytes.length ===
      S1_SIZE, 'EINVAL', `the data of a first stage has ${S1_SIZE} bytes`);
    const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, S1_SIZE);
    const flags = view.getBigUint64(0, true);
    require((flags & ~(S1_SRE | S1_EAFE | S1_WPE)) === 0n, 'EOPNOTSUPP', 'unknown flags');
    require((flags & S1_EAFE) === 0n, 'EOPNOTSUPP', 'extended accessed flags are not supported');
    require(view.getUint32(20, true) === 0, 'EINVAL', 'a reserved word is not 0');
    require(view.getUint32(16, true) ===
      ADDRESS_WIDTH, 'EINVAL', `the address width is not ${ADDRESS_WIDTH}`);
    this.#tables = view.getBigUint64(8, true);
    require(this.#tables % PAGE === 0n, 'EINVAL', 'the tables are not page-aligned');
    this.#flags = flags;
    this.#iommu = iommu;
    this.#parent = parent;
    this.#viommu = viommu;
    this.faults = faults;
    this.#did = iommu.domains.allocate();
    parent.domains.add(this.#did);
  }

  attach(device: IommuDevice): void {
    const vtd = vtdDevice(device);
    require(vtd.iommu === this.#iommu, 'EINVAL', `${device.name} is behind another IOMMU`);
    require(!this.#viommu ||
      this.#viommu.has(vtd), 'ENOENT', `${device.name} is not a vDEVICE of the vIOMMU`);
    this.#iommu.install(vtd.sourceId, {
      pgtt: VTD_PGTT_NESTED,
      did: this.#did,
      secondStage: this.#parent.root,
      firstStage: this.#tables,
      supervisor: (this.#flags & S1_SRE) !== 0n,
      writeProtect: (this.#flags & S1_WPE) !== 0n,
    });
    this.#parent.usedBy(vtd.sourceId);
    this.#attached.add(vtd);
    vtd.attachment = this;
  }

  /**
   * HWPT_INVALIDATE on the HWPT: ranges of the IOTLB. Without a vIOMMU it also
   * invalidates device TLBs, as in Linux (cache_tag_flush_range); with one, a separate
   * call does.
   */
  invalidate(request: InvalidateRequest): InvalidateResult {
    return eachEntry(request, INVALIDATE_DATA_VTD_S1, (entry) => {
      const unknown = (entry.getUint32(16, true) & ~INVALIDATE_LEAF) | entry.getUint32(20, true);
      require(unknown === 0, 'EOPNOTSUPP', 'unknown flags');
      const range = rangeOf(entry.getBigUint64(0, true), entry.getBigUint64(8, true));
      this.#iommu.submit({ kind: 'pasid', did: this.#did, range });
      if (this.#viommu) return;
      for (const { sourceId, attachment } of this.#attached)
        if (attachment === this) this.#iommu.submit({ kind: 'device-tlb', sourceId, range });
    });
  }

  destroy(): void {
    this.#iommu.submit({ kind: 'domain', did: this.#did });
    this.#parent.domains.delete(this.#did);
    this.#iommu.domains.free(this.#did);
  }
}

/**
 * A vIOMMU without hardware of its own: it knows its devices, and issues the
 * invalidations of their device TLBs.
 */
export class VtdViommu implements ViommuDriver {
  readonly #iommu: VtdHardware;
  readonly #parent: VtdSecondStage;
  readonly #devices = new Map<number, VtdDevice>();

  constructor(iommu: VtdHardware, parent: VtdSecondStage) {
    this.#iommu = iommu;
    this.#parent = parent;
  }

  has(device: VtdDevice): boolean {
    return device.virtId !== undefined && this.#devices.get(device.virtId) === device;
  }

  allocNested(request: NestedRequest): NestedDomain {
    return new VtdNested(this.#iommu, this.#parent, request, this);
  }

  allocVdevice(device: IommuDevice, virtId: bigint): VdeviceDriver {
    const vtd = vtdDevice(device);
    require(virtId < 0x10000n, 'EINVAL', 'a source ID has 16 bits');
    const id = Number(virtId);
    vtd.virtId = id;
    this.#devices.set(id, vtd);
    return {
      destroy: () => {
        this.#devices.delete(id);
        vtd.virtId = undefined;
      },
    };
  }

  /** HWPT_INVALIDATE on the vIOMMU: ranges of the device TLB of one of its vDEVICEs. */
  invalidate(request: InvalidateRequest): InvalidateResult {
    return eachEntry(request, INVALIDATE_DATA_VTD_DEVICE_TLB, (entry) => {
      const virtId = entry.getUint32(16, true);
      require(entry.getUint32(20, true) === 0, 'EOPNOTSUPP', 'a reserved word is not 0');
      const device = this.#devices.get(virtId);
      require(device !== undefined, 'EINVAL', `there is no vDEVICE ${virtId}`);
      const range = rangeOf(entry.getBigUint64(0, true), entry.getBigUint64(8, true));
      this.#iommu.submit({ kind: 'device-tlb', sourceId: device.sourceId, range });
    });
  }

  destroy(): void {
    this.#devices.clear();
  }
}
