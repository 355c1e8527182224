// The shape of translation tables: granules, levels, address sizes (DDI 0487 section D8.2), and the encodings of the fields that choose them.

import { SMMU_AT_IDR5 } from '../layout/host-memory';
import { IDR5_OAS } from '../layout/smmu-registers';
import { bits } from '../lib/fields';

/** Bits of an address of IDR5.OAS / CD.IPS / STE.S2PS encoding. 7 (56 bits) acts as 6: the model has no 128-bit descriptors. */
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

/** Level at which a stage-1 walk of `inputBits` bits starts. */
export function stage1StartLevel(granule: u32, inputBits: u32): u32 {
  const stride = granule - 3;
  return <u32>4 - (inputBits - granule + stride - 1) / stride;
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

/** Bits of a PA: IDR5.OAS. */
export function oasBits(smmu: usize): u32 {
  return addressBits(bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_OAS));
}

/**
 * Output size of a CD or STE that stays within what the SMMU has, and what the granule's descriptors can say: more than 48 bits take 64 KiB
 * granules (IHI 0070 section 3.4).
 */
export function effectiveBits(smmu: usize, encoding: u32, granule: u32): u32 {
  const size = min(addressBits(encoding), oasBits(smmu));
  return granule == 16 ? size : min(size, 48);
}

/** Smallest TxSZ or S2T0SZ: 52-bit input takes 64 KiB granules and `large`, the feature that allows it. */
export function minTsz(granule: u32, large: bool): u32 {
  return granule == 16 && large ? 12 : 16;
}

/** Blocks exist at level 1 for 4 KiB granules, and for 64 KiB ones where addresses have 52 bits; at level 2 for all. */
export function blockAllowed(smmu: usize, granule: u32, level: u32): bool {
  return level == 2 || (level == 1 && (granule == 12 || (granule == 16 && oasBits(smmu) == 52)));
}

/** Address in a descriptor that points to (or maps) 2^shift bytes. With 64 KiB granules bits [15:12] are address bits [51:48], where there are any. */
export function addressOf(smmu: usize, descriptor: u64, granule: u32, shift: u32): u64 {
  const address = descriptor & 0x0000ffffffffffff & (u64(-1) << u64(shift));
  return granule == 16 && oasBits(smmu) == 52 ? address | (((descriptor >> 12) & 0xf) << 48) : address;
}

/** Address of the first table, of 2^log2size bytes. Where outputs have 52 bits it is aligned to 64 bytes at least. */
export function tableBase(ttb: u64, log2size: u32, outputBits: u32): u64 {
  return alignedDown(ttb, outputBits == 52 ? max(log2size, 6) : log2size);
}

/** `value` without its low bits: a table lies at a multiple of its size, and the SMMU ignores what a driver leaves below. */
export function alignedDown(value: u64, log2size: u32): u64 {
  return value & (u64(-1) << u64(log2size));
}
