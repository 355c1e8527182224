// SPDX-License-Identifier: MIT
// Which changes between two readings of a stream's configuration need a CFGI. CDs are
// literal doublewords (IHI 0070 section 5.4).

import { describe, expect, it } from 'vitest';
import { missedChange } from '../../../vmm/inspect/sanitizer/structure-changes.ts';
import type { ConfigSuspect } from '../../../vmm/inspect/sanitizer/suspect.ts';

const [V, EPD1] = [1n << 31n, 1n << 30n];
/** V, AA64, R, A and EPD1; ASID 1. */
const VALID = 0x0001_6200_0000_0000n | EPD1 | V;
const INVALID = VALID & ~V;
const [TTB0, OTHER_TTB0, TTB1] = [0x8001_0000n, 0x8002_0000n, 0x8003_0000n];
const STE = [1n, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
const cd = (word0: bigint, ttb0: bigint, ttb1 = 0n) => [word0, ttb0, ttb1, 0n, 0n, 0n, 0n, 0n];

/** A CD that was read as one image, and as the other with this many CFGIs in between. */
function missed(cfgis: 0 | 1, old: readonly bigint[], now: readonly bigint[]) {
  const suspect = {
    kind: 'CD',
    readings: { cfgis, before: 0, cds: true },
    ste: { old: STE, now: STE },
    cd: { old, now },
  };
  return missedChange(suspect as unknown as ConfigSuspect);
}

describe('a CD that has changed between two readings', () => {
  it('needs no CFGI for fields that an SMMU does not use while the CD is invalid', () => {
    expect(missed(0, cd(INVALID, TTB0), cd(INVALID, OTHER_TTB0))).toBeUndefined();
    expect(missed(0, cd(INVALID, TTB0), cd(25n, OTHER_TTB0))).toBeUndefined();
  });

  it('needs one when it becomes invalid, and not one more for the table that no walk used', () => {
    const cleared = cd(INVALID & ~EPD1, TTB0, TTB1);
    expect(missed(0, cd(VALID, TTB0), cleared)).toBe('CD');
    expect(missed(1, cd(VALID, TTB0), cleared)).toBeUndefined();
  });

  it('needs one for each doubleword of a valid CD', () => {
    expect(missed(0, cd(VALID, TTB0), cd(VALID, OTHER_TTB0))).toBe('CD');
    expect(missed(1, cd(VALID, TTB0), cd(VALID, OTHER_TTB0))).toBeUndefined();
    expect(missed(1, cd(INVALID, TTB0), cd(VALID, OTHER_TTB0))).toBe('CD');
  });
});
