// SPDX-License-Identifier: MIT
// Step 8 of a driver with a bug: it changes a descriptor, a CD or an STE, and sends a
// CMD_SYNC without the invalidation before it. The device continues with the state that
// the SMMU has cached; the sanitizer names the missing command (docs/sanitizer.md).

import { CD_V } from '../../assembly/layout/cd';
import { DMA_STATUS_DONE } from '../../assembly/layout/dma-engine-registers';
import { STE_V } from '../../assembly/layout/ste';
import { processorQueue } from '../driver/get-cmdq';
import { issue } from '../driver/issue';
import { RESULT_OK } from '../driver/result';
import { unmapPages } from '../driver/stage1-table';
import { steOf } from '../driver/stream-table';
import { place } from '../runtime/guest-fields';
import { put } from '../runtime/text';
import { fillWords, SOURCE_IOVA, TARGET_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaCopy } from './dma-requests';
import { FORGET_CFGI_CD, FORGET_TLBI } from './experiments';
import { toy } from './toy-state';

const PROBE_BYTES: u32 = 256;
const FIRST_PATTERN: u32 = 0x33333333;
const SECOND_PATTERN: u32 = 0x44444444;

/** True when a DMA of the pattern arrives. */
function copies(pattern: u32): bool {
  const state = toy();
  fillWords(state.source, pattern, PROBE_BYTES);
  const status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, PROBE_BYTES);
  return status == DMA_STATUS_DONE && memory.compare(state.source, state.target, PROBE_BYTES) == 0;
}

/** Removes the device's access to its source in memory, without an invalidation. */
function change(): string {
  const state = toy();
  if (state.experiment == FORGET_TLBI) {
    unmapPages(state.table, SOURCE_IOVA, 1);
    return 'PTE cleared, no TLBI_NH_VA: DMA ';
  }
  if (state.experiment == FORGET_CFGI_CD) {
    atomic.store<u64>(state.cd, load<u64>(state.cd) & ~u64(place(CD_V, 1)));
    return 'CD.V cleared, no CFGI_CD: DMA ';
  }
  // Config 0: abort.
  atomic.store<u64>(steOf(state.sid), place(STE_V, 1));
  return 'STE.Config set to abort, no CFGI_STE: DMA ';
}

export function forgetStep(): void {
  const before = copies(FIRST_PATTERN);
  const changed = change();
  const result = issue(processorQueue(), 0, 0, true);
  const after = copies(SECOND_PATTERN);
  put(changed);
  put(after ? 'still arrives after a CMD_SYNC' : 'does not arrive');
  putResult(result);
  check('forgotten-invalidation', before && result == RESULT_OK && after);
}
