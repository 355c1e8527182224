// SPDX-License-Identifier: MIT
// An I/O address space: what is mapped where, which of it is pinned, and the domains that
// follow it (drivers/iommu/iommufd/io_pagetable.c).

import type { IommuDevice, PagingDomain, ReservedRegion, UserMemory } from './driver.ts';
import type { ResourceGate } from './gate.ts';
import { require } from './iommufd-error.ts';
import { IommufdObject } from './object.ts';
import { allOrNothing } from './undo.ts';

/** Number of 64-bit addresses. */
const END = 2n ** 64n;

interface Area {
  readonly iova: bigint;
  readonly length: bigint;
  readonly pa: number;
  readonly readable: boolean;
  readonly writable: boolean;
  pins: number;
}

/** IOMMU_IOAS_MAP: a range of memory, and where it is to appear. */
export interface MapRequest {
  /** Where; the lowest free place when absent. */
  readonly iova?: bigint;
  /** Bytes. */
  readonly length: bigint;
  readonly memory: UserMemory;
  /** Address in that memory. */
  readonly address: number;
  /** Default true. */
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/** A range whose areas stay mapped until it is let go. */
export interface PinnedRange {
  /** Physical address of its first byte; the range is one piece. */
  readonly pa: number;
  unpin(): void;
}

function overlapping<T extends { readonly iova: bigint; readonly length: bigint }>(
  ranges: readonly T[],
  iova: bigint,
  length: bigint,
): T[] {
  return ranges.filter((range) => range.iova < iova + length && iova < range.iova + range.length);
}

export class Ioas extends IommufdObject {
  readonly type = 'IOAS';
  readonly #gate: ResourceGate;
  /** In order of IOVA. */
  #areas: Area[] = [];
  readonly #domains = new Set<PagingDomain>();
  readonly #reserved = new Map<IommuDevice, readonly ReservedRegion[]>();

  constructor(gate: ResourceGate) {
    super();
    gate('allocation', 'IOAS');
    this.#gate = gate;
  }

