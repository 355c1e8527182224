// Translation table walks: VMSAv8-64 stage 1 and stage 2, any granule (IHI 0070 section 3.4, DDI 0487 section D8). A walk leaves its result in the
// thread's scratch or a fault in the event scratch; it changes nothing else.

import { THREAD } from '../imports/unit';
import { CD_AFFD, CD_EPD0, CD_EPD1, CD_IPS, CD_T0SZ, CD_T1SZ, CD_TBI0, CD_TBI1, CD_TG0, CD_TG1, CD_UWXN, CD_WXN } from '../layout/cd';
import {
  PTE_AF,
  PTE_AP_RO,
  PTE_AP_UNPRIV,
  PTE_APTABLE_PRIV,
  PTE_APTABLE_RO,
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
import { EVT_CLASS_IN, EVT_CLASS_TT, F_ACCESS, F_ADDR_SIZE, F_PERMISSION, F_TRANSLATION, F_WALK_EABT } from '../layout/events';
import {
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_HAD,
  CFG_S2TTB,
  CFG_STE5,
  CFG_TTB0,
  CFG_TTB1,
  SMMU_AT_IDR5,
  THREAD_CFG,
  THREAD_WALK,
  TLB_PERM_PX,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_UX,
  TLB_PERM_W,
} from '../layout/host-memory';
import { IDR5_OAS } from '../layout/smmu-registers';
import { STE_CONFIG_NESTED, STE_S2AFFD, STE_S2PS, STE_S2SL0, STE_S2T0SZ, STE_S2TG } from '../layout/ste';
import { bits } from '../lib/fields';
import { stage2Fault, walkFault } from './faults';
import { loadAt, locate, NOWHERE } from './physical';

// Results in THREAD_WALK: output address, log2 size of the leaf, TLB_PERM_* bits, and whether the leaf is global (stage 1).
export const S1_OUT = THREAD_WALK + 0x00;
export const S1_SIZE = THREAD_WALK + 0x08;
export const S1_PERM = THREAD_WALK + 0x0c;
export const S1_GLOBAL = THREAD_WALK + 0x10;
export const S2_OUT = THREAD_WALK + 0x18;
export const S2_SIZE = THREAD_WALK + 0x20;
export const S2_PERM = THREAD_WALK + 0x24;

const ALL_PERMISSIONS: u32 = TLB_PERM_R | TLB_PERM_W | TLB_PERM_UNPRIV | TLB_PERM_PX | TLB_PERM_UX;

/** Bits of an address of IDR5.OAS / CD.IPS / STE.S2PS encoding. */
export function addressBits(encoding: u32): u32 {
  switch (encoding) {
    case 0:
      return 32;
    case 1:
      return 36;
    case 2:
      return 40;
    case 3:
      return 42;
    case 4:
      return 44;
    default:
      return 48;
  }
}

/** log2 of the granule that TG0 or S2TG selects, 0 when reserved. */
export function granuleOfTg0(tg: u32): u32 {
  return tg == 0 ? 12 : tg == 1 ? 16 : tg == 2 ? 14 : 0;
}

/** log2 of the granule that TG1 selects, 0 when reserved. */
export function granuleOfTg1(tg: u32): u32 {
  return tg == 1 ? 14 : tg == 2 ? 12 : tg == 3 ? 16 : 0;
}

/** Level at which a stage-2 walk starts, 4 when S2SL0 is reserved for the granule. */
export function stage2StartLevel(granule: u32, sl0: u32): u32 {
  if (sl0 == 3) return 4;
  return granule == 12 ? <u32>2 - sl0 : <u32>3 - sl0;
}

/** log2 of the bytes that one entry of a level covers. */
export function levelShift(granule: u32, level: u32): u32 {
  return granule + (granule - 3) * (<u32>3 - level);
}

/** Output size that stays within what the SMMU has: the smaller of the field and IDR5.OAS. */
export function effectiveBits(smmu: usize, encoding: u32): u32 {
  return min(addressBits(encoding), addressBits(bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_OAS)));
}

// Blocks exist at level 1 for 4 KiB granules and at level 2 for all (52-bit level-1 blocks are not implemented).
function blockAllowed(granule: u32, level: u32): bool {
  return level == 2 || (level == 1 && granule == 12);
}

function addressOf(descriptor: u64, shift: u32): u64 {
  return descriptor & 0x0000ffffffffffff & (u64(-1) << u64(shift));
}

