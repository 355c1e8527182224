// SPDX-License-Identifier: MIT
// Direct pages of vIOMMUs as user space has them mapped (iommufd_fops_mmap).

import type { ResourceGate } from './gate.ts';
import { require } from './iommufd-error.ts';
import type { MmapHow } from './requests.ts';
import { PAGE_SIZE } from './uapi.ts';
import type { MappedPage, Viommu } from './viommu.ts';

export class DirectMappings {
  readonly #gate: ResourceGate;
  readonly #mappings = new Set<MappedPage>();

  constructor(gate: ResourceGate) {
    this.#gate = gate;
  }

  /** Maps the direct page of that vIOMMU whose page lies at the offset; the vIOMMU has a user more. */
  map(viommus: readonly Viommu[], offset: number, length: number, how: MmapHow): MappedPage {
    const { shared = true, executable = false } = how;
    require(shared &&
      offset % PAGE_SIZE ===
        0, 'EINVAL', 'a direct page is mapped shared, at a multiple of the page size');
    require(!executable, 'EPERM', 'a direct page is not executable');
    const viommu = viommus.find(
      ({ mmapArea }) => mmapArea?.offset === offset && mmapArea.length === length,
    );
    const page = viommu?.driver.directPage;
    require(viommu !== undefined &&
      page !== undefined, 'ENXIO', `nothing of ${length} bytes is to be mapped at ${offset}`);
    this.#gate('allocation', 'mapping');
    viommu.users++;
    const mapping: MappedPage = {
      page,
      unmap: () => {
        if (this.#mappings.delete(mapping)) viommu.users--;
      },
    };
    this.#mappings.add(mapping);
    return mapping;
  }

  unmapAll(): void {
    for (const mapping of this.#mappings) mapping.unmap();
  }
}
