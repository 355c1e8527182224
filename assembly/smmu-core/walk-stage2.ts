// SPDX-License-Identifier: MIT
// The stage-2 half of a table walk: VMSAv8-64, any granule (IHI 0070 section 3.4, DDI
// 0487 section D8). A walk leaves its result in a set of the thread's scratch words, or a
// fault in THREAD_EVENT. A walk prepares the update of access flag and dirty state
// (HTTU), and the commit executes it once all permissions have been checked. The update
// for a stage-1 table that itself goes through stage 2 is committed immediately.
//
// There are two sets, because the update of a stage-1 descriptor needs stage 2 for the
// descriptor's address while the access's own output waits for its commit.

import { THREAD } from '../imports/unit';
import { ACCESS_LOOK } from '../layout/access';
import {
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_S2SL0_2,
  CFG_DS_STAGE2,
  CFG_S2TTB,
  CFG_STE5,
} from '../layout/config-cache-memory';
import {
  PTE_AF,
  PTE_DBM,
  PTE_PXN,
  PTE_S2AP_R,
  PTE_S2AP_W,
  PTE_TYPE,
  PTE_TYPE_TABLE,
  PTE_VALID,
  PTE_XN,
} from '../layout/descriptors';
import { EVT_CLASS_IN, F_ACCESS, F_ADDR_SIZE, F_TRANSLATION, F_WALK_EABT } from '../layout/events';
import {
  TLB_PERM_PX,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_UX,
  TLB_PERM_W,
} from '../layout/iotlb-memory';
import { SMMU_AT_IDR3 } from '../layout/smmu-memory';
import { IDR3_XNX } from '../layout/smmu-registers';
import {
  STE_CONFIG_NESTED,
  STE_S2AFFD,
  STE_S2ENDI,
  STE_S2HA,
  STE_S2HD,
  STE_S2PS,
  STE_S2SL0,
  STE_S2T0SZ,
  STE_S2TG,
} from '../layout/ste';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_WALK_STAGE2,
  THREAD_WALK_TABLE,
} from '../layout/thread-memory';
import { bits, maskOf } from '../lib/fields';
import { stage2Fault, tableFault, walkFault } from './faults';
import {
  addressOf,
  blockAllowed,
  effectiveBits,
  granuleOfTg0,
  levelShift,
  stage2StartLevel,
  tableBase,
} from './geometry';
import { casAt, inOrder, loadAt, locate, NOWHERE } from './physical-memory';

// A set: output address, log2 of the leaf size, TLB_PERM_* bits; whether the leaf is
// writable but clean (DBM), in which case an entry cached for reads must not permit
// writes; and the leaf's descriptor: its location, the value read, and the value to
// write, which are equal when there is no update.
const OUT: usize = 0x00;
const SIZE: usize = 0x08;
const PERM: usize = 0x0c;
const CLEAN: usize = 0x10;
const PLACE: usize = 0x18;
const OLD: usize = 0x20;
const NEW: usize = 0x28;

/** The set of the access's own output. */
export const S2_SET: usize = THREAD_WALK_STAGE2;
export const S2_OUT: usize = S2_SET + OUT;
export const S2_SIZE: usize = S2_SET + SIZE;
export const S2_PERM: usize = S2_SET + PERM;
export const S2_CLEAN: usize = S2_SET + CLEAN;
export const S2_PLACE: usize = S2_SET + PLACE;
export const S2_NEW: usize = S2_SET + NEW;

/** The set of the address of a stage-1 table or of a CD. */
const TABLE_SET: usize = THREAD_WALK_TABLE;

/**
 * Tries for one table address whose descriptor update keeps losing against other writers.
 */
const UPDATE_TRIES = 4;

/** The permissions that a disabled stage grants. */
export const ALL_PERMISSIONS: u32 =
  TLB_PERM_R | TLB_PERM_W | TLB_PERM_UNPRIV | TLB_PERM_PX | TLB_PERM_UX;

