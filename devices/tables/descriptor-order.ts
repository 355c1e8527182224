// SPDX-License-Identifier: MIT

/**
 * Swaps the bytes of a descriptor of big-endian tables that was read as a little-endian
 * word, or vice versa.
 */
export function byteSwapped(word: bigint): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, word, true);
  return view.getBigUint64(0, false);
}