/**
 * Stage 2 of one IPA: fills S2_OUT, S2_SIZE and S2_PERM.
 * @param kind EVT_CLASS_* of a fault: what the IPA is the address of.
 * @returns false on a fault.
 */
export function walkStage2(smmu: usize, ipa: u64, kind: u32): bool {
  const ste5 = load<u32>(THREAD + THREAD_CFG, CFG_STE5);
  const inputBits: u32 = <u32>64 - bits(ste5, STE_S2T0SZ);
  const outputBits = effectiveBits(smmu, bits(ste5, STE_S2PS));
  const granule = granuleOfTg0(bits(ste5, STE_S2TG));
  if (ipa >> u64(inputBits) != 0) {
    stage2Fault(F_TRANSLATION, kind, ipa);
    return false;
  }
  let level = stage2StartLevel(granule, bits(ste5, STE_S2SL0));
  let table = load<u64>(THREAD + THREAD_CFG, CFG_S2TTB);
  // Up to 16 tables lie side by side at the start level, so the first index may be wider than the others.
  let indexMask = u64(-1) >> (<u64>64 - u64(inputBits - levelShift(granule, level)));
  for (; ; level++) {
    const shift = levelShift(granule, level);
    const place = locate(table + (((ipa >> u64(shift)) & indexMask) << 3), 8);
    if (place == NOWHERE) {
      walkFault(F_WALK_EABT, EVT_CLASS_TT, true, table + (((ipa >> u64(shift)) & indexMask) << 3));
      return false;
    }
    const descriptor = loadAt(place);
    const type = bits(u32(descriptor), PTE_TYPE);
    if (level < 3 && type == PTE_TYPE_TABLE) {
      table = addressOf(descriptor, granule);
      if (table >> u64(outputBits) != 0) {
        stage2Fault(F_ADDR_SIZE, kind, ipa);
        return false;
      }
      indexMask = (u64(1) << u64(granule - 3)) - 1;
      continue;
    }
    if (!bits(u32(descriptor), PTE_VALID) || (level == 3 ? type != PTE_TYPE_TABLE : !blockAllowed(granule, level))) {
      stage2Fault(F_TRANSLATION, kind, ipa);
      return false;
    }
    const output = addressOf(descriptor, shift);
    if (output >> u64(outputBits) != 0) {
      stage2Fault(F_ADDR_SIZE, kind, ipa);
      return false;
    }
    if (!bits(u32(descriptor), PTE_AF) && !bits(ste5, STE_S2AFFD)) {
      stage2Fault(F_ACCESS, kind, ipa);
      return false;
    }
    let permissions: u32 = TLB_PERM_UNPRIV;
    if (bits(u32(descriptor), PTE_S2AP_R)) permissions |= TLB_PERM_R;
    if (bits(u32(descriptor), PTE_S2AP_W)) permissions |= TLB_PERM_W;
    if (!bits(u32(descriptor >> 32), PTE_XN)) permissions |= TLB_PERM_PX | TLB_PERM_UX;
    store<u64>(THREAD, output | (ipa & ~(u64(-1) << u64(shift))), S2_OUT);
    store<u32>(THREAD, shift, S2_SIZE);
    store<u32>(THREAD, permissions, S2_PERM);
    return true;
  }
}

/**
 * PA of an address that stage 1 reads its tables (or its CD) from: as it is, or through stage 2 when nested.
 * @returns the PA, or u64(-1) on a fault.
 */
export function tablePa(smmu: usize, address: u64, kind: u32): u64 {
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != STE_CONFIG_NESTED) return address;
  if (!walkStage2(smmu, address, kind)) return u64(-1);
  if ((load<u32>(THREAD, S2_PERM) & TLB_PERM_R) == 0) {
    stage2Fault(F_PERMISSION, kind, address);
    return u64(-1);
  }
  return load<u64>(THREAD, S2_OUT);
}

