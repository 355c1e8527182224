// SPDX-License-Identifier: MIT
// ID registers of an SMMUv3: the advertised features, and the check that the model
// implements them.

import { ECMDQS_PER_SMMU } from '../../assembly/layout/queue-memory.ts';
import {
  IDR0_ATOS,
  IDR0_ATS,
  IDR0_ATSRECERR,
  IDR0_DORMHINT,
  IDR0_HTTU,
  IDR0_HYP,
  IDR0_PRI,
  IDR0_RME_IMPL,
  IDR0_S1P,
  IDR0_S2P,
  IDR0_SEV,
  IDR0_ST_LEVEL,
  IDR0_STALL_MODEL,
  IDR0_TTENDIAN,
  IDR0_TTF,
  IDR0_VATOS,
  IDR0_VMW,
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
  IDR6_LOG2NUMP,
  IDR6_LOG2NUMQ,
  STALL_MODEL_FORCED,
  STALL_MODEL_TERMINATE,
  TTENDIAN_LITTLE,
  TTENDIAN_MIXED,
} from '../../assembly/layout/smmu-registers.ts';
import { MAX_STALLS } from '../../assembly/layout/stall-memory.ts';

import { bitsOf, type Field, maskInWord, withBits } from '../plugin/index.ts';
import { choiceOf } from '../plugin/option-kinds.ts';
import { checkIds, type SmmuIdRegisters } from './id-register-values.ts';

export type { SmmuIdRegisters };

const COMMON = { idr2: 0, idr4: 0, iidr: 0, aidr: 2 } as const;

/**
 * The SMMU of a guest: stage 1, AArch64, coherent, hardware update of access flag and
 * dirty state, ATS, 16-bit ASIDs, MSIs, 2-level CD and stream tables, little-endian,
 * stalls (1,024 at once); 256 commands and 256 events, 20-bit SubstreamIDs, 16-bit
 * StreamIDs; HAD and range invalidation; 48 bits and every granule.
 */
export const GUEST_ID_REGISTERS: SmmuIdRegisters = {
  ...COMMON,
  idr0: 0x0c483c9a,
  idr1: 0x01080510,
  idr3: 0x404,
  idr5: 0x04000075,
};

/** The same with ECMDQs, as many as the model supports: an SMMUv3.3. */
export const ENHANCED_GUEST_ID_REGISTERS: SmmuIdRegisters = {
  ...GUEST_ID_REGISTERS,
  idr1: (GUEST_ID_REGISTERS.idr1 | maskInWord(IDR1_ECMDQ)) >>> 0,
  idr6: withBits(0, IDR6_LOG2NUMQ, Math.log2(ECMDQS_PER_SMMU)),
  aidr: 3,
};

/**
 * The guest's with PRI, 256 page requests: for guests that respond to them. Linux refuses
 * each.
 */
export const PAGE_REQUEST_GUEST_ID_REGISTERS: SmmuIdRegisters = {
  ...GUEST_ID_REGISTERS,
  idr0: GUEST_ID_REGISTERS.idr0 | maskInWord(IDR0_PRI),
  idr1: withBits(GUEST_ID_REGISTERS.idr1, IDR1_PRIQS, 8),
};

/**
 * The SMMU of a host: like the guest's, with PRI, stage 2, 16-bit VMIDs, S2FWB; 1024
 * commands, 1024 events and 1024 page requests.
 */
export const PHYSICAL_ID_REGISTERS: SmmuIdRegisters = {
  ...COMMON,
  idr0: 0x0c4d3c9b,
  idr1: 0x014a5510,
  idr3: 0x504,
  idr5: 0x04000075,
};

/**
 * The SMMU of NVIDIA Grace, from its driver's boot log: both stages, EL2 and EL2-E2H,
 * tables of either endianness, ATS, PRI, stalls (128 at once), no HTTU, no range
 * invalidation; queues of 524,288 entries, 20-bit SubstreamIDs, 32-bit StreamIDs; XNX and
 * FWB; 48 bits and every granule. Use `guestIdRegisters` for a guest's. SIDSIZE,
 * STALL_MAX, 16 KiB granules and FWB are assumed.
 */
export const GRACE_ID_REGISTERS: SmmuIdRegisters = {
  idr0: 0x080d361b,
  idr1: 0x0a739d20,
  idr2: 0,
  idr3: 0x110,
  idr4: 0,
  idr5: 0x00800075,
  iidr: 0,
  aidr: 1,
};

