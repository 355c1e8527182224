// SPDX-License-Identifier: MIT
// The command at which a guest's queue has stopped, for an explanation of the error.

import { CERROR_ILL } from '../../assembly/layout/commands.ts';
import { STAT_ILL_SID } from '../../assembly/layout/smmu-memory.ts';
import type { RefusedCommand } from '../../devices/smmuv3/index.ts';
import type { QueueBlock } from '../../devices/unit/index.ts';
import type { Emulation } from './emulation.ts';

/**
 * @param name "CMDQ", "ECMDQ", "VCMDQ 0".
 * @returns undefined when the queue's error is not an illegal command.
 */
export function refusedCommand(
  name: string,
  queue: QueueBlock,
  emulation: Emulation,
): RefusedCommand | undefined {
  const words = queue.error === CERROR_ILL ? emulation.commandOf(queue) : undefined;
  if (!words) return undefined;
  return { queue: name, words, stream: queue.reason === STAT_ILL_SID };
}
