// SPDX-License-Identifier: MIT

/** Whether a number is a power of two from 1 to `most`, which is 2^32 or less. */
export const isPowerOfTwo = (value: number, most = 2 ** 32): boolean =>
  Number.isInteger(value) && value >= 1 && value <= most && Number.isInteger(Math.log2(value));