/**
 * The same SMMU without stalls: faults terminate their transactions (IDR0.STALL_MODEL 1),
 * and RESUME and STALL_TERM are illegal.
 */
export function withoutStalls(ids: SmmuIdRegisters): SmmuIdRegisters {
  checkIds(ids, 'withoutStalls: ids');
  return {
    ...ids,
    idr0: withBits(ids.idr0, IDR0_STALL_MODEL, STALL_MODEL_TERMINATE),
    idr5: withBits(ids.idr5, IDR5_STALL_MAX, 0),
  };
}

/** Largest LOG2SIZE of a queue: 19 index bits and a wrap bit. */
export const MAX_QUEUE_LOG2SIZE = 19;
const MAX_SSID_BITS = 20;
const MAX_SID_BITS = 32;
/** IDR5.OAS of 52 bits, which require 64 KiB granules. */
const OAS_52 = 6;
/** IDR5.D128 (128-bit descriptors). */
const IDR5_ABSENT = 0x100;
/** IDR0.HTTU for access flag and dirty state, but not for table descriptors. */
const MAX_HTTU = 2;
/** Features of IDR3 that the model implements. */
const IDR3_MODELLED = [IDR3_HAD, IDR3_XNX, IDR3_FWB, IDR3_RIL].reduce(
  (word, field) => word | maskInWord(field),
  0,
);

/**
 * IDR1: TABLES_PRESET, QUEUES_PRESET and REL, which change the place of tables and
 * queues.
 */
const IDR1_PRESETS = 0x70000000;

/** Features of IDR0 that the model lacks: software would rely on them. */
const ABSENT: readonly (readonly [Field, string])[] = [
  [IDR0_DORMHINT, 'DORMHINT'],
  [IDR0_SEV, 'SEV'],
  [IDR0_ATOS, 'ATOS'],
  [IDR0_VMW, 'VMW'],
  [IDR0_VATOS, 'VATOS'],
  [IDR0_RME_IMPL, 'RME_IMPL'],
];

/** Features of IDR0 that extend ATS. */
const ON_ATS: readonly (readonly [Field, string])[] = [
  [IDR0_PRI, 'PRI'],
  [IDR0_ATSRECERR, 'ATSRECERR'],
];

function* stallFaults(model: number, most: number): Generator<string> {
  if (model > STALL_MODEL_FORCED) yield 'IDR0.STALL_MODEL is above 2';
  if (most > MAX_STALLS) yield `IDR5.STALL_MAX is above ${MAX_STALLS}`;
  if (model !== STALL_MODEL_TERMINATE && most === 0)
    yield 'IDR5.STALL_MAX is 0 although IDR0.STALL_MODEL has stalls';
}

