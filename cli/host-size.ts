// SPDX-License-Identifier: MIT
// The size of the host that the machines of a run share.

import type { BootSettings } from './boot-settings.ts';
import { MOST_COMPARED } from './compared-machines.ts';

/** Default number of VINTFs, and minimum number of VCMDQs for each. */
const VINTFS = 16;
const MANY_VINTFS = 32;
const MIN_LVCMDQS = 2;

/** The number of VINTFs and VCMDQs for a number of machines. */
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
