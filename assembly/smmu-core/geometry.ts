// SPDX-License-Identifier: MIT
// The shape of translation tables: granules, levels, address sizes (DDI 0487 section
// D8.2), and the encodings of the fields that select them.

import { SMMU_AT_IDR5 } from '../layout/smmu-memory';
import { IDR5_DS, IDR5_OAS } from '../layout/smmu-registers';
import { bits } from '../lib/fields';

/**
 * The number of address bits that an encoding of IDR5.OAS, CD.IPS or STE.S2PS stands for.
 * 7 (56 bits) acts as 6, as the model has no 128-bit descriptors.
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
 * Level at which a stage-2 walk starts (VTCR_EL2.{SL2, SL0}), 4 when the encoding is
 * reserved for the granule.
 * @param sl S2SL0, with S2SL0_2 as bit 2.
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
 * Whether PAs of `paBits` (IDR5.OAS, regardless of S2PS) are wide enough for the start
 * level that S2SL0 selects. With fewer bits the highest level has to be left out, by
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

/** Whether IDR5.DS is set: CD.DS and STE.S2DS then have an effect. */
export function dsImplemented(smmu: usize): bool {
  return bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_DS) != 0;
}

/** The number of PA bits: IDR5.OAS. */
export function oasBits(smmu: usize): u32 {
  return addressBits(bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_OAS));
}

// `lpa2` below: a table of 4 or 16 KiB granules has 52-bit addresses because of CD.DS or
// STE.S2DS (FEAT_LPA2).

/**
 * Output size of a CD or STE, limited to what the SMMU implements and to what descriptors
 * of the granule can express: more than 48 bits need 64 KiB granules or LPA2 (IHI 0070
 * section 3.4).
 */
export function effectiveBits(smmu: usize, encoding: u32, granule: u32, lpa2: bool): u32 {
  const size = min(addressBits(encoding), oasBits(smmu));
  return granule == 16 || lpa2 ? size : min(size, 48);
}

/**
 * Smallest TxSZ or S2T0SZ: 52-bit input needs 64 KiB granules or LPA2, and `large`, the
 * feature that permits it.
 */
export function minTsz(granule: u32, lpa2: bool, large: bool): u32 {
  return (granule == 16 || lpa2) && large ? 12 : 16;
}

/**
 * Whether a level may have blocks: level 2 always; level 1 with 4 KiB granules, with 64
 * KiB granules and 52-bit addresses, and with 16 KiB granules and LPA2; level 0 with 4
 * KiB granules and LPA2.
 */
export function blockAllowed(smmu: usize, granule: u32, level: i32, lpa2: bool): bool {
  if (level == 2) return true;
  if (level == 1) return granule == 12 || (granule == 16 ? oasBits(smmu) == 52 : lpa2);
  return level == 0 && granule == 12 && lpa2;
}

/**
 * The address in a descriptor that points to (or maps) 2^shift bytes. With 64 KiB
 * granules and 52-bit addresses, descriptor bits [15:12] are address bits [51:48]. With
 * LPA2, descriptor bits [49:48] are those of the address, and bits [9:8] are address bits
 * [51:50].
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

/**
 * Address of the first table, of 2^log2size bytes. With 52-bit outputs it is aligned to
 * at least 64 bytes.
 */
export function tableBase(ttb: u64, log2size: u32, outputBits: u32): u64 {
  return alignedDown(ttb, outputBits == 52 ? max(log2size, 6) : log2size);
}

/**
 * `value` with its low bits cleared: a table is aligned to its size, and the SMMU ignores
 * the address bits below.
 */
export function alignedDown(value: u64, log2size: u32): u64 {
  return value & (u64(-1) << u64(log2size));
}