function* faults(ids: SmmuIdRegisters): Generator<string> {
  const { idr0, idr1, idr3, idr5 } = ids;
  for (const [field, name] of ABSENT) if (bitsOf(idr0, field)) yield `IDR0.${name} is not modelled`;
  if (bitsOf(idr0, IDR0_HTTU) > MAX_HTTU) yield `IDR0.HTTU is above ${MAX_HTTU}`;
  if (bitsOf(idr0, IDR0_ST_LEVEL) > 1) yield 'IDR0.ST_LEVEL is neither 0 nor 1';
  if (idr3 & ~IDR3_MODELLED) yield 'IDR3 has a feature other than HAD, XNX, FWB and RIL';
  if (!(idr0 & (maskInWord(IDR0_S1P) | maskInWord(IDR0_S2P)))) yield 'IDR0 has neither S1P nor S2P';
  if (bitsOf(idr0, IDR0_TTF) !== 2) yield 'IDR0.TTF is not 2 (AArch64)';
  const endian = bitsOf(idr0, IDR0_TTENDIAN);
  if (endian !== TTENDIAN_MIXED && endian !== TTENDIAN_LITTLE)
    yield 'IDR0.TTENDIAN is neither 0 (mixed) nor 2 (little-endian)';
  yield* stallFaults(bitsOf(idr0, IDR0_STALL_MODEL), bitsOf(idr5, IDR5_STALL_MAX));
  if (enhancedQueueCount(ids) > ECMDQS_PER_SMMU)
    yield `IDR6 has more than ${ECMDQS_PER_SMMU} queues`;
  if (bitsOf(ids.idr6 ?? 0, IDR6_LOG2NUMP)) yield 'IDR6 has more than one control page';
  if (idr1 & IDR1_PRESETS) yield 'IDR1 presets of tables and queues are not modelled';
  for (const [field, name] of ON_ATS)
    if (bitsOf(idr0, field) && !bitsOf(idr0, IDR0_ATS)) yield `IDR0.${name} takes ATS`;
  if (bitsOf(idr1, IDR1_PRIQS) && !bitsOf(idr0, IDR0_PRI))
    yield 'IDR1.PRIQS is not 0 although there is no PRI queue';
  if (bitsOf(idr1, IDR1_PRIQS) > MAX_QUEUE_LOG2SIZE)
    yield `IDR1.PRIQS is above ${MAX_QUEUE_LOG2SIZE}`;
  if (bitsOf(idr1, IDR1_CMDQS) > MAX_QUEUE_LOG2SIZE)
    yield `IDR1.CMDQS is above ${MAX_QUEUE_LOG2SIZE}`;
  if (bitsOf(idr1, IDR1_EVENTQS) > MAX_QUEUE_LOG2SIZE)
    yield `IDR1.EVENTQS is above ${MAX_QUEUE_LOG2SIZE}`;
  if (bitsOf(idr1, IDR1_SSIDSIZE) > MAX_SSID_BITS) yield `IDR1.SSIDSIZE is above ${MAX_SSID_BITS}`;
  if (bitsOf(idr1, IDR1_SIDSIZE) > MAX_SID_BITS) yield `IDR1.SIDSIZE is above ${MAX_SID_BITS}`;
  if (bitsOf(idr5, IDR5_OAS) > OAS_52) yield 'IDR5.OAS is above 52 bits';
  if (bitsOf(idr5, IDR5_VAX) > 1) yield 'IDR5.VAX is above 52 bits';
  if (idr5 & IDR5_ABSENT) yield 'IDR5.D128 is not modelled';
  const wide = bitsOf(idr5, IDR5_DS);
  if (wide && !bitsOf(idr5, IDR5_VAX)) yield 'IDR5.DS requires VAX';
  if (wide && !bitsOf(idr5, IDR5_GRAN4K) && !bitsOf(idr5, IDR5_GRAN16K))
    yield 'IDR5.DS requires granules of 4 or 16 KiB';
  if (
    (bitsOf(idr5, IDR5_OAS) === OAS_52 || bitsOf(idr5, IDR5_VAX)) &&
    !bitsOf(idr5, IDR5_GRAN64K) &&
    !wide
  ) {
    yield 'IDR5 has 52 bits without 64 KiB granules or DS';
  }
  if (![IDR5_GRAN4K, IDR5_GRAN16K, IDR5_GRAN64K].some((granule) => bitsOf(idr5, granule)))
    yield 'IDR5 has no granule';
}

/** Number of ECMDQs of an SMMU with these ID registers. */
export function enhancedQueueCount(ids: SmmuIdRegisters): number {
  checkIds(ids, 'enhancedQueueCount: ids');
  const { idr1, idr6 = 0 } = ids;
  return bitsOf(idr1, IDR1_ECMDQ) ? 2 ** bitsOf(idr6, IDR6_LOG2NUMQ) : 0;
}

/**
 * Checks ID registers against the features of the model.
 * @param role a guest's SMMU has stage 1 only: its stage 2 belongs to the host.
 * @throws {TypeError} when a register is missing, or not a number.
 * @throws {RangeError} that names the first field that is wrong.
 */
export function checkIdRegisters(ids: SmmuIdRegisters, role: 'guest' | 'physical'): void {
  checkIds(ids, 'checkIdRegisters: ids');
  choiceOf('guest', 'physical')(role, 'checkIdRegisters', 'role');
  for (const fault of faults(ids)) throw new RangeError(fault);
  if (role === 'guest' && (bitsOf(ids.idr0, IDR0_S2P) || !bitsOf(ids.idr0, IDR0_S1P))) {
    throw new RangeError("a guest's SMMU has stage 1 and no stage 2");
  }
  if (role === 'guest' && bitsOf(ids.idr0, IDR0_HYP))
    throw new RangeError("a guest's SMMU has no EL2: its streams are those of a VM");
  if (role === 'guest' && bitsOf(ids.idr0, IDR0_ATSRECERR))
    throw new RangeError("a guest's SMMU does not choose what is recorded of ATS (IDR0.ATSRECERR)");
  if (role === 'guest' && bitsOf(ids.idr0, IDR0_STALL_MODEL) === STALL_MODEL_FORCED) {
    throw new RangeError("a guest's SMMU does not force stalls: the host's decides");
  }
}
