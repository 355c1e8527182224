// SPDX-License-Identifier: MIT
// Hardware page tables, which devices are attached to
// (drivers/iommu/iommufd/hw_pagetable.c).

import type { IommuDevice, NestedDomain, PagingDomain, ReservedRegion } from './driver.ts';
import type { Ioas } from './ioas.ts';
import { IommufdObject } from './object.ts';

/** A FAULT object as its HWPTs use it. */
export interface FaultTaker extends IommufdObject {
  answerFor(device: IommuDevice): void;
}

/** The common part of both kinds of HWPT: faults of their devices may have a receiver. */
abstract class FaultingHwpt extends IommufdObject {
  #faults: FaultTaker | undefined;

  /** @param faults the object that receives the faults; undefined: none. */
  faultsGoTo(faults: FaultTaker | undefined): void {
    if (faults) this.keep(faults);
    this.#faults = faults;
  }

  /** Answers the faults of a device that is no longer attached here as not resolved. */
  answerFaultsOf(device: IommuDevice): void {
    this.#faults?.answerFor(device);
  }
}

/** Translates by the host's own tables, which mirror an IOAS. */
export class PagingHwpt extends FaultingHwpt {
  readonly type = 'HWPT_PAGING';
  readonly domain: PagingDomain;
  readonly ioas: Ioas;
  /** Nested HWPTs and vIOMMUs can use it as their parent. */
  readonly nestParent: boolean;
  /** Created by an attach to its IOAS (auto_domain). */
  readonly automatic: boolean;
  /**
   * IOVAs of the doorbell pages that are mapped. They stay mapped for as long as the HWPT
   * exists (present_sw_msi).
   */
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

  /** The paging HWPT that translates for the devices attached here. */
  get paging(): PagingHwpt {
    return this;
  }

  /**
   * Maps MSI doorbells that are not mapped yet, by whole pages of the domain, which may
   * be larger than a doorbell page (iommu_dma_get_msi_page).
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

/** The parent of nested HWPTs: a HWPT or a vIOMMU. */
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