// The TLB_PERM_* bits of execution, from the upper half of a leaf. With IDR3.XNX the bit
// below XN inverts the permission of privileged execution.
function executable(smmu: usize, hi: u32): u32 {
  const none = bits(hi, PTE_XN) != 0;
  const split = bits(hi, PTE_PXN) != 0 && bits(atomic.load<u32>(smmu, SMMU_AT_IDR3), IDR3_XNX) != 0;
  return (none != split ? 0 : TLB_PERM_PX) | (none ? 0 : TLB_PERM_UX);
}

/**
 * Walks stage 2 for one IPA. Reads THREAD_CFG; fills S2_* for the access's own output,
 * the set of table addresses for any other IPA, or THREAD_EVENT on a fault.
 * @param kind EVT_CLASS_*: what the IPA is the address of. The access's own output is
 *   EVT_CLASS_IN.
 * @param write the IPA is written, so a clean page becomes dirty at the commit.
 * @returns false on a fault.
 */
export function walkStage2(smmu: usize, ipa: u64, kind: u32, write: bool): bool {
  const ste5 = load<u32>(THREAD + THREAD_CFG, CFG_STE5);
  const inputBits: u32 = <u32>64 - bits(ste5, STE_S2T0SZ);
  const granule = granuleOfTg0(bits(ste5, STE_S2TG));
  const ds = load<u32>(THREAD + THREAD_CFG, CFG_DS);
  const lpa2 = granule != 16 && (ds & CFG_DS_STAGE2) != 0;
  const outputBits = effectiveBits(smmu, bits(ste5, STE_S2PS), granule, lpa2);
  const big = bits(ste5, STE_S2ENDI) != 0;
  if (ipa >> u64(inputBits) != 0) {
    stage2Fault(F_TRANSLATION, kind, ipa);
    return false;
  }
  let level = stage2StartLevel(granule, bits(ste5, STE_S2SL0) | (ds & CFG_DS_S2SL0_2), lpa2);
  // At the start level up to 16 tables are concatenated, so the first index may be wider
  // than the others.
  const firstBits = inputBits - levelShift(granule, level);
  let indexMask = u64(-1) >> (<u64>64 - u64(firstBits));
  let table = tableBase(load<u64>(THREAD + THREAD_CFG, CFG_S2TTB), firstBits + 3, outputBits);
  for (; ; level++) {
    const shift = levelShift(granule, level);
    const place = locate(table + (((ipa >> u64(shift)) & indexMask) << 3), 8);
    if (place == NOWHERE) {
      walkFault(F_WALK_EABT, kind, true, table + (((ipa >> u64(shift)) & indexMask) << 3));
      return false;
    }
    const descriptor = inOrder(loadAt(place), big);
    const type = bits(u32(descriptor), PTE_TYPE);
    if (level < 3 && type == PTE_TYPE_TABLE) {
      table = addressOf(smmu, descriptor, granule, granule, lpa2);
      if (table >> u64(outputBits) != 0) {
        stage2Fault(F_ADDR_SIZE, kind, ipa);
        return false;
      }
      indexMask = (u64(1) << u64(granule - 3)) - 1;
      continue;
    }
    if (
      !bits(u32(descriptor), PTE_VALID) ||
      (level == 3 ? type != PTE_TYPE_TABLE : !blockAllowed(smmu, granule, level, lpa2))
    ) {
      stage2Fault(F_TRANSLATION, kind, ipa);
      return false;
    }
    const output = addressOf(smmu, descriptor, granule, shift, lpa2);
    if (output >> u64(outputBits) != 0) {
      stage2Fault(F_ADDR_SIZE, kind, ipa);
      return false;
    }
    let updated = descriptor;
    const ha = bits(ste5, STE_S2HA) != 0;
    if (!bits(u32(descriptor), PTE_AF)) {
      if (ha) updated |= u64(maskOf(PTE_AF));
      else if (!bits(ste5, STE_S2AFFD)) {
        stage2Fault(F_ACCESS, kind, ipa);
        return false;
      }
    }
    let permissions: u32 = TLB_PERM_UNPRIV;
    if (bits(u32(descriptor), PTE_S2AP_R)) permissions |= TLB_PERM_R;
    // S2HD has an effect only with S2HA.
    const dbm: bool = ha && bits(ste5, STE_S2HD) != 0 && bits(u32(descriptor >> 32), PTE_DBM) != 0;
    const clean: bool = dbm && !bits(u32(descriptor), PTE_S2AP_W);
    if (clean && write) updated |= u64(maskOf(PTE_S2AP_W));
    if (clean || bits(u32(descriptor), PTE_S2AP_W)) permissions |= TLB_PERM_W;
    permissions |= executable(smmu, u32(descriptor >> 32));
    const results = THREAD + (kind == EVT_CLASS_IN ? S2_SET : TABLE_SET);
    store<u64>(results, output | (ipa & ~(u64(-1) << u64(shift))), OUT);
    store<u32>(results, shift, SIZE);
    store<u32>(results, permissions, PERM);
    store<u32>(results, u32(clean), CLEAN);
    store<i64>(results, place, PLACE);
    store<u64>(results, descriptor, OLD);
    store<u64>(results, updated, NEW);
    return true;
  }
}

