// SPDX-License-Identifier: MIT
// Serialises words into a structure of the uAPI.

/** Little-endian words as bytes. */
export function littleEndian(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
}
