// SPDX-License-Identifier: MIT
// A piece of work for one vCPU: batches of invalidations, timed. The primary vCPU fills
// in the block in guest memory, and the vCPU that does the work writes the results. There
// is no static data here, because the programs of all vCPUs use these layouts.

/** State that the vCPUs of one measurement share. */
export class WorkShare {
  /** Number of vCPUs that are ready, of `vcpus`: they begin together. */
  ready: u32 = 0;
  vcpus: u32 = 0;
}

/** State that the users of a queue share. */
export class QueueLock {
  /** 1 while a vCPU writes commands to the queue. */
  taken: u32 = 0;
  /** Entries that have been sent under the lock so far; wraps. */
  sent: u32 = 0;
}

export class WorkBlock {
  /**
   * Memory offset of the queue (driver/ring.ts), of its QueueLock, and of the WorkShare.
   */
  queue: usize = 0;
  lock: usize = 0;
  share: usize = 0;
  /** The pages to invalidate: consecutive pages of an ASID from this iova. */
  asid: u32 = 0;
  iova: u64 = 0;
  /**
   * Memory offset of the level 3 table of these pages. A batch maps them with this page
   * descriptor, and unmaps them before it invalidates them; 0: it does not change tables.
   */
  leaves: usize = 0;
  descriptor: u64 = 0;
  /** Commands of a batch, batches of a sample, samples. */
  commands: u32 = 0;
  batches: u32 = 0;
  samples: u32 = 0;
  /** Memory offset of the results: f64 each, nanoseconds per batch. */
  results: usize = 0;
  /**
   * Batches that did not complete in time; exits and doorbell calls during the batches.
   */
  failures: u32 = 0;
  exits: u32 = 0;
  doorbells: u32 = 0;
  /** 1 when all work is done. */
  done: u32 = 0;
}
