// SPDX-License-Identifier: MIT
// Recovery of a queue that stopped at a command (Linux's protocol, the same for the CMDQ
// and a VCMDQ).

import {
  CERROR_ABT,
  CERROR_ATC_INV_SYNC,
  CERROR_NONE,
  CMD_OP,
} from '../../assembly/layout/commands';
import { CMDQ_CONS_ERR } from '../../assembly/layout/smmu-registers';
import { bitsOf, loadField } from '../runtime/guest-fields';
import { read32 } from '../runtime/mmio';
import { buildSync } from './build-commands';
import { entryAt, Queue } from './driver-queues';

/**
 * Prepares a stopped queue to continue at CONS: overwrites a command that cannot be
 * carried out with a CMD_SYNC; after a fetch abort or an ATC timeout the same entry is
 * retried. The caller then acknowledges the error (GERRORN), after which the device
 * fetches again. CONS.ERR has the same place in CMDQ_CONS and in a VCMDQ's CONS.
 */
export function skipError(queue: Queue): void {
  const cons = read32(queue.consGpa);
  const code = bitsOf(cons, CMDQ_CONS_ERR);
  if (code == CERROR_NONE) return;
  queue.errors++;
  queue.lastError = code;
  const entry = entryAt(queue, cons);
  queue.lastErrorOpcode = loadField(entry, CMD_OP);
  if (code != CERROR_ABT && code != CERROR_ATC_INV_SYNC) buildSync(entry, queue.signal);
}
