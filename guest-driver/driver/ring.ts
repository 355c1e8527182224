// SPDX-License-Identifier: MIT
// The producer's view of a command queue: the SMMU's own CMDQ, a VCMDQ, or an ECMDQ.
// Indexes have their wrap bit above the index bits (IHI 0070 section 3.5.1): empty when
// PROD and CONS agree in both, full when only the wrap bits differ. There is no static
// data here, because the programs of all vCPUs use this file.

import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';

export class Queue {
  /** Memory offset of the ring. */
  ring: usize = 0;
  /** Number of entries of the ring as log2. */
  log2size: u32 = 0;
  /** Next entry to fill. */
  prod: u32 = 0;
  /** Next entry that the device will consume, as last read. */
  cons: u32 = 0;
  /** 1 when commands may be sent. */
  enabled: u32 = 0;
  /** gpa of PROD. */
  prodGpa: u32 = 0;
  /** gpa of CONS. */
  consGpa: u32 = 0;
  /** Bits of PROD apart from the index: EN and ERRACK of an ECMDQ. */
  flags: u32 = 0;
  /** CMD_SYNC.CS that this queue requests (SYNC_CS_*). */
  signal: u32 = 0;
  /** Number of errors that the device has reported. */
  errors: u32 = 0;
  /** Code (CERROR_*) of the last error. */
  lastError: u32 = 0;
  /** Opcode of the command that caused the last error. */
  lastErrorOpcode: u32 = 0;
}

/** Number of entries of the ring. */
export function queueSize(queue: Queue): u32 {
  return 1 << queue.log2size;
}

/**
 * Index and wrap bit of an index register, without the register's other fields
 * (CONS.ERR).
 */
export function indexOf(queue: Queue, register: u32): u32 {
  return register & ((2 << queue.log2size) - 1);
}

/** Free entries according to the CONS last read. */
export function freeEntries(queue: Queue): i32 {
  return queueSize(queue) - indexOf(queue, queue.prod - queue.cons);
}

/** Memory offset of the entry at an index. */
export function entryAt(queue: Queue, index: u32): usize {
  return queue.ring + (index & (queueSize(queue) - 1)) * CMDQ_ENTRY_SIZE;
}