/**
 * Executes the update that the last stage-2 walk into a set prepared. Reads the set and
 * THREAD_ATTRIBUTES, destroys nothing.
 * @returns false when the descriptor has changed in the meantime: walk again.
 */
export function commitStage2(set: usize): bool {
  const results = THREAD + set;
  const old = load<u64>(results, OLD);
  const updated = load<u64>(results, NEW);
  const big = bits(load<u32>(THREAD + THREAD_CFG, CFG_STE5), STE_S2ENDI) != 0;
  return (
    old == updated ||
    (load<u32>(THREAD, THREAD_ATTRIBUTES) & u32(ACCESS_LOOK)) != 0 ||
    casAt(load<i64>(results, PLACE), inOrder(old, big), inOrder(updated, big))
  );
}

/** Returned in place of a PA when THREAD_EVENT has a fault. */
export const NO_PA: u64 = u64(-1);

/**
 * The PA of an address that stage 1 reads its tables (or its CD) from: the address
 * itself, or its stage-2 translation when nested. Reads THREAD_CFG; destroys TABLE_SET;
 * does not touch S2_*.
 * @param kind EVT_CLASS_CD or EVT_CLASS_TT.
 * @param write the descriptor at the address is going to be updated.
 * @returns the PA, or NO_PA on a fault.
 */
export function tablePa(smmu: usize, address: u64, kind: u32, write: bool): u64 {
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != STE_CONFIG_NESTED) return address;
  for (let i = 0; i < UPDATE_TRIES; i++) {
    if (!walkStage2(smmu, address, kind, write)) return NO_PA;
    if ((load<u32>(THREAD + TABLE_SET, PERM) & (write ? TLB_PERM_W : TLB_PERM_R)) == 0) {
      tableFault(kind, address, write);
      return NO_PA;
    }
    if (commitStage2(TABLE_SET)) return load<u64>(THREAD + TABLE_SET, OUT);
  }
  walkFault(F_WALK_EABT, kind, true, address);
  return NO_PA;
}

/** The result of a disabled stage 2 (Config 5): the IPA is the PA. Fills S2_*. */
export function skipStage2(ipa: u64): void {
  store<u64>(THREAD, ipa, S2_OUT);
  store<u32>(THREAD, 52, S2_SIZE);
  store<u32>(THREAD, ALL_PERMISSIONS, S2_PERM);
  store<u32>(THREAD, 0, S2_CLEAN);
  store<u64>(THREAD, 0, S2_SET + OLD);
  store<u64>(THREAD, 0, S2_NEW);
}
