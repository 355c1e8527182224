// SPDX-License-Identifier: MIT
// An I/O address space: its mapped areas, their pins, and the domains that mirror it
// (drivers/iommu/iommufd/io_pagetable.c).

import { answeredAddress } from '../../devices/plugin/answers.ts';
import type { IommuDevice, PagingDomain, ReservedRegion, UserMemory } from './driver.ts';
import type { ResourceGate } from './gate.ts';
import { IommufdError, require } from './iommufd-error.ts';
import { IommufdObject } from './object.ts';
import { PAGE_SIZE } from './uapi.ts';
import { allOrNothing } from './undo.ts';

/** Number of 64-bit addresses. */
const END = 2n ** 64n;
/** Bytes from which on no place is chosen (iopt_alloc_iova). */
const LONGEST_PLACED = (END - 1n) / 2n;
/** The largest alignment of a chosen place: a transparent huge page. */
const HUGE_PAGE = 2n ** 21n;
/** The lowest IOVA, and the lowest length, that is refused without further checks. */
const TOO_MUCH = END - 1n;

interface Area {
  readonly iova: bigint;
  readonly length: bigint;
  readonly pa: number;
  readonly readable: boolean;
  readonly writable: boolean;
  pins: number;
}

/** IOMMU_IOAS_MAP: a range of memory and the IOVA to map it at. */
export interface MapRequest {
  /** The IOVA. Default: the lowest free place that suits length and address. */
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

/** A range of IOVAs in requests; both ends are included. */
export interface IovaRange {
  readonly start: bigint;
  readonly last: bigint;
}

/** IOMMU_IOAS_IOVA_RANGES. */
export interface IovaRanges {
  /** The ranges that are not reserved, by IOVA, whether or not they are mapped. */
  readonly ranges: readonly IovaRange[];
  /** IOVAs, lengths and addresses of mappings are multiples of this; bytes. */
  readonly alignment: bigint;
}

/** A range whose areas stay mapped until it is unpinned. */
export interface PinnedRange {
  /** Physical address of its first byte; the range is physically contiguous. */
  readonly pa: number;
  unpin(): void;
}

/** The lowest power of two that is at least a length. */
function roundUpToPowerOfTwo(length: bigint): bigint {
  return 1n << BigInt((length - 1n).toString(2).length - (length === 1n ? 1 : 0));
}

function alignUp(iova: bigint, alignment: bigint): bigint {
  return ((iova + alignment - 1n) / alignment) * alignment;
}

const byStart = (a: IovaRange, b: IovaRange) => (a.start < b.start ? -1 : 1);

/** The parts of a range that no other range covers, by IOVA. */
function gapsIn(range: IovaRange, others: readonly IovaRange[]): IovaRange[] {
  const gaps: IovaRange[] = [];
  let { start } = range;
  for (const { start: first, last } of others.toSorted(byStart)) {
    if (first > range.last) break;
    if (first > start) gaps.push({ start, last: first - 1n });
    if (last >= start) start = last + 1n;
  }
  if (start <= range.last) gaps.push({ start, last: range.last });
  return gaps;
}

const rangeOf = ({ iova, length }: { readonly iova: bigint; readonly length: bigint }) => ({
  start: iova,
  last: iova + length - 1n,
});

/** Whether two ranges overlap. */
const meet = (a: IovaRange, b: IovaRange) => a.start <= b.last && b.start <= a.last;

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
  /** The ranges in which IOVAs are chosen; when empty, everywhere. */
  #allowed: readonly IovaRange[] = [];

  constructor(gate: ResourceGate) {
    super();
    gate('allocation', 'IOAS');
    this.#gate = gate;
  }

  /**
   * IOVAs and lengths are multiples of this: the largest page of the domains, 1 when
   * there are none.
   */
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
    require((request.iova ?? 0n) < TOO_MUCH &&
      length < TOO_MUCH, 'EOVERFLOW', 'the range leaves the address space');
    require(readable || writable, 'EINVAL', 'a mapping must be readable or writable');
    require(length > 0n &&
      length % alignment === 0n, 'EINVAL', `a length of ${length} bytes cannot be mapped`);
    require(request.iova === undefined ||
      request.iova + length <= END, 'EOVERFLOW', 'the range leaves the address space');
    require(BigInt(address) % alignment ===
      0n, 'EINVAL', `address 0x${address.toString(16)} is not aligned to ${alignment} bytes`);
    const iova = request.iova ?? this.#place(length, BigInt(address), alignment);
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
    const pa = answeredAddress(memory.physical(address, Number(length)), 'memory.physical');
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

