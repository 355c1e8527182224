// SPDX-License-Identifier: MIT
// State of an SMMU's ECMDQs, which the driver can use in place of VCMDQs.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import { selectedSmmu } from './selected-smmu';

export class Ecmdqs {
  /** gpa of the control page. */
  gpa: u32 = 0;
  /** Bytes from one queue's registers to those of the next. */
  stride: u32 = 0;
  /** Number of queues that the driver uses, of those that the SMMU has. */
  count: u32 = 0;
  /** 1 once all `count` queues are enabled. */
  enabled: u32 = 0;
}

const ECMDQS: usize = memory.data(ABI_MAX_SMMUS * offsetof<Ecmdqs>(), 64);

/** The ECMDQs of the selected SMMU. */
export function ecmdqs(): Ecmdqs {
  return changetype<Ecmdqs>(ECMDQS + selectedSmmu() * offsetof<Ecmdqs>());
}

/** Clears their state. */
export function clearEcmdqs(): void {
  memory.fill(changetype<usize>(ecmdqs()), 0, offsetof<Ecmdqs>());
}
