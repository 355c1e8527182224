// SPDX-License-Identifier: MIT
// Options of the VMM's side of a vIOMMU.

import type { ResourceGate } from '../../host/iommufd/index.ts';
import type { ArmDevice, ArmIommu } from '../../host/kernel/arm/index.ts';
import type { Vm } from '../../host/kernel/vm.ts';
import type { QueueErrorPolicy } from './queue-error-policy.ts';

export interface NestedSmmuOptions {
  readonly vm: Vm;
  readonly iommu: ArmIommu;
  /** With a VINTF of the CMDQV. */
  readonly cmdqv: boolean;
  /** The VM's devices by the guest's StreamID. */
  readonly devices: ReadonlyMap<number, ArmDevice>;
  /** The guest rings its CMDQ directly (the overlay path). */
  readonly overlay: boolean;
  /** It takes part in the broadcast TLB maintenance of the VM's vCPUs. */
  readonly btm: boolean;
  /** Without streams: a device of the VM for the creation of the vIOMMU. */
  readonly anyDevice: ArmDevice;
  readonly policy: QueueErrorPolicy;
  readonly gate: ResourceGate;
}
