// SPDX-License-Identifier: MIT

/** The median of some values, the upper of two; NaN for none. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
