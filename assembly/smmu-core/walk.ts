// Translation table walks: VMSAv8-64 stage 1 and stage 2, any granule (IHI 0070 section 3.4, DDI 0487 section D8). A walk leaves its result in the
// thread's scratch or a fault in the event scratch. Updates of access flag and dirty state (HTTU) are prepared by a walk and carried out by the
// commit functions, once all permissions have been checked; where a stage-1 table itself goes through stage 2, on the spot.

import { THREAD } from '../imports/unit';
import { ACCESS_LOOK } from '../layout/access';
import {
  CD_AFFD,
  CD_EPD0,
  CD_EPD1,
  CD_HA,
  CD_HD,
  CD_IPS,
  CD_T0SZ,
  CD_T1SZ,
  CD_TBI0,
  CD_TBI1,
  CD_TG0,
  CD_TG1,
  CD_UWXN,
  CD_WXN,
} from '../layout/cd';
import {
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_S2SL0_2,
  CFG_DS_STAGE1,
  CFG_DS_STAGE2,
  CFG_HAD,
  CFG_S2TTB,
  CFG_STE5,
  CFG_TTB0,
  CFG_TTB1,
} from '../layout/config-cache-memory';
import {
  PTE_AF,
  PTE_AP_RO,
  PTE_AP_UNPRIV,
  PTE_APTABLE_PRIV,
  PTE_APTABLE_RO,
  PTE_DBM,
  PTE_NG,
  PTE_PXN,
  PTE_S2AP_R,
  PTE_S2AP_W,
  PTE_TABLE_PXN,
  PTE_TABLE_XN,
  PTE_TYPE,
  PTE_TYPE_TABLE,
  PTE_VALID,
  PTE_XN,
} from '../layout/descriptors';
import {
  EVT_CLASS_IN,
  EVT_CLASS_TT,
  F_ACCESS,
  F_ADDR_SIZE,
  F_TRANSLATION,
  F_WALK_EABT,
} from '../layout/events';
import {
  TLB_PERM_PX,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_UX,
  TLB_PERM_W,
} from '../layout/iotlb-memory';
import {
  STE_CONFIG_NESTED,
  STE_S2AFFD,
  STE_S2HA,
  STE_S2HD,
  STE_S2PS,
  STE_S2SL0,
  STE_S2T0SZ,
  STE_S2TG,
} from '../layout/ste';
import { THREAD_ATTRIBUTES, THREAD_CFG, THREAD_UPDATE, THREAD_WALK } from '../layout/thread-memory';
import { bits, maskOf } from '../lib/fields';
import { stage2Fault, tableFault, walkFault } from './faults';
import {
  addressOf,
  blockAllowed,
  effectiveBits,
  granuleOfTg0,
  granuleOfTg1,
  levelShift,
  stage1StartLevel,
  stage2StartLevel,
  tableBase,
} from './geometry';
import { casAt, loadAt, locate, NOWHERE } from './physical-memory';

// Results in THREAD_WALK: output address, log2 size of the leaf, TLB_PERM_* bits, and whether the leaf is global (stage 1).
export const S1_OUT = THREAD_WALK + 0x00;
export const S1_SIZE = THREAD_WALK + 0x08;
export const S1_PERM = THREAD_WALK + 0x0c;
export const S1_GLOBAL = THREAD_WALK + 0x10;
/** 1 while the leaf is writable but clean (DBM): an entry for reads does not let writes through. */
export const S1_CLEAN = THREAD_WALK + 0x14;
export const S2_OUT = THREAD_WALK + 0x18;
export const S2_SIZE = THREAD_WALK + 0x20;
export const S2_PERM = THREAD_WALK + 0x24;
export const S2_CLEAN = THREAD_WALK + 0x28;
// Leaf descriptors as they were read and as they are to be; equal when there is nothing to update. Stage 1: the address of the descriptor
// before stage 2; stage 2: where it lies.
export const S1_SLOT = THREAD_UPDATE + 0x00;
export const S1_OLD = THREAD_UPDATE + 0x08;
export const S1_NEW = THREAD_UPDATE + 0x10;
export const S2_PLACE = THREAD_WALK + 0x30;
export const S2_OLD = THREAD_WALK + 0x38;
export const S2_NEW = THREAD_UPDATE + 0x18;

/** Walks of one table address whose descriptor update keeps losing against other writers. */
const UPDATE_TRIES = 4;

