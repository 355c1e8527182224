// SPDX-License-Identifier: MIT
// Start levels of stage-2 walks: all combinations of granule, size of PAs (IDR5.OAS),
// S2T0SZ and S2SL0. The rules are implemented again here (DDI 0487 section D8.2, R_SRKBC,
// R_DXBSH; IHI 0070 section 5.2).

import { describe, expect, it } from 'vitest';
import { SMMU_AT_IDR5 } from '../../assembly/layout/smmu-memory.ts';
import { type Harness, harness } from '../support/unit-harness.ts';

const SID = 5;
/** IDR5.OAS encodings 0 to 6. */
const PA_BITS = [32, 36, 40, 42, 44, 48, 52];
/** 4, 16 and 64 KiB. */
const IDR5_GRANULES = 0x70;
const IDR5_DS = 0x80;
const S2DS = 8n;

interface Granule {
  readonly tg: bigint;
  readonly bits: number;
  /** Level of the first table by S2SL0; undefined where that is reserved. */
  readonly levels: readonly (number | undefined)[];
  /** Minimum size of PAs for S2SL0 = 2. */
  readonly highest: number;
  readonly smallestTsz: number;
}

const GRANULES: readonly (readonly [string, Granule])[] = [
  ['4 KiB', { tg: 0n, bits: 12, levels: [2, 1, 0, undefined], highest: 44, smallestTsz: 16 }],
  ['16 KiB', { tg: 2n, bits: 14, levels: [3, 2, 1, undefined], highest: 42, smallestTsz: 16 }],
  ['64 KiB', { tg: 1n, bits: 16, levels: [3, 2, 1, undefined], highest: 44, smallestTsz: 12 }],
];

function legal(granule: Granule, paBits: number, t0sz: number, sl0: number): boolean {
  const level = granule.levels[sl0];
  if (level === undefined || (sl0 === 2 && paBits < granule.highest)) return false;
  if (t0sz < Math.max(granule.smallestTsz, 64 - paBits) || t0sz > 39) return false;
  const perTable = granule.bits - 3;
  const index = 64 - t0sz - granule.bits - (3 - level) * perTable;
  return index >= 1 && index <= perTable + 4;
}

// Config 6, VMID 7, S2AA64, S2R, S2PS 7 (acts as OAS); the first table is zeroed memory.
function refused(h: Harness, granule: Granule, t0sz: number, sl0: number, word3 = 0n): boolean {
  const shape = (granule.tg << 46n) | (BigInt(sl0) << 38n) | (BigInt(t0sz) << 32n);
  h.ste(SID, [0xdn, 0n, 7n | shape | (7n << 48n) | (1n << 51n) | (1n << 58n), word3]);
  h.mainCommand(4n, 31n);
  h.translate(SID, 0n);
  const [record = []] = h.events();
  return record[0] === '500000004';
}

describe('a stage-2 walk', () => {
  it.each(GRANULES)(
    'starts with %s granules where S2SL0, S2T0SZ and OAS allow it together',
    async (_name, granule) => {
      const h = await harness();
      const differ: string[] = [];
      let [walked, bad] = [0, 0];
      for (const [code, paBits] of PA_BITS.entries()) {
        h.set(SMMU_AT_IDR5, IDR5_GRANULES | code);
        for (let t0sz = 11; t0sz <= 40; t0sz++)
          for (let sl0 = 0; sl0 < 4; sl0++) {
            const isLegal = legal(granule, paBits, t0sz, sl0);
            if (isLegal) walked++;
            else bad++;
            if (refused(h, granule, t0sz, sl0) === isLegal)
              differ.push(`OAS ${paBits}, S2T0SZ ${t0sz}, S2SL0 ${sl0}: ${isLegal}`);
          }
      }
      expect(differ).toEqual([]);
      expect([walked > 20, bad > 500]).toEqual([true, true]);
    },
  );

  it('starts at level 0 of 40 bits in 4 KiB granules only where PAs have 44', async () => {
    const h = await harness();
    const [[, granule]] = GRANULES as [(typeof GRANULES)[0]];
    const bad = [2, 4].map((code) => {
      h.set(SMMU_AT_IDR5, IDR5_GRANULES | code);
      return refused(h, granule, 24, 2);
    });
    expect(bad).toEqual([true, false]);
  });

  it('starts at level 0 in 16 KiB granules with S2DS and PAs of 52 bits alone', async () => {
    const h = await harness();
    const [, [, granule]] = GRANULES as [(typeof GRANULES)[0], (typeof GRANULES)[0]];
    const results = [
      [6, IDR5_DS, S2DS],
      [5, IDR5_DS, S2DS],
      [6, IDR5_DS, 0n],
      [6, 0, S2DS],
    ] as const;
    const bad = results.map(([code, ds, word3]) => {
      h.set(SMMU_AT_IDR5, IDR5_GRANULES | code | ds);
      return refused(h, granule, 16, 3, word3);
    });
    expect(bad).toEqual([false, true, true, true]);
  });
});
