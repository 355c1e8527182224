// SPDX-License-Identifier: MIT
// What the toy remembers from step to step, in guest memory so that a saved guest has it.

export const PATH_ALL = 0;
export const PATH_DIRECT = 1;
export const PATH_TRAPPED = 2;

export class Toy {
  /** Number of the next step, from 1; 0 before the arguments have been read. */
  step: u32 = 0;
  /** 1 when there were more arguments than the toy takes: there are none then. */
  argumentsLost: u32 = 0;
  /** PATH_*: which ways of invalidating are used. */
  path: u32 = 0;
  /** Machines of the host, this one's index, rounds of the measurement. */
  machines: u32 = 0;
  machine: u32 = 0;
  rounds: u32 = 0;
  /** Rounds of the measurement that are not counted; queues that several vCPUs use at most. */
  warmUp: u32 = 0;
  queues: u32 = 0;
  /** What the host's clock resolves in ns, 0 when it does not matter (coarse-clock.ts). */
  clockNs: u32 = 0;
  /** 1 for ECMDQs in place of VCMDQs. */
  enhanced: u32 = 0;
  /** Checks made, checks failed. */
  checks: u32 = 0;
  failures: u32 = 0;
  /** 1 when later steps make no sense any more. */
  broken: u32 = 0;
  /** gpa of the DMA engine and of the checkpoint device (0 without one), StreamID of the engine. */
  dmaGpa: u32 = 0;
  checkpointGpa: u32 = 0;
  sid: u32 = 0;
  /** What of the toy is run instead of all steps (experiments.ts); 1 for a live run. */
  experiment: u32 = 0;
  goesOn: u32 = 0;
  /** Operations of the user's own program that have been taken. */
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

/** What the queues of the direct path are called. */
export function directName(): string {
  return toy().enhanced != 0 ? 'ECMDQ' : 'VCMDQ';
}
