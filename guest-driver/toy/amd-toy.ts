// SPDX-License-Identifier: MIT
// The steps of a toy whose board has an AMD IOMMU, and their order.

import { ABI_KIND_AMD_IOMMU } from '../../assembly/layout/guest-abi';
import { findDevice } from '../runtime/device-table';
import { amdPageRequestStep, hasPageRequests } from './amd-page-request-step';
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
  DOMAIN,
} from './amd-steps';
import { environmentStep } from './bring-up-steps';
import { toy } from './toy-state';

export const LAST_AMD_STEP: u32 = 12;
const PAGE_REQUEST: u32 = 7;
const DEVICE_ATTACK: u32 = 9;
const DOMAIN_ATTACK: u32 = 10;

/** Whether the board has an AMD IOMMU. */
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
      return 'bring up device table, command buffer, logs and guest tables';
    case 4:
      return 'copy memory by DMA';
    case 5:
      return 'unmap, use the stale TLB entry, invalidate, fault';
    case 6:
      return 'put an illegal command on the command buffer and recover';
    case PAGE_REQUEST:
      return 'have the device ask for a page';
    case 8:
      return 'leave a mapping in the TLB';
    case DEVICE_ATTACK:
      return "attack: the neighbour's DeviceID";
    case DOMAIN_ATTACK:
      return "attack: the neighbour's DomainID";
    case 11:
      return 'count exits of invalidations';
    default:
      return 'power off';
  }
}

/** True when the step belongs to this run. */
export function amdApplies(step: u32): bool {
  if (step == LAST_AMD_STEP) return true;
  if (toy().broken != 0) return false;
  if (step == PAGE_REQUEST) return hasPageRequests();
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
    case PAGE_REQUEST:
      amdPageRequestStep(DOMAIN);
      break;
    case 8:
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
