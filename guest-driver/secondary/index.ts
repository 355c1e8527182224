// SPDX-License-Identifier: MIT
// The program of a secondary vCPU (asconfig.json target "secondary").

import { runWork } from './work';
import { WorkBlock } from './work-block';

/**
 * Entry with the arguments of `vcpu_start`. The argument is the memory offset of a
 * WorkBlock.
 */
export function vsmmu_secondary(vcpu: i32, argument: i32): void {
  runWork(vcpu, changetype<WorkBlock>(<usize>argument));
}
