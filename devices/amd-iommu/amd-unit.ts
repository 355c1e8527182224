// The hot modules of one (thread, machine) on a host with an AMD IOMMU.

import type { AmdIommuExports, HotModules } from '../../assembly/load.ts';
import { type PortUnitOptions, TranslatingUnit } from '../unit/index.ts';

export type AmdModules = Pick<HotModules, 'guestPort' | 'privateGuestPort'> & {
  readonly amdIommu: WebAssembly.Module;
};

export interface AmdUnitOptions extends PortUnitOptions {
  readonly modules: AmdModules;
}

export class AmdUnit extends TranslatingUnit {
  /** Translation and the service of command buffers are one module here; the names are those of an SMMU's unit. */
  readonly core: AmdIommuExports;
  readonly drain: AmdIommuExports;

  constructor(options: AmdUnitOptions) {
    super(options);
    const instance = this.instantiate(options.modules.amdIommu);
    this.core = instance.exports as unknown as AmdIommuExports;
    this.drain = this.core;
  }
}