function stage1Permissions(descriptor: u64, cd1: u32, tableHi: u32): u32 {
  const lo = u32(descriptor);
  const hi = u32(descriptor >> 32);
  let permissions: u32 = TLB_PERM_R;
  const unprivileged = bits(lo, PTE_AP_UNPRIV) && !bits(tableHi, PTE_APTABLE_PRIV);
  const writable = !bits(lo, PTE_AP_RO) && !bits(tableHi, PTE_APTABLE_RO);
  if (unprivileged) permissions |= TLB_PERM_UNPRIV;
  if (writable) permissions |= TLB_PERM_W;
  const wxn = writable && bits(cd1, CD_WXN);
  if (!bits(hi, PTE_XN) && !bits(tableHi, PTE_TABLE_XN) && !wxn) permissions |= TLB_PERM_UX;
  // What unprivileged code can write, privileged code does not execute (DDI 0487 section D8.4); UWXN says the same of privileged execution.
  const uwxn = writable && unprivileged;
  if (!bits(hi, PTE_PXN) && !bits(tableHi, PTE_TABLE_PXN) && !wxn && !uwxn && !(unprivileged && writable && bits(cd1, CD_UWXN))) {
    permissions |= TLB_PERM_PX;
  }
  return permissions;
}

/** Stage 1 of the access's VA: fills S1_*. Returns false on a fault. */
export function walkStage1(smmu: usize, va: u64): bool {
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
  const outputBits = effectiveBits(smmu, bits(cd1, CD_IPS));
  const stride = granule - 3;
  let level: u32 = <u32>4 - (inputBits - granule + stride - 1) / stride;
  let indexMask = u64(-1) >> (<u64>64 - u64(inputBits - levelShift(granule, level)));
  let table = upper ? load<u64>(cfg, CFG_TTB1) : load<u64>(cfg, CFG_TTB0);
  const hierarchyOff = (load<u32>(cfg, CFG_HAD) >> u32(upper)) & 1;
  let tableHi: u32 = 0;
  for (; ; level++) {
    const shift = levelShift(granule, level);
    const slot = table + (((address >> u64(shift)) & indexMask) << 3);
    const pa = tablePa(smmu, slot, EVT_CLASS_TT);
    if (pa == u64(-1)) return false;
    const place = locate(pa, 8);
    if (place == NOWHERE) {
      walkFault(F_WALK_EABT, EVT_CLASS_TT, false, pa);
      return false;
    }
    const descriptor = loadAt(place);
    const type = bits(u32(descriptor), PTE_TYPE);
    if (level < 3 && type == PTE_TYPE_TABLE) {
      table = addressOf(descriptor, granule);
      if (table >> u64(outputBits) != 0) {
        walkFault(F_ADDR_SIZE, EVT_CLASS_IN, false, 0);
        return false;
      }
      if (!hierarchyOff) tableHi |= u32(descriptor >> 32);
      indexMask = (u64(1) << u64(stride)) - 1;
      continue;
    }
    if (!bits(u32(descriptor), PTE_VALID) || (level == 3 ? type != PTE_TYPE_TABLE : !blockAllowed(granule, level))) {
      walkFault(F_TRANSLATION, EVT_CLASS_IN, false, 0);
      return false;
    }
    const output = addressOf(descriptor, shift);
    if (output >> u64(outputBits) != 0) {
      walkFault(F_ADDR_SIZE, EVT_CLASS_IN, false, 0);
      return false;
    }
    if (!bits(u32(descriptor), PTE_AF) && !bits(cd1, CD_AFFD)) {
      walkFault(F_ACCESS, EVT_CLASS_IN, false, 0);
      return false;
    }
    store<u64>(THREAD, output | (address & ~(u64(-1) << u64(shift))), S1_OUT);
    store<u32>(THREAD, shift, S1_SIZE);
    store<u32>(THREAD, stage1Permissions(descriptor, cd1, tableHi), S1_PERM);
    store<u32>(THREAD, u32(!bits(u32(descriptor), PTE_NG)), S1_GLOBAL);
    return true;
  }
}

/** Stage 1 switched off (Config 6): the input is the IPA. */
export function skipStage1(input: u64): void {
  store<u64>(THREAD, input, S1_OUT);
  store<u32>(THREAD, 48, S1_SIZE);
  store<u32>(THREAD, ALL_PERMISSIONS, S1_PERM);
  store<u32>(THREAD, 0, S1_GLOBAL);
}

/** Stage 2 switched off (Config 5): the IPA is the PA. */
export function skipStage2(ipa: u64): void {
  store<u64>(THREAD, ipa, S2_OUT);
  store<u32>(THREAD, 48, S2_SIZE);
  store<u32>(THREAD, ALL_PERMISSIONS, S2_PERM);
}