const ALL_PERMISSIONS: u32 = TLB_PERM_R | TLB_PERM_W | TLB_PERM_UNPRIV | TLB_PERM_PX | TLB_PERM_UX;

/**
 * Stage 2 of one IPA: fills S2_*.
 * @param kind EVT_CLASS_* of a fault: what the IPA is the address of.
 * @param write the IPA is written, so that a clean page becomes dirty at the commit.
 * @returns false on a fault.
 */
export function walkStage2(smmu: usize, ipa: u64, kind: u32, write: bool): bool {
  const ste5 = load<u32>(THREAD + THREAD_CFG, CFG_STE5);
  const inputBits: u32 = <u32>64 - bits(ste5, STE_S2T0SZ);
  const granule = granuleOfTg0(bits(ste5, STE_S2TG));
  const ds = load<u32>(THREAD + THREAD_CFG, CFG_DS);
  const lpa2 = granule != 16 && (ds & CFG_DS_STAGE2) != 0;
  const outputBits = effectiveBits(smmu, bits(ste5, STE_S2PS), granule, lpa2);
  if (ipa >> u64(inputBits) != 0) {
    stage2Fault(F_TRANSLATION, kind, ipa);
    return false;
  }
  let level = stage2StartLevel(granule, bits(ste5, STE_S2SL0) | (ds & CFG_DS_S2SL0_2), lpa2);
  // Up to 16 tables lie side by side at the start level, so the first index may be wider than the others.
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
    const descriptor = loadAt(place);
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
    // S2HD has its effect only with S2HA.
    const dbm: bool = ha && bits(ste5, STE_S2HD) != 0 && bits(u32(descriptor >> 32), PTE_DBM) != 0;
    const clean: bool = dbm && !bits(u32(descriptor), PTE_S2AP_W);
    if (clean && write) updated |= u64(maskOf(PTE_S2AP_W));
    if (clean || bits(u32(descriptor), PTE_S2AP_W)) permissions |= TLB_PERM_W;
    if (!bits(u32(descriptor >> 32), PTE_XN)) permissions |= TLB_PERM_PX | TLB_PERM_UX;
    store<u64>(THREAD, output | (ipa & ~(u64(-1) << u64(shift))), S2_OUT);
    store<u32>(THREAD, shift, S2_SIZE);
    store<u32>(THREAD, permissions, S2_PERM);
    store<u32>(THREAD, u32(clean), S2_CLEAN);
    store<i64>(THREAD, place, S2_PLACE);
    store<u64>(THREAD, descriptor, S2_OLD);
    store<u64>(THREAD, updated, S2_NEW);
    return true;
  }
}

/** Carries out the update that the last stage-2 walk prepared. False when the descriptor has changed meanwhile: walk again. */
export function commitStage2(): bool {
  const old = load<u64>(THREAD, S2_OLD);
  const updated = load<u64>(THREAD, S2_NEW);
  return (
    old == updated ||
    (load<u32>(THREAD, THREAD_ATTRIBUTES) & u32(ACCESS_LOOK)) != 0 ||
    casAt(load<i64>(THREAD, S2_PLACE), old, updated)
  );
}

/**
 * PA of an address that stage 1 reads its tables (or its CD) from: as it is, or through stage 2 when nested.
 * @param write the descriptor there is updated.
 * @returns the PA, or u64(-1) on a fault.
 */
export function tablePa(smmu: usize, address: u64, kind: u32, write: bool): u64 {
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != STE_CONFIG_NESTED) return address;
  for (let i = 0; i < UPDATE_TRIES; i++) {
    if (!walkStage2(smmu, address, kind, write)) return u64(-1);
    if ((load<u32>(THREAD, S2_PERM) & (write ? TLB_PERM_W : TLB_PERM_R)) == 0) {
      tableFault(kind, address, write);
      return u64(-1);
    }
    if (commitStage2()) return load<u64>(THREAD, S2_OUT);
  }
  walkFault(F_WALK_EABT, kind, true, address);
  return u64(-1);
}

/**
 * Carries out the update that the stage-1 walk prepared; stage 2, which has been walked for the output, stays in S2_*.
 * @returns 1 when done, 0 on a fault, 2 when the descriptor has changed meanwhile: walk again.
 */
