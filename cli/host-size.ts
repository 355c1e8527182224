// SPDX-License-Identifier: MIT
// How large a host is that machines of a run share.

import type { BootSettings } from './boot-settings.ts';
import { MOST_COMPARED } from './compared-machines.ts';

/** VINTFs of the host unless it is asked for others, and VCMDQs that its CMDQV has at least for each. */
const VINTFS = 16;
const MANY_VINTFS = 32;
const MIN_LVCMDQS = 2;

/** VINTFs and VCMDQs for a number of machines. */
export function hostSize(
  settings: Pick<BootSettings, 'vintfs' | 'vcmdqs' | 'vcpus'>,
  vms: number,
): { vintfs: number; vcmdqs: number } {
  const { vcpus = 1, vintfs = vms + MOST_COMPARED <= VINTFS ? VINTFS : MANY_VINTFS } = settings;
  // A VCMDQ for each vCPU: the number of both is a power of two.
  const {
    vcmdqs = Math.min(128, vintfs * Math.max(MIN_LVCMDQS, 2 ** Math.ceil(Math.log2(vcpus)))),
  } = settings;
  return { vintfs, vcmdqs };
}
