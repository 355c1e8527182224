// SPDX-License-Identifier: MIT
// Shapes of the tables of the matrix: granule, input bits, start level, level of the
// leaf.

import type { Geometry } from './scenario.ts';

function geometries(
  granule: bigint,
  sizes: readonly (readonly [bits: bigint, start: number])[],
): Geometry[] {
  const leaves = granule === 12n ? [1, 2, 3] : [2, 3];
  return sizes.flatMap(([bits, start]) =>
    leaves.filter((leaf) => leaf >= start).map((leaf) => ({ granule, bits, start, leaf })),
  );
}

export const STAGE1 = [
  ...geometries(12n, [
    [48n, 0],
    [40n, 0],
    [39n, 1],
    [31n, 1],
    [30n, 2],
    [25n, 2],
  ]),
  ...geometries(14n, [
    [48n, 0],
    [47n, 1],
    [37n, 1],
    [36n, 2],
    [26n, 2],
    [25n, 3],
  ]),
  ...geometries(16n, [
    [48n, 1],
    [43n, 1],
    [42n, 2],
    [30n, 2],
    [29n, 3],
    [25n, 3],
  ]),
];
/**
 * With the largest and the smallest first table of each start level, including 16
 * concatenated tables.
 */
export const STAGE2 = [
  ...geometries(12n, [
    [48n, 0],
    [40n, 0],
    [43n, 1],
    [40n, 1],
    [34n, 2],
    [25n, 2],
  ]),
  ...geometries(14n, [
    [48n, 1],
    [40n, 1],
    [40n, 2],
    [27n, 2],
  ]),
  ...geometries(16n, [
    [48n, 1],
    [46n, 2],
    [33n, 2],
    [33n, 3],
    [25n, 3],
  ]),
];

/** For an SMMU with 52-bit addresses, which without DS only 64 KiB granules have. */
export const WIDE_SHAPES = [
  ...geometries(16n, [
    [52n, 1],
    [43n, 1],
    [42n, 2],
  ]),
  { granule: 16n, bits: 52n, start: 1, leaf: 1 },
  { granule: 12n, bits: 48n, start: 0, leaf: 3 },
  { granule: 14n, bits: 47n, start: 1, leaf: 2 },
];

function withLeaves(
  granule: bigint,
  bits: bigint,
  start: number,
  leaves: readonly number[],
): Geometry[] {
  return leaves.map((leaf) => ({ granule, bits, start, leaf }));
}

/**
 * With DS, at stage 1: level -1 for 4 KiB granules, blocks one level higher; 64 KiB
 * granules are unchanged.
 */
export const DS_SHAPES = [
  ...withLeaves(12n, 52n, -1, [0, 1, 2, 3]),
  ...withLeaves(12n, 49n, -1, [3]),
  ...withLeaves(12n, 48n, 0, [0, 3]),
  ...withLeaves(12n, 39n, 1, [2]),
  ...withLeaves(14n, 52n, 0, [1, 2, 3]),
  ...withLeaves(14n, 47n, 1, [1, 3]),
  ...withLeaves(16n, 52n, 1, [1, 3]),
];

/**
 * The same at stage 2, with 16 concatenated tables instead of level -1, and of level 0 of
 * 16 KiB granules.
 */
export const DS_STAGE2 = [
  ...withLeaves(12n, 52n, -1, [0, 2, 3]),
  ...withLeaves(12n, 52n, 0, [0, 3]),
  ...withLeaves(12n, 48n, 0, [1]),
  ...withLeaves(14n, 52n, 0, [1, 3]),
  ...withLeaves(14n, 51n, 1, [1, 3]),
  ...withLeaves(16n, 52n, 1, [2]),
];
