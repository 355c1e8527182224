// SPDX-License-Identifier: MIT
// The stage-1 half of a table walk: VMSAv8-64, any granule (IHI 0070 section 3.4, DDI
// 0487 section D8). A walk leaves its result in the thread's scratch words S1_*, or a
// fault in THREAD_EVENT. As at stage 2, the walk prepares the update of its leaf
// descriptor, and the commit executes it.

import { THREAD } from '../imports/unit';
import {
  CD_AFFD,
  CD_ENDI,
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
  CD_WXN,
} from '../layout/cd';
import {
  CFG_CD0,
  CFG_CD1,
  CFG_DS,
  CFG_DS_STAGE1,
  CFG_HAD,
  CFG_TTB0,
  CFG_TTB1,
  CFG_VMID,
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
import { THREAD_CFG, THREAD_WALK_STAGE1 } from '../layout/thread-memory';
import { VMID_EL2 } from '../layout/vmid-memory';
import { WALK_AGAIN, WALK_DONE, WALK_FAULT } from '../layout/walk-results';
import { bits, maskOf } from '../lib/fields';
import { walkFault } from './faults';
import {
  addressOf,
  blockAllowed,
  effectiveBits,
  granuleOfTg0,
  granuleOfTg1,
  levelShift,
  stage1StartLevel,
  tableBase,
} from './geometry';
import { casAt, inOrder, loadAt, locate, NOWHERE } from './physical-memory';
import { ALL_PERMISSIONS, NO_PA, tablePa } from './walk-stage2';

// Output address, log2 of the leaf size, TLB_PERM_* bits, whether the leaf is global.
export const S1_OUT: usize = THREAD_WALK_STAGE1 + 0x00;
export const S1_SIZE: usize = THREAD_WALK_STAGE1 + 0x08;
export const S1_PERM: usize = THREAD_WALK_STAGE1 + 0x0c;
export const S1_GLOBAL: usize = THREAD_WALK_STAGE1 + 0x10;
/**
 * 1 while the leaf is writable but clean (DBM): an entry cached for reads must not permit
 * writes.
 */
export const S1_CLEAN: usize = THREAD_WALK_STAGE1 + 0x14;
// The leaf's descriptor: its address before stage 2, the value read, and the value to
// write; the two are equal when there is no update.
export const S1_SLOT: usize = THREAD_WALK_STAGE1 + 0x18;
const S1_OLD: usize = THREAD_WALK_STAGE1 + 0x20;
export const S1_NEW: usize = THREAD_WALK_STAGE1 + 0x28;

// The EL2 translation regime has no privilege: AP[1], APTable[0], PXN and PXNTable are
// ignored (DDI 0487 section D8.4).
function el2Permissions(descriptor: u64, cd1: u32, tableHi: u32, clean: bool): u32 {
  const writable = (clean || !bits(u32(descriptor), PTE_AP_RO)) && !bits(tableHi, PTE_APTABLE_RO);
  const never =
    bits(u32(descriptor >> 32), PTE_XN) ||
    bits(tableHi, PTE_TABLE_XN) ||
    (writable && bits(cd1, CD_WXN));
  return (
    TLB_PERM_R |
    TLB_PERM_UNPRIV |
    (writable ? TLB_PERM_W : 0) |
    (never ? 0 : TLB_PERM_PX | TLB_PERM_UX)
  );
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
  // Privileged code must not execute pages that unprivileged code can write (DDI 0487
  // section D8.4). UWXN does not matter: it adds something for AArch32 tables alone.
  const uwxn = writable && unprivileged;
  if (!bits(hi, PTE_PXN) && !bits(tableHi, PTE_TABLE_PXN) && !wxn && !uwxn)
    permissions |= TLB_PERM_PX;
  return permissions;
}

/**
 * Walks stage 1 for the access's VA. Reads THREAD_CFG; fills S1_*, or THREAD_EVENT on a
 * fault; destroys the set of table addresses (`tablePa`).
 * @param ids base of the ID registers that govern the walk: the SMMU block, except for a
 *   caller that asks how another SMMU would walk the tables.
 * @param write the access is a write, so a clean page becomes dirty at the commit.
 * @returns false on a fault.
 */
export function walkStage1(smmu: usize, ids: usize, va: u64, write: bool): bool {
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
  const outputBits = effectiveBits(ids, bits(cd1, CD_IPS), granule, lpa2);
  let level = stage1StartLevel(granule, inputBits);
  const firstBits = inputBits - levelShift(granule, level);
  let indexMask = u64(-1) >> (<u64>64 - u64(firstBits));
  let table = tableBase(
    upper ? load<u64>(cfg, CFG_TTB1) : load<u64>(cfg, CFG_TTB0),
    firstBits + 3,
    outputBits,
  );
  const big = bits(cd0, CD_ENDI) != 0;
  const el2 = load<u32>(cfg, CFG_VMID) == <u32>VMID_EL2;
  const hierarchyOff = (load<u32>(cfg, CFG_HAD) >> u32(upper)) & 1;
  let tableHi: u32 = 0;
  for (; ; level++) {
    const shift = levelShift(granule, level);
    const slot = table + (((address >> u64(shift)) & indexMask) << 3);
    const pa = tablePa(smmu, slot, EVT_CLASS_TT, false);
    if (pa == NO_PA) return false;
    const place = locate(pa, 8);
    if (place == NOWHERE) {
      walkFault(F_WALK_EABT, EVT_CLASS_TT, false, pa);
      return false;
    }
    const descriptor = inOrder(loadAt(place), big);
    const type = bits(u32(descriptor), PTE_TYPE);
    if (level < 3 && type == PTE_TYPE_TABLE) {
      table = addressOf(ids, descriptor, granule, granule, lpa2);
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
      (level == 3 ? type != PTE_TYPE_TABLE : !blockAllowed(ids, granule, level, lpa2))
    ) {
      walkFault(F_TRANSLATION, EVT_CLASS_IN, false, 0);
      return false;
    }
    const output = addressOf(ids, descriptor, granule, shift, lpa2);
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
    // HD has an effect only with HA. A page that a table above makes read-only does not
    // become dirty.
    const dbm: bool = ha && bits(cd1, CD_HD) != 0 && bits(u32(descriptor >> 32), PTE_DBM) != 0;
    const clean: bool =
      dbm && bits(u32(descriptor), PTE_AP_RO) != 0 && !bits(tableHi, PTE_APTABLE_RO);
    if (clean && write) updated &= ~u64(maskOf(PTE_AP_RO));
    store<u64>(THREAD, output | (address & ~(u64(-1) << u64(shift))), S1_OUT);
    store<u32>(THREAD, shift, S1_SIZE);
    const permissions = el2
      ? el2Permissions(descriptor, cd1, tableHi, clean)
      : stage1Permissions(descriptor, cd1, tableHi, clean);
    store<u32>(THREAD, permissions, S1_PERM);
    // EL2 has no ASIDs, so a global entry would not differ from another.
    store<u32>(THREAD, u32(!el2 && !bits(u32(descriptor), PTE_NG)), S1_GLOBAL);
    store<u32>(THREAD, u32(clean), S1_CLEAN);
    store<u64>(THREAD, slot, S1_SLOT);
    store<u64>(THREAD, descriptor, S1_OLD);
    store<u64>(THREAD, updated, S1_NEW);
    return true;
  }
}

/**
 * Executes the descriptor update that the stage-1 walk prepared. Reads S1_*; destroys the
 * set of table addresses (`tablePa`); does not touch S2_*, the result of the stage-2 walk
 * for the output.
 * @returns WALK_DONE; WALK_FAULT with THREAD_EVENT; WALK_AGAIN when the descriptor has
 *   changed in the meantime.
 */
export function commitStage1(smmu: usize): u32 {
  const old = load<u64>(THREAD, S1_OLD);
  const updated = load<u64>(THREAD, S1_NEW);
  if (old == updated) return WALK_DONE;
  const pa = tablePa(smmu, load<u64>(THREAD, S1_SLOT), EVT_CLASS_TT, true);
  if (pa == NO_PA) return WALK_FAULT;
  const place = locate(pa, 8);
  if (place == NOWHERE) {
    walkFault(F_WALK_EABT, EVT_CLASS_TT, false, pa);
    return WALK_FAULT;
  }
  const big = bits(load<u32>(THREAD + THREAD_CFG, CFG_CD0), CD_ENDI) != 0;
  return casAt(place, inOrder(old, big), inOrder(updated, big)) ? WALK_DONE : WALK_AGAIN;
}

/** The result of a disabled stage 1 (Config 6): the input is the IPA. Fills S1_*. */
export function skipStage1(input: u64): void {
  store<u64>(THREAD, input, S1_OUT);
  store<u32>(THREAD, 52, S1_SIZE);
  store<u32>(THREAD, ALL_PERMISSIONS, S1_PERM);
  store<u32>(THREAD, 0, S1_GLOBAL);
  store<u32>(THREAD, 0, S1_CLEAN);
  store<u64>(THREAD, 0, S1_OLD);
  store<u64>(THREAD, 0, S1_NEW);
}
