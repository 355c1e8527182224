// What the driver knows about the ECMDQs of the SMMU, which it can use in place of VCMDQs.

export class Ecmdqs {
  /** gpa of the control page, and bytes from one queue's registers to the next's. */
  gpa: u32 = 0;
  stride: u32 = 0;
  /** Queues that the SMMU has and the driver uses, and 1 once all of them are enabled. */
  count: u32 = 0;
  enabled: u32 = 0;
}

const ECMDQS: usize = memory.data(offsetof<Ecmdqs>(), 64);

export function ecmdqs(): Ecmdqs {
  return changetype<Ecmdqs>(ECMDQS);
}

/** Forgets everything. */
export function clearEcmdqs(): void {
  memory.fill(ECMDQS, 0, offsetof<Ecmdqs>());
}