  /**
   * The lowest free place, other than the page at IOVA 0. It is aligned as far as length
   * and address allow, up to 2 MiB, so that large pages can map it (iopt_alloc_iova).
   */
  #place(length: bigint, address: bigint, leastAlignment: bigint): bigint {
    require(length < LONGEST_PLACED, 'EOVERFLOW', `no place is chosen for ${length} bytes`);
    const whole = roundUpToPowerOfTwo(length);
    const ofAddress = address & -address;
    const suitable = address === 0n || whole < ofAddress ? whole : ofAddress;
    const alignment = suitable < HUGE_PAGE ? suitable : HUGE_PAGE;
    require(alignment >=
      leastAlignment, 'EINVAL', `address 0x${address.toString(16)} cannot be aligned`);
    const offset = address % BigInt(PAGE_SIZE);
    const everywhere = { start: BigInt(PAGE_SIZE), last: END - 1n - BigInt(PAGE_SIZE) };
    const taken = [...this.#areas.map(rangeOf), ...this.#unavailable];
    const allowed = this.#allowed.length > 0 ? this.#allowed : [everywhere];
    for (const range of allowed) {
      const within = {
        start: range.start < everywhere.start ? everywhere.start : range.start,
        last: range.last > everywhere.last ? everywhere.last : range.last,
      };
      for (const { start, last } of gapsIn(within, taken)) {
        const iova = alignUp(start, alignment) | offset;
        if (iova + length - 1n <= last) return iova;
      }
    }
    throw new IommufdError('ENOSPC', `no ${length} bytes of IOVA are left`);
  }

  /**
   * Ranges that no mapping may use: reserved for devices, or beyond the reach of a
   * domain.
   */
  get #unavailable(): readonly IovaRange[] {
    const last = this.#last;
    const beyond = last < END - 1n ? [{ start: last + 1n, last: END - 1n }] : [];
    return [...this.#reservedRegions.map(rangeOf), ...beyond];
  }

