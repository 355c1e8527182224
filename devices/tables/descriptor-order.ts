// SPDX-License-Identifier: MIT

/** A descriptor of big-endian tables, read as a little-endian word, and the other way round. */
export function byteSwapped(word: bigint): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, word, true);
  return view.getBigUint64(0, false);
}
