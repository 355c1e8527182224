// SPDX-License-Identifier: MIT
// A guest's ID registers compared with its host's. The physical SMMU reads the guest's
// CDs and translation tables and executes its VCMDQs, so it has to support the features
// that the guest is shown for them. Features that the guest's own SMMU implements (stream
// table, event queue, MSIs, ECMDQs) are independent of the host.

import { ECMDQS_PER_SMMU } from '../../assembly/layout/queue-memory.ts';
import {
  IDR0_ASID16,
  IDR0_ATS,
  IDR0_ATSRECERR,
  IDR0_BTM,
  IDR0_CD2L,
  IDR0_COHACC,
  IDR0_HTTU,
  IDR0_HYP,
  IDR0_PRI,
  IDR0_S1P,
  IDR0_S2P,
  IDR0_STALL_MODEL,
  IDR0_TERM_MODEL,
  IDR0_TTENDIAN,
  IDR0_VMID16,
  IDR1_CMDQS,
  IDR1_ECMDQ,
  IDR1_EVENTQS,
  IDR1_PRIQS,
  IDR1_SIDSIZE,
  IDR1_SSIDSIZE,
  IDR3_FWB,
  IDR3_HAD,
  IDR3_RIL,
  IDR3_XNX,
  IDR5_DS,
  IDR5_GRAN4K,
  IDR5_GRAN16K,
  IDR5_GRAN64K,
  IDR5_OAS,
  IDR5_STALL_MAX,
  IDR5_VAX,
  IDR6_LOG2NUMQ,
  STALL_MODEL_TERMINATE,
  TTENDIAN_MIXED,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, type Field, withBits } from '../plugin/index.ts';
import { checkOptions, flag, type OptionKinds } from '../plugin/option-kinds.ts';
import { checkIds, type SmmuIdRegisters } from './id-register-values.ts';

type IdRegister = 'idr0' | 'idr1' | 'idr3' | 'idr5';

/** Fields whose value for a guest is limited by the host's value. */
const LIMITED: readonly (readonly [IdRegister, string, Field])[] = [
  ['idr0', 'COHACC', IDR0_COHACC],
  ['idr0', 'BTM', IDR0_BTM],
  ['idr0', 'HTTU', IDR0_HTTU],
  ['idr0', 'ATS', IDR0_ATS],
  ['idr0', 'ASID16', IDR0_ASID16],
  ['idr0', 'PRI', IDR0_PRI],
  ['idr0', 'CD2L', IDR0_CD2L],
  ['idr1', 'SSIDSIZE', IDR1_SSIDSIZE],
  ['idr1', 'CMDQS', IDR1_CMDQS],
  ['idr1', 'EVENTQS', IDR1_EVENTQS],
  ['idr1', 'PRIQS', IDR1_PRIQS],
  ['idr3', 'HAD', IDR3_HAD],
  ['idr3', 'RIL', IDR3_RIL],
  ['idr5', 'OAS', IDR5_OAS],
  ['idr5', 'GRAN4K', IDR5_GRAN4K],
  ['idr5', 'GRAN16K', IDR5_GRAN16K],
  ['idr5', 'GRAN64K', IDR5_GRAN64K],
  ['idr5', 'DS', IDR5_DS],
  ['idr5', 'VAX', IDR5_VAX],
  ['idr5', 'STALL_MAX', IDR5_STALL_MAX],
];

/**
 * A guest's CMDQ and event queue: 256 entries, so that the CMDQ is one page of the
 * smallest granule and contiguous in host memory.
 */
const GUEST_QUEUE_LOG2SIZE = 8;
/** AIDR of SMMUv3.3, which has ECMDQs. */
const ECMDQ_AIDR = 3;
/** 65,536 StreamIDs: as many as a PCIe segment has RequesterIDs. */
const GUEST_SID_BITS = 16;

