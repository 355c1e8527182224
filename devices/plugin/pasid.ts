// SPDX-License-Identifier: MIT

/** Bits of a PASID (PCIe, PASID TLP Prefix). */
export const PASID_BITS = 20;

/** True when a DMA access can carry the value as its PASID. */
export function isPasid(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** PASID_BITS;
}
