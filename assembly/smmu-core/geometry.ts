// The shape of translation tables: granules, levels, address sizes (DDI 0487 section D8.2), and the encodings of the fields that choose them.

import { SMMU_AT_IDR5 } from '../layout/host-memory';
import { IDR5_OAS } from '../layout/smmu-registers';
import { bits } from '../lib/fields';

/** Bits of an address of IDR5.OAS / CD.IPS / STE.S2PS encoding. 6 (52 bits) and 7 act as 5: the model has 48-bit addresses. */
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

/** Encoding of the largest address size that the model has; IDR5.OAS may say less. */
export const LARGEST_OAS: u32 = 5;

/** Output size that stays within what the SMMU has: the smaller of the field and IDR5.OAS. */
export function effectiveBits(smmu: usize, encoding: u32): u32 {
  return min(addressBits(encoding), addressBits(bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_OAS)));
}

/** Blocks exist at level 1 for 4 KiB granules and at level 2 for all (level-1 blocks of 64 KiB granules need 52-bit addresses). */
export function blockAllowed(granule: u32, level: u32): bool {
  return level == 2 || (level == 1 && granule == 12);
}

/** Address in a descriptor that points to (or maps) 2^shift bytes. */
export function addressOf(descriptor: u64, shift: u32): u64 {
  return descriptor & 0x0000ffffffffffff & (u64(-1) << u64(shift));
}

/** `value` without its low bits: a table lies at a multiple of its size, and the SMMU ignores what a driver leaves below. */
export function alignedDown(value: u64, log2size: u32): u64 {
  return value & (u64(-1) << u64(log2size));
}
