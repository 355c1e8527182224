// SPDX-License-Identifier: MIT
// The beginning of a file, by which its format is recognized.

import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes in which the formats of kernels, and the foreign ones, are recognized. */
const HEAD_BYTES = 2048;

/** Empty when it cannot be read: that is reported when the file is loaded. */
export function headOf(path: string): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return head.subarray(0, readSync(file, head));
  } catch {
    return head.subarray(0, 0);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
