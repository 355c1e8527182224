// SPDX-License-Identifier: MIT
// Hardware page tables: what a device can be attached to (drivers/iommu/iommufd/hw_pagetable.c).

import type { IommuDevice, NestedDomain, PagingDomain, ReservedRegion } from './driver.ts';
import type { Ioas } from './ioas.ts';
import { IommufdObject } from './object.ts';

/** A FAULT object, for its HWPTs. */
export interface FaultTaker extends IommufdObject {
  answerFor(device: IommuDevice): void;
}

/** What both kinds of HWPT are: their devices may have faults that somebody answers. */
abstract class FaultingHwpt extends IommufdObject {
  #faults: FaultTaker | undefined;

  /** @param faults undefined: nobody answers them. */
  faultsGoTo(faults: FaultTaker | undefined): void {
    if (faults) this.keep(faults);
    this.#faults = faults;
  }

  /** The faults of a device that is not attached here any more are not resolved. */
  answerFaultsOf(device: IommuDevice): void {
    this.#faults?.answerFor(device);
  }
}

/** Translates by the host's own tables, which follow an IOAS. */
export class PagingHwpt extends FaultingHwpt {
  readonly type = 'HWPT_PAGING';
  readonly domain: PagingDomain;
  readonly ioas: Ioas;
  /** Nested HWPTs and vIOMMUs can stand on it. */
  readonly nestParent: boolean;
  /** Made by an attach to its IOAS (auto_domain). */
  readonly automatic: boolean;
  /** IOVAs of pages with doorbells that are mapped; they stay so as long as the HWPT (present_sw_msi). */
  readonly #doorbells = new Set<bigint>();

  constructor(
    domain: PagingDomain,
    ioas: Ioas,
    { nestParent, automatic }: Pick<PagingHwpt, 'nestParent' | 'automatic'>,
  ) {
    super();
    this.domain = domain;
    this.ioas = ioas;
    this.nestParent = nestParent;
    this.automatic = automatic;
    this.keep(ioas);
  }

  /** The HWPT that holds the IOAS of whatever is attached here. */
  get paging(): PagingHwpt {
    return this;
  }

  /**
   * Maps MSI doorbells, unless they are mapped already: by whole pages of the domain, which
   * may be larger than a doorbell's (iommu_dma_get_msi_page).
   */
  mapDoorbells(regions: readonly ReservedRegion[]): void {
    const page = BigInt(this.domain.pageSize);
    for (const { iova, length, doorbells } of regions) {
      for (let at = iova - (iova % page); at < iova + length; at += page) {
        if (this.#doorbells.has(at)) continue;
        this.domain.map(at, doorbells + Number(at - iova), page, true);
        this.#doorbells.add(at);
      }
    }
  }

  protected release(): void {
    this.ioas.removeDomain(this.domain);
    this.domain.destroy();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { nestParent: this.nestParent ? 1 : 0 };
  }
}

/** What nested HWPTs stand on: a HWPT, or a vIOMMU. */
export interface NestParent extends IommufdObject {
  readonly paging: PagingHwpt;
}

/** Translates by a guest's tables, on top of a vIOMMU's or a parent's stage 2. */
export class NestedHwpt extends FaultingHwpt {
  readonly type = 'HWPT_NESTED';
  readonly domain: NestedDomain;

  /** The stage 2 below it. */
  readonly paging: PagingHwpt;

  constructor(domain: NestedDomain, parent: NestParent) {
    super();
    this.domain = domain;
    this.paging = parent.paging;
    this.keep(parent);
  }

  protected release(): void {
    this.domain.destroy();
  }
}

export type Hwpt = PagingHwpt | NestedHwpt;
