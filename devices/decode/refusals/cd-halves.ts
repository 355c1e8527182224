// SPDX-License-Identifier: MIT
// The two halves of the addresses that a CD translates (IHI 0070 section 5.4): the fields
// of TTB0 and TTB1.

import * as CD from '../../../assembly/layout/cd.ts';
import { type Field, fieldOf } from '../../plugin/index.ts';
import type { Granule } from '../../tables/index.ts';
import type { Words } from '../structure.ts';
import { BY_TG0, BY_TG1 } from './table-shape-refusals.ts';

/** One half of the addresses. */
export interface CdHalf {
  readonly number: 0 | 1;
  readonly name: 'lower' | 'upper';
  readonly off: Field;
  readonly tsz: Field;
  readonly tg: Field;
  readonly granules: readonly (Granule | undefined)[];
  readonly tbi: Field;
  readonly had: Field;
  readonly ttb: readonly [lo: Field, hi: Field];
}

/** The halves by number, which is bit 55 of an address. */
export const CD_HALVES: readonly [CdHalf, CdHalf] = [
  {
    number: 0,
    name: 'lower',
    off: CD.CD_EPD0,
    tsz: CD.CD_T0SZ,
    tg: CD.CD_TG0,
    granules: BY_TG0,
    tbi: CD.CD_TBI0,
    had: CD.CD_HAD0,
    ttb: [CD.CD_TTB0_LO, CD.CD_TTB0_HI],
  },
  {
    number: 1,
    name: 'upper',
    off: CD.CD_EPD1,
    tsz: CD.CD_T1SZ,
    tg: CD.CD_TG1,
    granules: BY_TG1,
    tbi: CD.CD_TBI1,
    had: CD.CD_HAD1,
    ttb: [CD.CD_TTB1_LO, CD.CD_TTB1_HI],
  },
];

/** Address of a half's first table, from its CD. */
export function tableBaseOf(cd: Words, { ttb: [lo, hi] }: CdHalf): bigint {
  return (BigInt(fieldOf(cd, hi)) << 32n) | (BigInt(fieldOf(cd, lo)) << 4n);
}
