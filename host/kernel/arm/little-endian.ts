// SPDX-License-Identifier: MIT
// Words as the bytes of a structure of the uapi.

/** Little-endian words as bytes. */
export function littleEndian(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
}
