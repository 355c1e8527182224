// SPDX-License-Identifier: MIT
// ID registers for drivers: the models' own, the minimum for Linux, and Grace's.

import {
  GRACE_ID_REGISTERS,
  GUEST_ID_REGISTERS,
  guestIdRegisters,
  PHYSICAL_ID_REGISTERS,
  type SmmuIdRegisters,
} from '../../../devices/smmuv3/index.ts';

export interface IdRegisterSet {
  readonly name: string;
  /** For a host's kernel. */
  readonly host: SmmuIdRegisters;
  /** For a guest's kernel, and for the SMMU below it. */
  readonly guest: SmmuIdRegisters;
  readonly below: SmmuIdRegisters;
}

const ZERO = { idr2: 0, idr4: 0, iidr: 0 } as const;

/**
 * 4 KiB granules, 40 bits, 8 bits of StreamIDs, ASIDs and VMIDs, 128 commands and events;
 * no stalls, MSIs, ATS, range invalidation, substreams or two-level tables. The host's
 * has stage 2.
 */
const REDUCED_GUEST: SmmuIdRegisters = {
  ...ZERO,
  idr0: 0x0540_001a,
  idr1: 0x00e7_0008,
  idr3: 0,
  idr5: 0x0000_0012,
  aidr: 1,
};

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
    below: REDUCED_HOST,
  },
  {
    name: 'Grace',
    host: GRACE_ID_REGISTERS,
    guest: guestIdRegisters(GRACE_ID_REGISTERS),
    below: GRACE_ID_REGISTERS,
  },
];
