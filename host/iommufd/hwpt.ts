// Hardware page tables: what a device can be attached to (drivers/iommu/iommufd/hw_pagetable.c).

import type { NestedDomain, PagingDomain } from './driver.ts';
import type { Ioas } from './ioas.ts';
import { IommufdObject } from './object.ts';

/** Translates by the host's own tables, which follow an IOAS. */
export class PagingHwpt extends IommufdObject {
  readonly type = 'HWPT_PAGING';
  readonly domain: PagingDomain;
  readonly ioas: Ioas;
  /** Nested HWPTs and vIOMMUs can stand on it. */
  readonly nestParent: boolean;

  constructor(domain: PagingDomain, ioas: Ioas, nestParent: boolean) {
    super();
    this.domain = domain;
    this.ioas = ioas;
    this.nestParent = nestParent;
    this.keep(ioas);
  }

  protected release(): void {
    this.ioas.removeDomain(this.domain);
    this.domain.destroy();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { nestParent: this.nestParent ? 1 : 0 };
  }
}

/** Translates by a guest's tables, on top of a vIOMMU's or a parent's stage 2. */
export class NestedHwpt extends IommufdObject {
  readonly type = 'HWPT_NESTED';
  readonly domain: NestedDomain;

  constructor(domain: NestedDomain, parent: IommufdObject) {
    super();
    this.domain = domain;
    this.keep(parent);
  }

  protected release(): void {
    this.domain.destroy();
  }
}

export type Hwpt = PagingHwpt | NestedHwpt;