function* excesses(guest: SmmuIdRegisters, host: SmmuIdRegisters): Generator<string> {
  const shown = (register: IdRegister, name: string, field: Field) =>
    `${register.toUpperCase()}.${name} is ${bitsOf(guest[register], field)}, its host's ${bitsOf(host[register], field)}`;
  if (!bitsOf(host.idr0, IDR0_S1P)) yield shown('idr0', 'S1P', IDR0_S1P);
  for (const [register, name, field] of LIMITED) {
    if (bitsOf(guest[register], field) > bitsOf(host[register], field))
      yield shown(register, name, field);
  }
  // A guest without stalls is possible on a host that has them, by S1STALLD in its
  // streams. In the opposite case nothing would stall.
  const stalls = [guest, host].map(({ idr0 }) => bitsOf(idr0, IDR0_STALL_MODEL));
  if (stalls[0] !== stalls[1] && stalls[0] !== STALL_MODEL_TERMINATE)
    yield shown('idr0', 'STALL_MODEL', IDR0_STALL_MODEL);
  // TERM_MODEL = 1 makes CD.A = 0 illegal.
  if (bitsOf(guest.idr0, IDR0_TERM_MODEL) < bitsOf(host.idr0, IDR0_TERM_MODEL))
    yield shown('idr0', 'TERM_MODEL', IDR0_TERM_MODEL);
  const endian = bitsOf(host.idr0, IDR0_TTENDIAN);
  if (endian !== TTENDIAN_MIXED && endian !== bitsOf(guest.idr0, IDR0_TTENDIAN))
    yield shown('idr0', 'TTENDIAN', IDR0_TTENDIAN);
}

/**
 * Checks a guest's ID registers against those of the physical SMMU.
 * @throws {RangeError} that names the first field in which the guest is shown more than
 *   its host supports, with both values.
 */
export function checkGuestIdRegisters(guest: SmmuIdRegisters, host: SmmuIdRegisters): void {
  checkIds(guest, 'checkGuestIdRegisters: guest');
  checkIds(host, 'checkGuestIdRegisters: host');
  for (const excess of excesses(guest, host))
    throw new RangeError(`the ID registers of a guest do not fit its host: ${excess}`);
}

/** Features that `guestIdRegisters` keeps only on request. */
export interface GuestFeatures {
  /**
   * PRI, if the host has it: for guests that respond to page requests. Linux refuses
   * each. Default false.
   */
  readonly pageRequests?: boolean;
  /** ECMDQs, as many as the model has; the host need not have any. Default false. */
  readonly enhancedQueues?: boolean;
}

const FEATURES: OptionKinds<GuestFeatures> = {
  pageRequests: flag,
  enhancedQueues: flag,
};

/**
 * ID registers for a guest of a host: the host's without stage 2 (S2P, VMID16, FWB, XNX),
 * HYP, BTM, PRI, ATSRECERR and ECMDQs, with queues of at most 256 entries and 16-bit
 * StreamIDs. BTM is kept when the guest's vCPUs share their VMID with the SMMU
 * (`ViommuBackend.btm`).
 */
export function guestIdRegisters(
  host: SmmuIdRegisters,
  features: GuestFeatures = {},
): SmmuIdRegisters {
  checkIds(host, 'guestIdRegisters: host');
  checkOptions(features, FEATURES, 'guestIdRegisters: features');
  const { pageRequests = false, enhancedQueues = false } = features;
  const cleared = (word: number, ...fields: readonly Field[]) =>
    fields.reduce((left, field) => withBits(left, field, 0), word);
  const queueLog2 = (field: Field) => Math.min(bitsOf(host.idr1, field), GUEST_QUEUE_LOG2SIZE);
  const idr0 = cleared(
    host.idr0,
    IDR0_S2P,
    IDR0_VMID16,
    IDR0_HYP,
    IDR0_BTM,
    IDR0_ATSRECERR,
    ...(pageRequests ? [] : [IDR0_PRI]),
  );
  let { idr1 } = host;
  for (const queue of [IDR1_CMDQS, IDR1_EVENTQS]) idr1 = withBits(idr1, queue, queueLog2(queue));
  idr1 = withBits(idr1, IDR1_PRIQS, pageRequests ? queueLog2(IDR1_PRIQS) : 0);
  idr1 = withBits(idr1, IDR1_SIDSIZE, GUEST_SID_BITS);
  idr1 = withBits(idr1, IDR1_ECMDQ, enhancedQueues ? 1 : 0);
  const { idr2, idr4, idr5, iidr, aidr } = host;
  return {
    idr0,
    idr1,
    idr2,
    idr3: cleared(host.idr3, IDR3_FWB, IDR3_XNX),
    idr4,
    idr5,
    iidr,
    aidr: enhancedQueues ? Math.max(aidr, ECMDQ_AIDR) : aidr,
    ...(enhancedQueues ? { idr6: withBits(0, IDR6_LOG2NUMQ, Math.log2(ECMDQS_PER_SMMU)) } : {}),
  };
}
