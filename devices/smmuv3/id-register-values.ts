// SPDX-License-Identifier: MIT
// Values of an SMMU's ID registers from a caller: a check of their names, and that each
// is a 32-bit word.

import {
  checkOptions,
  type OptionKind,
  type OptionKinds,
  objectOf,
  uint32,
} from '../plugin/option-kinds.ts';

/**
 * Values of the read-only identification registers, 32 bits each (IHI 0070 section 6.3.1
 * onwards).
 */
export interface SmmuIdRegisters {
  readonly idr0: number;
  readonly idr1: number;
  readonly idr2: number;
  readonly idr3: number;
  readonly idr4: number;
  readonly idr5: number;
  /** Number of ECMDQs, if IDR1 advertises them. Default 0. */
  readonly idr6?: number;
  /** Implementation; 0 keeps drivers from applying errata of a product. */
  readonly iidr: number;
  /** Architecture revision: 2 is SMMUv3.2. */
  readonly aidr: number;
}

const ID_KINDS: OptionKinds<SmmuIdRegisters> = {
  idr0: uint32,
  idr1: uint32,
  idr2: uint32,
  idr3: uint32,
  idr4: uint32,
  idr5: uint32,
  idr6: uint32,
  iidr: uint32,
  aidr: uint32,
};
const ID_NAMES = ['idr0', 'idr1', 'idr2', 'idr3', 'idr4', 'idr5', 'iidr', 'aidr'] as const;

/** An option that is the ID registers of an SMMU. */
export const idRegistersKind: OptionKind = objectOf<SmmuIdRegisters>(ID_KINDS, ID_NAMES);

/**
 * @param what their name in messages: "guestIdRegisters: host".
 * @throws {TypeError|RangeError} for the first register that is missing, or not a 32-bit
 *   value.
 */
export function checkIds(ids: SmmuIdRegisters, what: string): void {
  checkOptions(ids, ID_KINDS, what, ID_NAMES);
}