export function commitStage1(smmu: usize): u32 {
  const old = load<u64>(THREAD, S1_OLD);
  const updated = load<u64>(THREAD, S1_NEW);
  if (old == updated) return 1;
  const out = load<u64>(THREAD, S2_OUT);
  const size = load<u32>(THREAD, S2_SIZE);
  const permissions = load<u32>(THREAD, S2_PERM);
  const clean = load<u32>(THREAD, S2_CLEAN);
  const place2 = load<i64>(THREAD, S2_PLACE);
  const old2 = load<u64>(THREAD, S2_OLD);
  const new2 = load<u64>(THREAD, S2_NEW);
  const pa = tablePa(smmu, load<u64>(THREAD, S1_SLOT), EVT_CLASS_TT, true);
  if (pa == u64(-1)) return 0;
  const place = locate(pa, 8);
  if (place == NOWHERE) {
    walkFault(F_WALK_EABT, EVT_CLASS_TT, false, pa);
    return 0;
  }
  store<u64>(THREAD, out, S2_OUT);
  store<u32>(THREAD, size, S2_SIZE);
  store<u32>(THREAD, permissions, S2_PERM);
  store<u32>(THREAD, clean, S2_CLEAN);
  store<i64>(THREAD, place2, S2_PLACE);
  store<u64>(THREAD, old2, S2_OLD);
  store<u64>(THREAD, new2, S2_NEW);
  return casAt(place, old, updated) ? 1 : 2;
}

/** @param clean the page is writable, but clean. */
function stage1Permissions(descriptor: u64, cd1: u32, tableHi: u32, clean: bool): u32 {
  const lo = u32(descriptor);
  const hi = u32(descriptor >> 32);
  let permissions: u32 = TLB_PERM_R;
  const unprivileged = bits(lo, PTE_AP_UNPRIV) && !bits(tableHi, PTE_APTABLE_PRIV);
  const writable = (clean || !bits(lo, PTE_AP_RO)) && !bits(tableHi, PTE_APTABLE_RO);
  if (unprivileged) permissions |= TLB_PERM_UNPRIV;
  if (writable) permissions |= TLB_PERM_W;
  const wxn = writable && bits(cd1, CD_WXN);
  if (!bits(hi, PTE_XN) && !bits(tableHi, PTE_TABLE_XN) && !wxn) permissions |= TLB_PERM_UX;
  // What unprivileged code can write, privileged code does not execute (DDI 0487 section D8.4); UWXN says the same of privileged execution.
  const uwxn = writable && unprivileged;
  if (
    !bits(hi, PTE_PXN) &&
    !bits(tableHi, PTE_TABLE_PXN) &&
    !wxn &&
    !uwxn &&
    !(unprivileged && writable && bits(cd1, CD_UWXN))
  ) {
    permissions |= TLB_PERM_PX;
  }
  return permissions;
}

/**
 * Stage 1 of the access's VA: fills S1_*.
 * @param write the access is a write, so that a clean page becomes dirty at the commit.
 * @returns false on a fault.
 */
