/**
 * An immediate mask (Arm ARM, DecodeBitMasks) of 64 bits, or 32. The encoding is not reserved.
 */
export function bitMask(n: number, imms: number, immr: number, wide: boolean): bigint {
  const log2 = n !== 0 ? 6 : 31 - Math.clz32(~imms & 0x3f);
  const size = 2 ** log2;
  const [s, r] = [imms & (size - 1), immr & (size - 1)];
  const all = (1n << BigInt(size)) - 1n;
  const ones = (1n << BigInt(s + 1)) - 1n;
  let mask = ((ones >> BigInt(r)) | (ones << BigInt(size - r))) & all;
  for (let width = size; width < 64; width *= 2) mask |= mask << BigInt(width);
  return wide ? mask : mask & 0xffff_ffffn;
}
