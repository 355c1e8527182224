// SPDX-License-Identifier: MIT
// The shape of translation tables: granules, levels, address sizes (DDI 0487 section
// D8.2), and the encodings of the fields that choose them.

import { SMMU_AT_IDR5 } from '../layout/smmu-memory';
import { IDR5_DS, IDR5_OAS } from '../layout/smmu-registers';
import { bits } from '../lib/fields';

/**
 * Bits of an address of IDR5.OAS / CD.IPS / STE.S2PS encoding. 7 (56 bits) acts as 6: the
 * model has no 128-bit descriptors.
 */
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
    case 5:
      return 48;
    default:
      return 52;
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

/** Level at which a stage-1 walk of `inputBits` bits starts, from -1. */
export function stage1StartLevel(granule: u32, inputBits: u32): i32 {
  const stride = granule - 3;
  return 4 - i32((inputBits - granule + stride - 1) / stride);
}

/**
 * Level at which a stage-2 walk starts, 4 when the encoding is reserved for the granule (VTCR_EL2.{SL2, SL0}).
 * @param sl S2SL0, and S2SL0_2 as its bit 2.
 */
export function stage2StartLevel(granule: u32, sl: u32, lpa2: bool): i32 {
  const sl0 = sl & 3;
  if (granule == 12) {
    if (lpa2 && sl >= 4) return sl0 == 0 ? -1 : 4;
    return sl0 == 3 ? 4 : 2 - i32(sl0);
  }
  return sl0 == 3 && !(granule == 14 && lpa2) ? 4 : 3 - i32(sl0);
}

/**
 * Whether PAs of `paBits` (IDR5.OAS, whatever S2PS says) are wide enough for the start
 * level that S2SL0 names: with narrow ones the highest level is done without, by
 * concatenation (DDI 0487 R_SRKBC, R_DXBSH).
 */
export function startLevelAllowed(granule: u32, sl0: u32, paBits: u32): bool {
  if (sl0 == 2) return paBits >= (granule == 14 ? <u32>42 : <u32>44);
  return sl0 != 3 || paBits == 52;
}

/** log2 of the bytes that one entry of a level covers. */
export function levelShift(granule: u32, level: i32): u32 {
  return granule + (granule - 3) * u32(3 - level);
}

/** IDR5.DS: CD.DS and STE.S2DS have their effect. */
export function dsImplemented(smmu: usize): bool {
  return bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_DS) != 0;
}

/** Bits of a PA: IDR5.OAS. */
export function oasBits(smmu: usize): u32 {
  return addressBits(bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_OAS));
}

// `lpa2` in what follows: tables of 4 or 16 KiB granules whose CD.DS or STE.S2DS gives
// them 52-bit addresses (FEAT_LPA2).

/**
 * Output size of a CD or STE that stays within what the SMMU has, and what the granule's
 * descriptors can say: more than 48 bits take 64 KiB granules or LPA2 (IHI 0070 section
 * 3.4).
 */
export function effectiveBits(smmu: usize, encoding: u32, granule: u32, lpa2: bool): u32 {
  const size = min(addressBits(encoding), oasBits(smmu));
  return granule == 16 || lpa2 ? size : min(size, 48);
}

/** Smallest TxSZ or S2T0SZ: 52-bit input takes 64 KiB granules or LPA2, and `large`, the feature that allows it. */
export function minTsz(granule: u32, lpa2: bool, large: bool): u32 {
  return (granule == 16 || lpa2) && large ? 12 : 16;
}

/**
 * Blocks exist at level 2; at level 1 for 4 KiB granules, for 64 KiB ones where addresses
 * have 52 bits, and for 16 KiB ones with LPA2; at level 0 for 4 KiB granules with LPA2.
 */
export function blockAllowed(smmu: usize, granule: u32, level: i32, lpa2: bool): bool {
  if (level == 2) return true;
  if (level == 1) return granule == 12 || (granule == 16 ? oasBits(smmu) == 52 : lpa2);
  return level == 0 && granule == 12 && lpa2;
}

/**
 * Address in a descriptor that points to (or maps) 2^shift bytes. With 64 KiB granules
 * bits [15:12] are address bits [51:48], where there are any; with LPA2 bits [49:48]
 * stand in place, and bits [9:8] are address bits [51:50].
 */
export function addressOf(smmu: usize, descriptor: u64, granule: u32, shift: u32, lpa2: bool): u64 {
  if (lpa2)
    return (
      (descriptor & 0x0003ffffffffffff & (u64(-1) << u64(shift))) | (((descriptor >> 8) & 3) << 50)
    );
  const address = descriptor & 0x0000ffffffffffff & (u64(-1) << u64(shift));
  return granule == 16 && oasBits(smmu) == 52
    ? address | (((descriptor >> 12) & 0xf) << 48)
    : address;
}

/** Address of the first table, of 2^log2size bytes. Where outputs have 52 bits it is aligned to 64 bytes at least. */
export function tableBase(ttb: u64, log2size: u32, outputBits: u32): u64 {
  return alignedDown(ttb, outputBits == 52 ? max(log2size, 6) : log2size);
}

/**
 * `value` without its low bits: a table lies at a multiple of its size, and the SMMU
 * ignores what a driver leaves below.
 */
export function alignedDown(value: u64, log2size: u32): u64 {
  return value & (u64(-1) << u64(log2size));
}
