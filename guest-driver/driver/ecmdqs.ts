// SPDX-License-Identifier: MIT
// What the driver knows about the ECMDQs of an SMMU, which it can use in place of VCMDQs.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import { selectedSmmu } from './selected-smmu';

export class Ecmdqs {
  /** gpa of the control page, and bytes from one queue's registers to the next's. */
  gpa: u32 = 0;
  stride: u32 = 0;
  /** Queues that the SMMU has and the driver uses, and 1 once all of them are enabled. */
  count: u32 = 0;
  enabled: u32 = 0;
}

const ECMDQS: usize = memory.data(ABI_MAX_SMMUS * offsetof<Ecmdqs>(), 64);

/** Those of the selected SMMU. */
export function ecmdqs(): Ecmdqs {
  return changetype<Ecmdqs>(ECMDQS + selectedSmmu() * offsetof<Ecmdqs>());
}

/** Forgets everything about them. */
export function clearEcmdqs(): void {
  memory.fill(changetype<usize>(ecmdqs()), 0, offsetof<Ecmdqs>());
}
