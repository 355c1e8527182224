// SPDX-License-Identifier: MIT
// The toy's state between steps. It is stored in guest memory, so that a saved guest
// includes it.

export const PATH_ALL = 0;
export const PATH_DIRECT = 1;
export const PATH_TRAPPED = 2;

export class Toy {
  /** Number of the next step, from 1; 0 before the arguments have been read. */
  step: u32 = 0;
  /** 1 when the arguments did not fit: the toy then has none. */
  argumentsLost: u32 = 0;
  /** PATH_*: the invalidation paths in use. */
  path: u32 = 0;
  /** Number of the host's machines, index of this one, rounds of the measurement. */
  machines: u32 = 0;
  machine: u32 = 0;
  rounds: u32 = 0;
  /**
   * Rounds of the measurement that are not counted; most queues that several vCPUs use.
   */
  warmUp: u32 = 0;
  queues: u32 = 0;
  /**
   * Resolution of the host's clock in ns, 0 when it does not matter (coarse-clock.ts).
   */
  clockNs: u32 = 0;
  /** 1 for ECMDQs in place of VCMDQs. */
  enhanced: u32 = 0;
  /** Checks made, checks failed. */
  checks: u32 = 0;
  failures: u32 = 0;
  /** 1 when later steps make no sense. */
  broken: u32 = 0;
  /**
   * gpa of the DMA engine and of the checkpoint device (0 without one), StreamID of the
   * engine.
   */
  dmaGpa: u32 = 0;
  checkpointGpa: u32 = 0;
  sid: u32 = 0;
  /**
   * The part of the toy that runs instead of all steps (experiments.ts); 1 for a live
   * run.
   */
  experiment: u32 = 0;
  goesOn: u32 = 0;
  /** Started operations of the user's program. */
  operations: u32 = 0;
  /** The one address space: level-0 table and CD (memory offsets). */
  table: usize = 0;
  cd: usize = 0;
  /** Buffers (memory offsets). */
  source: usize = 0;
  target: usize = 0;
  live: usize = 0;
  scratch: usize = 0;
}

const TOY: usize = memory.data(offsetof<Toy>(), 64);

export function toy(): Toy {
  return changetype<Toy>(TOY);
}

/** True when this run uses the VCMDQs or ECMDQs. */
export function usesDirect(): bool {
  return toy().path != PATH_TRAPPED;
}

/** True when this run uses the CMDQV. */
export function usesCmdqv(): bool {
  return usesDirect() && toy().enhanced == 0;
}

/** The name of the direct path's queues. */
export function directName(): string {
  return toy().enhanced != 0 ? 'ECMDQ' : 'VCMDQ';
}
