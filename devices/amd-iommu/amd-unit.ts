// SPDX-License-Identifier: MIT
// The hot modules of one (thread, machine) pair on a host with an AMD IOMMU.

import type { AmdModules } from '../../assembly/load.ts';
import type { AmdIommuExports, GuestPortExports } from '../../assembly/unit-exports.ts';
import { type PortUnitOptions, TranslatingUnit } from '../unit/index.ts';

export interface AmdUnitOptions extends PortUnitOptions {
  readonly modules: AmdModules;
}

export class AmdUnit extends TranslatingUnit {
  readonly port: GuestPortExports;
  /**
   * Translation and the service of command buffers are one module here; the names are
   * those of the SMMU's unit.
   */
  readonly core: AmdIommuExports;
  readonly drain: AmdIommuExports;

  constructor(options: AmdUnitOptions) {
    super(options);
    const { modules } = options;
    if ('amdUnit' in modules) {
      const unit = this.instantiateMerged(modules.amdUnit, modules.privateAmdUnit);
      this.port = unit as unknown as GuestPortExports;
      this.core = unit as unknown as AmdIommuExports;
    } else {
      const port = this.instantiatePort(modules);
      this.port = port as unknown as GuestPortExports;
      this.core = this.instantiate(modules.amdIommu, { port }) as unknown as AmdIommuExports;
    }
    this.drain = this.core;
  }
}
