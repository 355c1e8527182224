// SPDX-License-Identifier: MIT
// The footprint of a VM that a test drives itself, with one SMMU.

import { ABI_AT_DRAIN_SLEEPING } from '../../assembly/layout/guest-abi.ts';
import type { Vm } from '../../host/kernel/index.ts';
import {
  type InspectedSmmu,
  type InspectedVintf,
  type MachineFootprint,
  machineFootprint,
} from '../../vmm/inspect/index.ts';

export function footprintOf(
  smmu: InspectedSmmu & { readonly vm: Vm },
  vintf: InspectedVintf,
): MachineFootprint {
  return machineFootprint(smmu.vm.memory, [{ smmu, vintf }], ABI_AT_DRAIN_SLEEPING);
}
