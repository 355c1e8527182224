// The ID registers that drivers meet: the models' own, the least that Linux takes, and Grace's.

import {
  GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
} from '../../../devices/smmuv3/index.ts';

export interface IdRegisterSet {
  readonly name: string;
  /** What a host's kernel works. */
  readonly host: SmmuIdRegisters;
  /** What a guest is shown, and the SMMU below it. */
  readonly guest: SmmuIdRegisters;
  readonly below: SmmuIdRegisters;
}

const ZERO = { idr2: 0, idr4: 0, iidr: 0 } as const;

/**
 * 4 KiB granules, 40 bits, 8 bits of StreamIDs, ASIDs and VMIDs, 128 commands and events; no stalls, MSIs, ATS, range invalidation,
 * substreams or two-level tables. The host's has stage 2.
 */
const REDUCED_GUEST: SmmuIdRegisters = {
  ...ZERO,
  idr0: 0x0540_001a,
  idr1: 0x00e7_0008,
  idr3: 0,
  idr5: 0x0000_0012,
  aidr: 1,
};

/**
 * Grace's, as far as its boot log and the devices of its kind tell: no range invalidation, 2^19 entries for every queue. Of what the log shows HYP, XNX
 * and tables of both endiannesses (TTENDIAN 0) are left out: the model refuses them.
 */
const GRACE_HOST: SmmuIdRegisters = {
  ...ZERO,
  idr0: 0x084d_3c1b,
  idr1: 0x0a73_9d20,
  idr3: 0x0000_0100,
  idr5: 0x0080_0075,
  aidr: 1,
};
/** The same less S2P, VMID16, PRI, with SIDSIZE 16, and its queues no larger than those of the SMMU below. */
const GRACE_GUEST: SmmuIdRegisters = {
  ...GRACE_HOST,
  idr0: 0x0848_3c1a,
  idr1: 0x094a_0510,
};

/** A host's with 1,024 entries for each queue, and StreamIDs of 16 bits: the host in these tests has the RAM for no more. */
function small(ids: SmmuIdRegisters): SmmuIdRegisters {
  return {
    ...ids,
    idr1: (ids.idr1 & 0x0c00_07c0) | 0x014a_0010 | (ids.idr0 & 0x1_0000 ? 0x5000 : 0),
  };
}

const REDUCED_HOST = { ...REDUCED_GUEST, idr0: REDUCED_GUEST.idr0 | 1 };

export const ID_REGISTER_SETS: readonly IdRegisterSet[] = [
  {
    name: 'default',
    host: PHYSICAL_ID_REGISTERS,
    guest: GUEST_ID_REGISTERS,
    below: PHYSICAL_ID_REGISTERS,
  },
  {
    name: 'reduced',
    host: REDUCED_HOST,
    guest: REDUCED_GUEST,
    below: small({ ...REDUCED_HOST, idr5: 0x15 }),
  },
  { name: 'Grace', host: GRACE_HOST, guest: GRACE_GUEST, below: small(GRACE_HOST) },
];