  /** IOMMU_IOAS_IOVA_RANGES. */
  iovaRanges(): IovaRanges {
    const ranges = gapsIn({ start: 0n, last: END - 1n }, this.#unavailable);
    return { ranges, alignment: this.#alignment };
  }

  /**
   * IOMMU_IOAS_ALLOW_IOVAS: from now on IOVAs are chosen only in these ranges, and
   * nothing may reserve any part of them. They replace the earlier ranges; an empty list
   * means everywhere.
   */
  allow(ranges: readonly IovaRange[]): void {
    ranges.forEach((range, i) => {
      const { start, last } = range;
      require(start < last && last < END, 'EINVAL', `range ${i} has fewer than two addresses`);
      const meetsAnother = ranges.slice(0, i).some((other) => meet(range, other));
      require(!meetsAnother, 'EINVAL', `range ${i} overlaps an earlier one`);
    });
    this.#gate('allocation', 'allowed IOVAs');
    const unavailable = this.#unavailable;
    for (const range of ranges)
      require(!unavailable.some((other) =>
        meet(range, other),
      ), 'EADDRINUSE', `0x${range.start.toString(16)} to 0x${range.last.toString(16)} is reserved`);
    this.#allowed = ranges.map(({ start, last }) => ({ start, last })).sort(byStart);
  }

  /**
   * @throws {IommufdError} EADDRINUSE when a range to be reserved overlaps an allowed
   *   one.
   */
  #refuseAllowed(range: IovaRange, why: string): void {
    const taken = this.#allowed.some((other) => meet(range, other));
    require(!taken, 'EADDRINUSE', `0x${range.start.toString(16)} is allowed, and ${why}`);
  }

  /**
   * The reserved ranges of all devices attached to HWPTs of this IOAS; two devices may
   * reserve the same range.
   */
  get #reservedRegions(): readonly ReservedRegion[] {
    return [...this.#reserved.values()].flat();
  }

  /**
   * Reserves ranges for a device, in which nothing may be mapped
   * (iopt_table_enforce_dev_resv_regions).
   * @throws {IommufdError} EADDRINUSE when one of them contains a mapping.
   */
  reserve(device: IommuDevice, regions: readonly ReservedRegion[]): void {
    for (const region of regions) {
      const { iova, length } = region;
      require(overlapping(this.#areas, iova, length).length ===
        0, 'EADDRINUSE', `0x${iova.toString(16)} is mapped, and reserved for ${device.name}`);
      this.#refuseAllowed(rangeOf(region), `reserved for ${device.name}`);
    }
    if (regions.length > 0) this.#reserved.set(device, regions);
  }

  unreserve(device: IommuDevice): void {
    this.#reserved.delete(device);
  }

  /**
   * Unmaps whole areas in the order of their IOVAs. It stops at an area that is pinned
   * (EBUSY) or only partly in the range (ENOENT); the areas before it stay unmapped
   * (iopt_unmap_iova_range).
   * @param length bytes; from IOVA 0, 2^64 - 1 means everything.
   * @returns bytes unmapped.
   */
  unmap(iova: bigint, length: bigint): bigint {
    const everything = iova === 0n && length === END - 1n;
    require(length > 0n, 'EINVAL', 'the range to unmap is empty');
    require(everything ||
      (iova < TOO_MUCH &&
        length < TOO_MUCH &&
        iova + length <= END), 'EOVERFLOW', 'the range leaves the address space');
    const areas = everything ? [...this.#areas] : overlapping(this.#areas, iova, length);
    require(everything ||
      areas.length > 0, 'ENOENT', `nothing is mapped at 0x${iova.toString(16)}`);
    let bytes = 0n;
    for (const area of areas) {
      const end = area.iova + area.length;
      require(area.pins === 0, 'EBUSY', `0x${area.iova.toString(16)} is pinned`);
      require(everything ||
        (area.iova >= iova && end <= iova + length), 'ENOENT', 'the range cuts a mapping');
      for (const domain of this.#domains) domain.unmap(area.iova, area.length);
      this.#areas = this.#areas.filter((other) => other !== area);
      bytes += area.length;
    }
    return bytes;
  }

  /** Pins a range, so that it stays mapped, and returns its physical address. */
  pin(iova: bigint, length: bigint): PinnedRange {
    require(length > 0n, 'EINVAL', 'the range to pin is empty');
    require(iova + length <= END, 'EOVERFLOW', 'the range leaves the address space');
    const areas = overlapping(this.#areas, iova, length);
    const [first] = areas;
    const mapped =
      areas.reduce((at, area) => (area.iova <= at ? area.iova + area.length : at), iova) >=
      iova + length;
    require(first !== undefined &&
      first.iova <= iova &&
      mapped, 'ENOENT', `0x${iova.toString(16)} is not entirely mapped`);
    require(areas.every(({ readable }) => readable), 'EPERM', 'the range is not readable');
    require(areas.every(
      (area) => area.pa - first.pa === Number(area.iova - first.iova),
    ), 'EFAULT', 'the range is not physically contiguous');
    this.#gate('allocation', 'pinned range');
    for (const area of areas) area.pins++;
    return {
      pa: first.pa + Number(iova - first.iova),
      unpin: () => {
        for (const area of areas) area.pins--;
      },
    };
  }

  /**
   * Adds a domain that mirrors this IOAS from now on.
   * @throws {IommufdError} EADDRINUSE when it cannot map one of the areas. The caller
   *   then destroys the domain, with the areas that it has mapped.
   */
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
    if (domain.lastIova < END - 1n)
      this.#refuseAllowed(
        { start: domain.lastIova + 1n, last: END - 1n },
        'the IOMMU cannot map it',
      );
    for (const { iova, length, pa, writable } of this.#areas)
      domain.map(iova, pa, length, writable);
    this.#domains.add(domain);
  }

  removeDomain(domain: PagingDomain): void {
    this.#domains.delete(domain);
  }

  /** Mapped bytes, areas and pins. */
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
