// SPDX-License-Identifier: MIT
// Mappings of vIOMMUs' direct pages into user space (iommufd_fops_mmap).

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

  /**
   * Maps the direct page of the vIOMMU that has it at this offset. The mapping counts as
   * a user of the vIOMMU.
   */
  map(viommus: readonly Viommu[], offset: number, length: number, how: MmapHow): MappedPage {
    const { shared = true, executable = false } = how;
    require(shared &&
      offset % PAGE_SIZE ===
        0, 'EINVAL', 'a direct page must be mapped shared, at a multiple of the page size');
    require(!executable, 'EPERM', 'a direct page is not executable');
    const viommu = viommus.find(
      ({ mmapArea }) => mmapArea?.offset === offset && mmapArea.length === length,
    );
    const page = viommu?.driver.directPage;
    require(viommu !== undefined &&
      page !==
        undefined, 'ENXIO', `there is no direct page of ${length} bytes at offset ${offset}`);
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