  /** What IOVAs and lengths are multiples of: the largest page of the domains, 1 without any. */
  get #alignment(): bigint {
    return BigInt(Math.max(1, ...[...this.#domains].map(({ pageSize }) => pageSize)));
  }

  /** The last IOVA that every domain can map. */
  get #last(): bigint {
    return [...this.#domains].reduce(
      (least, { lastIova }) => (least < lastIova ? least : lastIova),
      END - 1n,
    );
  }

  /** @returns the IOVA. */
  map(request: MapRequest): bigint {
    const { length, memory, address, readable = true, writable = true } = request;
    const alignment = this.#alignment;
    require(readable || writable, 'EINVAL', 'a mapping is readable or writable');
    require(length > 0n &&
      length % alignment === 0n, 'EINVAL', `a length of ${length} bytes cannot be mapped`);
    require(request.iova === undefined ||
      request.iova + length <= END, 'EOVERFLOW', 'the range leaves the address space');
    const iova = request.iova ?? this.#place(length, alignment);
    require(iova % alignment ===
      0n, 'EINVAL', `0x${iova.toString(16)} is not aligned to ${alignment} bytes`);
    require(iova + length - 1n <=
      this.#last, 'EINVAL', `0x${iova.toString(16)} is beyond what the IOMMU translates`);
    require(overlapping(this.#reservedRegions, iova, length).length ===
      0, 'EINVAL', `0x${iova.toString(16)} is reserved for MSIs`);
    require(overlapping(this.#areas, iova, length).length ===
      0, 'EEXIST', `0x${iova.toString(16)} is mapped already`);
    require(!(
      writable && memory.readOnly
    ), 'EPERM', 'read-only memory cannot be mapped for writing');
    this.#gate('memory access', 'pages of a mapping');
    const pa = memory.physical(address, Number(length));
    require(pa !== undefined, 'EFAULT', `there is no memory at 0x${address.toString(16)}`);
    this.#gate('allocation', 'IOAS area');
    const area: Area = { iova, length, pa, readable, writable, pins: 0 };
    allOrNothing((undo) => {
      for (const domain of this.#domains) {
        domain.map(iova, pa, length, writable);
        undo.add(() => domain.unmap(iova, length));
      }
    });
    this.#areas = [...this.#areas, area].sort((a, b) => (a.iova < b.iova ? -1 : 1));
    return iova;
  }

  #place(length: bigint, alignment: bigint): bigint {
    let iova = alignment;
    const taken = [...this.#areas, ...this.#reservedRegions].sort((a, b) =>
      a.iova < b.iova ? -1 : 1,
    );
    for (const one of taken) {
      if (iova + length <= one.iova) break;
      const end = one.iova + one.length;
      const next = ((end + alignment - 1n) / alignment) * alignment;
      if (next > iova) iova = next;
    }
    require(iova + length - 1n <= this.#last, 'ENOSPC', `no ${length} bytes of IOVA are left`);
    return iova;
  }

  /** Of all devices that are attached to one of its HWPTs; two of them may have the same. */
  get #reservedRegions(): readonly ReservedRegion[] {
    return [...this.#reserved.values()].flat();
  }

  /**
   * Keeps ranges free of mappings for a device (iopt_table_enforce_dev_resv_regions).
   * @throws {IommufdError} EADDRINUSE when something is mapped in one of them.
   */
  reserve(device: IommuDevice, regions: readonly ReservedRegion[]): void {
    for (const { iova, length } of regions)
      require(overlapping(this.#areas, iova, length).length ===
        0, 'EADDRINUSE', `0x${iova.toString(16)} is mapped, and reserved for ${device.name}`);
    if (regions.length > 0) this.#reserved.set(device, regions);
  }

  unreserve(device: IommuDevice): void {
    this.#reserved.delete(device);
  }

  /**
   * Unmaps whole areas.
   * @param length bytes; from IOVA 0 on, 2^64 - 1 means everything.
   * @returns bytes unmapped.
   */
  unmap(iova: bigint, length: bigint): bigint {
    const everything = iova === 0n && length === END - 1n;
    require(length > 0n, 'EINVAL', 'nothing is to be unmapped');
    require(iova + length <= END, 'EOVERFLOW', 'the range leaves the address space');
    const areas = everything ? this.#areas : overlapping(this.#areas, iova, length);
    const whole =
      everything ||
      areas.every((area) => area.iova >= iova && area.iova + area.length <= iova + length);
    require(everything ||
      areas.length > 0, 'ENOENT', `nothing is mapped at 0x${iova.toString(16)}`);
    require(whole, 'ENOENT', `0x${iova.toString(16)} lies inside a mapping`);
    require(areas.every(({ pins }) => pins === 0), 'EBUSY', 'the range is pinned');
    let bytes = 0n;
    for (const area of areas) {
      for (const domain of this.#domains) domain.unmap(area.iova, area.length);
      bytes += area.length;
    }
    this.#areas = this.#areas.filter((area) => !areas.includes(area));
    return bytes;
  }

  /** Keeps a range mapped, and tells where it lies. */
  pin(iova: bigint, length: bigint): PinnedRange {
    require(length > 0n, 'EINVAL', 'nothing is to be pinned');
    require(iova + length <= END, 'EOVERFLOW', 'the range leaves the address space');
    const areas = overlapping(this.#areas, iova, length);
    const [first] = areas;
    const mapped =
      areas.reduce((at, area) => (area.iova <= at ? area.iova + area.length : at), iova) >=
      iova + length;
    require(first !== undefined &&
      first.iova <= iova &&
      mapped, 'ENOENT', `0x${iova.toString(16)} is not all mapped`);
    require(areas.every(({ readable }) => readable), 'EPERM', 'the range is not readable');
    require(areas.every(
      (area) => area.pa - first.pa === Number(area.iova - first.iova),
    ), 'EFAULT', 'the range is not one piece of physical memory');
    this.#gate('allocation', 'pinned range');
    for (const area of areas) area.pins++;
    return {
      pa: first.pa + Number(iova - first.iova),
      unpin: () => {
        for (const area of areas) area.pins--;
      },
    };
  }

  /** A domain follows from here on. @throws {IommufdError} EADDRINUSE when something is mapped that it cannot map. */
  addDomain(domain: PagingDomain): void {
    const page = BigInt(domain.pageSize);
    for (const { iova, length, pa } of this.#areas) {
      const fits =
        iova % page === 0n &&
        length % page === 0n &&
        pa % domain.pageSize === 0 &&
        iova + length - 1n <= domain.lastIova;
      require(fits, 'EADDRINUSE', `the IOMMU cannot map 0x${iova.toString(16)}`);
    }
    allOrNothing((undo) => {
      for (const { iova, length, pa, writable } of this.#areas) {
        domain.map(iova, pa, length, writable);
        undo.add(() => domain.unmap(iova, length));
      }
    });
    this.#domains.add(domain);
  }

  removeDomain(domain: PagingDomain): void {
    this.#domains.delete(domain);
  }

  /** Bytes that are mapped, and ranges that are pinned. */
  get usage(): { readonly bytes: bigint; readonly areas: number; readonly pins: number } {
    const sum = (value: (area: Area) => number) =>
      this.#areas.reduce((total, area) => total + value(area), 0);
    return {
      bytes: this.#areas.reduce((total, { length }) => total + length, 0n),
      areas: this.#areas.length,
      pins: sum(({ pins }) => pins),
    };
  }

  protected release(): void {
    this.#areas = [];
  }

  override describe(): Readonly<Record<string, string | number>> {
    const { bytes, areas, pins } = this.usage;
    return { areas, bytes: Number(bytes), pins };
  }
}
