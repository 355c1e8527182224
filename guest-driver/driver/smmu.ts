// What the driver knows about the one SMMU of the board. State lies in guest memory, so that a saved guest has it.

export class Smmu {
  /** gpa of the registers. */
  gpa: u32 = 0;
  /** Interrupt lines. */
  eventIrq: u32 = 0;
  gerrorIrq: u32 = 0;
  /** 1 once the probe has succeeded: no interrupt is served before. */
  probed: u32 = 0;
  idr0: u32 = 0;
  idr1: u32 = 0;
  idr3: u32 = 0;
  idr5: u32 = 0;
  /** CR0 as last written and acknowledged. */
  cr0: u32 = 0;
  /** log2 of the number of STEs, and memory offset of the first. */
  streamLog2: u32 = 0;
  streamTable: usize = 0;
  /** GERRORs that were neither active nor a queue's. */
  otherErrors: u32 = 0;
}

const SMMU: usize = memory.data(offsetof<Smmu>(), 64);

export function smmu(): Smmu {
  return changetype<Smmu>(SMMU);
}

/** Forgets everything. */
export function clearSmmu(): void {
  memory.fill(SMMU, 0, offsetof<Smmu>());
}
