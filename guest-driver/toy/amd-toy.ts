// SPDX-License-Identifier: MIT
// The steps of a toy whose board has an AMD IOMMU, and in which order.

import { ABI_KIND_AMD_IOMMU } from '../../assembly/layout/guest-abi';
import { findDevice } from '../runtime/device-table';
import {
  amdBringUpStep,
  amdCopyStep,
  amdDeviceAttack,
  amdDomainAttack,
  amdExitsStep,
  amdIllegalCommandStep,
  amdLiveMappingStep,
  amdProbeStep,
  amdStaleEntryStep,
} from './amd-steps';
import { environmentStep } from './bring-up-steps';
import { toy } from './toy-state';

export const LAST_AMD_STEP: u32 = 11;
const DEVICE_ATTACK: u32 = 8;
const DOMAIN_ATTACK: u32 = 9;

/** The board has an AMD IOMMU. */
export function onAmd(): bool {
  return findDevice(ABI_KIND_AMD_IOMMU) != 0;
}

export function amdTitle(step: u32): string {
  switch (step) {
    case 1:
      return 'find memory and devices';
    case 2:
      return 'probe the AMD IOMMU';
    case 3:
      return 'bring up device table, command buffer, event log and guest tables';
    case 4:
      return 'copy memory by DMA';
    case 5:
      return 'unmap, use the stale TLB entry, invalidate, fault';
    case 6:
      return 'put an illegal command on the command buffer and recover';
    case 7:
      return 'leave a mapping in the TLB';
    case DEVICE_ATTACK:
      return "attack: the neighbour's DeviceID";
    case DOMAIN_ATTACK:
      return "attack: the neighbour's DomainID";
    case 10:
      return 'count exits of invalidations';
    default:
      return 'power off';
  }
}

/** True when the step belongs to this run. */
export function amdApplies(step: u32): bool {
  if (step == LAST_AMD_STEP) return true;
  if (toy().broken != 0) return false;
  return (step != DEVICE_ATTACK && step != DOMAIN_ATTACK) || toy().machines > 1;
}

export function takeAmdStep(step: u32): void {
  switch (step) {
    case 1:
      environmentStep();
      break;
    case 2:
      amdProbeStep();
      break;
    case 3:
      amdBringUpStep();
      break;
    case 4:
      amdCopyStep();
      break;
    case 5:
      amdStaleEntryStep();
      break;
    case 6:
      amdIllegalCommandStep();
      break;
    case 7:
      amdLiveMappingStep();
      break;
    case DEVICE_ATTACK:
      amdDeviceAttack();
      break;
    case DOMAIN_ATTACK:
      amdDomainAttack();
      break;
    default:
      amdExitsStep();
  }
}
