// SPDX-License-Identifier: MIT
// State of an SMMU's CMDQV and of VINTF 0, the only VINTF that the driver uses.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import { selectedSmmu } from './selected-smmu';

export class Cmdqv {
  /** gpa of the registers. */
  gpa: u32 = 0;
  irq: u32 = 0;
  /** 1 once the probe has succeeded. */
  present: u32 = 0;
  /** PARAM, decoded. */
  vintfCount: u32 = 0;
  vcmdqCount: u32 = 0;
  /** VCMDQs of each VINTF. */
  lvcmdqCount: u32 = 0;
  sidCount: u32 = 0;
  /** 1 while VINTF 0 is enabled. */
  vintfEnabled: u32 = 0;
  /** VINTF_CONFIG.HYP_OWN as read back: 1 for the hypervisor's kernel, 0 for a guest. */
  hypOwn: u32 = 0;
  /**
   * 1 sends everything to the CMDQ and leaves ECMDQs or VCMDQs unused, like Linux's
   * driver parameter bypass_vcmdq.
   */
  bypassVcmdq: u32 = 0;
  /** The processor number that selects queues. */
  cpu: u32 = 0;
}

const CMDQVS: usize = memory.data(ABI_MAX_SMMUS * offsetof<Cmdqv>(), 64);

/** The CMDQV of the selected SMMU. */
export function cmdqv(): Cmdqv {
  return changetype<Cmdqv>(CMDQVS + selectedSmmu() * offsetof<Cmdqv>());
}

/** Clears its state. */
export function clearCmdqv(): void {
  memory.fill(changetype<usize>(cmdqv()), 0, offsetof<Cmdqv>());
}