export function walkStage1(smmu: usize, va: u64, write: bool): bool {
  const cfg: usize = THREAD + THREAD_CFG;
  const cd0 = load<u32>(cfg, CFG_CD0);
  const cd1 = load<u32>(cfg, CFG_CD1);
  const upper = (va >> 55) & 1;
  const tbi = bits(cd1, upper ? CD_TBI1 : CD_TBI0);
  const address = tbi ? u64(i64(va << 8) >> 8) : va;
  const inputBits: u32 = <u32>64 - bits(cd0, upper ? CD_T1SZ : CD_T0SZ);
  const outside = (upper ? ~address : address) >> u64(inputBits) != 0;
  if (outside || bits(cd0, upper ? CD_EPD1 : CD_EPD0)) {
    walkFault(F_TRANSLATION, EVT_CLASS_IN, false, 0);
    return false;
  }
  const granule = upper ? granuleOfTg1(bits(cd0, CD_TG1)) : granuleOfTg0(bits(cd0, CD_TG0));
  const lpa2 = granule != 16 && (load<u32>(cfg, CFG_DS) & CFG_DS_STAGE1) != 0;
  const outputBits = effectiveBits(smmu, bits(cd1, CD_IPS), granule, lpa2);
  let level = stage1StartLevel(granule, inputBits);
  const firstBits = inputBits - levelShift(granule, level);
  let indexMask = u64(-1) >> (<u64>64 - u64(firstBits));
  let table = tableBase(
    upper ? load<u64>(cfg, CFG_TTB1) : load<u64>(cfg, CFG_TTB0),
    firstBits + 3,
    outputBits,
  );
  const hierarchyOff = (load<u32>(cfg, CFG_HAD) >> u32(upper)) & 1;
  let tableHi: u32 = 0;
  for (; ; level++) {
    const shift = levelShift(granule, level);
    const slot = table + (((address >> u64(shift)) & indexMask) << 3);
    const pa = tablePa(smmu, slot, EVT_CLASS_TT, false);
    if (pa == u64(-1)) return false;
    const place = locate(pa, 8);
    if (place == NOWHERE) {
      walkFault(F_WALK_EABT, EVT_CLASS_TT, false, pa);
      return false;
    }
    const descriptor = loadAt(place);
    const type = bits(u32(descriptor), PTE_TYPE);
    if (level < 3 && type == PTE_TYPE_TABLE) {
      table = addressOf(smmu, descriptor, granule, granule, lpa2);
      if (table >> u64(outputBits) != 0) {
        walkFault(F_ADDR_SIZE, EVT_CLASS_IN, false, 0);
        return false;
      }
      if (!hierarchyOff) tableHi |= u32(descriptor >> 32);
      indexMask = (u64(1) << u64(granule - 3)) - 1;
      continue;
    }
    if (
      !bits(u32(descriptor), PTE_VALID) ||
      (level == 3 ? type != PTE_TYPE_TABLE : !blockAllowed(smmu, granule, level, lpa2))
    ) {
      walkFault(F_TRANSLATION, EVT_CLASS_IN, false, 0);
      return false;
    }
    const output = addressOf(smmu, descriptor, granule, shift, lpa2);
    if (output >> u64(outputBits) != 0) {
      walkFault(F_ADDR_SIZE, EVT_CLASS_IN, false, 0);
      return false;
    }
    let updated = descriptor;
    const ha = bits(cd1, CD_HA) != 0;
    if (!bits(u32(descriptor), PTE_AF)) {
      if (ha) updated |= u64(maskOf(PTE_AF));
      else if (!bits(cd1, CD_AFFD)) {
        walkFault(F_ACCESS, EVT_CLASS_IN, false, 0);
        return false;
      }
    }
    // HD has its effect only with HA. What the tables above make read-only does not become dirty.
    const dbm: bool = ha && bits(cd1, CD_HD) != 0 && bits(u32(descriptor >> 32), PTE_DBM) != 0;
    const clean: bool =
      dbm && bits(u32(descriptor), PTE_AP_RO) != 0 && !bits(tableHi, PTE_APTABLE_RO);
    if (clean && write) updated &= ~u64(maskOf(PTE_AP_RO));
    store<u64>(THREAD, output | (address & ~(u64(-1) << u64(shift))), S1_OUT);
    store<u32>(THREAD, shift, S1_SIZE);
    store<u32>(THREAD, stage1Permissions(descriptor, cd1, tableHi, clean), S1_PERM);
    store<u32>(THREAD, u32(!bits(u32(descriptor), PTE_NG)), S1_GLOBAL);
    store<u32>(THREAD, u32(clean), S1_CLEAN);
    store<u64>(THREAD, slot, S1_SLOT);
    store<u64>(THREAD, descriptor, S1_OLD);
    store<u64>(THREAD, updated, S1_NEW);
    return true;
  }
}

/** Stage 1 switched off (Config 6): the input is the IPA. */
export function skipStage1(input: u64): void {
  store<u64>(THREAD, input, S1_OUT);
  store<u32>(THREAD, 52, S1_SIZE);
  store<u32>(THREAD, ALL_PERMISSIONS, S1_PERM);
  store<u32>(THREAD, 0, S1_GLOBAL);
  store<u32>(THREAD, 0, S1_CLEAN);
  store<u64>(THREAD, 0, S1_OLD);
  store<u64>(THREAD, 0, S1_NEW);
}

/** Stage 2 switched off (Config 5): the IPA is the PA. */
export function skipStage2(ipa: u64): void {
  store<u64>(THREAD, ipa, S2_OUT);
  store<u32>(THREAD, 52, S2_SIZE);
  store<u32>(THREAD, ALL_PERMISSIONS, S2_PERM);
  store<u32>(THREAD, 0, S2_CLEAN);
  store<u64>(THREAD, 0, S2_OLD);
  store<u64>(THREAD, 0, S2_NEW);
}
