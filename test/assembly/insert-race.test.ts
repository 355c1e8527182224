// SPDX-License-Identifier: MIT
// Events during a walk, simulated on one thread: the core's guest port is replaced by one
// that calls a function in the middle of the walk, exactly when the leaf descriptor is
// read.

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_WRITE } from '../../assembly/layout/access.ts';
import { ATS_GRANTED_SHIFT } from '../../assembly/layout/ats-results.ts';
import { SMMU_AT_CR0 } from '../../assembly/layout/smmu-memory.ts';
import { THREAD_TLB_DISCARDS } from '../../assembly/layout/thread-memory.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import type { SmmuCoreExports } from '../../assembly/unit-exports.ts';
import { separateCheckedModules } from '../support/findings.ts';
import { Harness, RAM_GPA } from '../support/unit-harness.ts';

const SID = 5;
const CD = 0x80200000;
const TABLE = 0x80201000;
const DATA = 0x80300000n;
const IOVA = 0x40_1000n;

const words = (iova: bigint) => [Number(iova & 0xffffffffn), Number(iova >> 32n)] as const;

class RacingHarness extends Harness {
  /** Called once, after the stage-1 leaf has been read. */
  onLeafRead: (() => void) | undefined;
  readonly #core: SmmuCoreExports;

  constructor(modules: Awaited<ReturnType<typeof separateCheckedModules>>) {
    super(modules, {});
    const leaf = TABLE + 1 * 8 - RAM_GPA;
    this.#core = this.unit.coreLoading((offset, real) => {
      const value = real(offset);
      if (offset === leaf && this.onLeafRead) {
        const run = this.onLeafRead;
        this.onLeafRead = undefined;
        run();
      }
      return value;
    });
  }

  race(iova: bigint): number {
    return this.#core.translate(this.smmu, SID, -1, ...words(iova), 0);
  }

  /** An ATS request that also asks for write permission. */
  request(iova: bigint): number {
    return this.#core.translationRequest(this.smmu, SID, -1, ...words(iova), ACCESS_WRITE);
  }
}

let h: RacingHarness;
beforeEach(async () => {
  h = new RacingHarness(await separateCheckedModules());
  // Stage 1 only, VMID 7, one level: T0SZ 39 (25 bits) starts at level 2 for 4 KiB; the
  // table at TABLE serves as levels 2 and 3.
  h.ste(SID, [0x1_8020_000bn, 0xd6n, 7n]);
  h.guestRam64(CD, (0x0001_6205_c000_3510n & ~0x3fn) | 39n | (1n << 45n));
  h.guestRam64(CD + 8, 0x1_8020_2000n);
  h.guestRam64(TABLE + 0x1000 + 2 * 8, 0x1_8020_1000n | 3n);
  h.guestRam64(TABLE + 8, 0x1_0000_0000n | DATA | 0xf47n);
  h.vcmdq(0, 1);
});

const clearLeaf = () => h.guestRam64(TABLE + 8, 0n);
function tlbi(d0: bigint, d1 = 0n): void {
  const slot = h.page0(4);
  h.put(slot, d0, d1);
  h.store(1, 4, slot + 1);
}

describe('an invalidation during a walk', () => {
  it.each([
    ['TLBI_NH_VA', 0x0001_0000_0000_0012n, IOVA],
    ['TLBI_NH_ASID', 0x0001_0000_0000_0011n, 0n],
    ['TLBI_S12_VMALL', 0x28n, 0n],
    ['TLBI_S2_IPA', 0x2an, 0x9000_0000n],
  ])('%s: the translation is used once and not cached', (_name, d0, d1) => {
    h.onLeafRead = () => {
      clearLeaf();
      tlbi(d0, d1);
    };
    expect(h.race(IOVA)).toBe(TRANSLATE_OK);
    expect(h.race(IOVA)).toBe(TRANSLATE_ABORT);
    expect(h.unit.threadBlock.count(THREAD_TLB_DISCARDS)).toBe(1);
  });

  it('of another VMID does not prevent the translation from being cached', () => {
    const { context } = h.vcmdq(0, 1);
    context.vmid = 9;
    h.onLeafRead = () => {
      clearLeaf();
      tlbi(0x0001_0007_0000_0012n, IOVA);
    };
    expect(h.race(IOVA)).toBe(TRANSLATE_OK);
    expect(h.race(IOVA)).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x1 Address=0x401000']);
  });

  it('TLBI_NSNH_ALL of the host: not cached', () => {
    h.onLeafRead = () => {
      clearLeaf();
      h.mainCommand(0x30n);
    };
    expect(h.race(IOVA)).toBe(TRANSLATE_OK);
    expect(h.race(IOVA)).toBe(TRANSLATE_ABORT);
  });

  it('CFGI_STE and TLBI during a walk remove every trace of the old configuration', () => {
    h.onLeafRead = () => {
      h.ste(SID, [1n]);
      h.mainCommand(0x0000_0005_0000_0003n, 1n);
      tlbi(0x28n);
    };
    expect(h.race(IOVA)).toBe(TRANSLATE_OK);
    expect(h.race(IOVA)).toBe(TRANSLATE_ABORT);
  });
});

describe('an ATS request during which the page moves', () => {
  const READ = 1 << ATS_GRANTED_SHIFT;
  const READ_WRITE = 3 << ATS_GRANTED_SHIFT;
  /**
   * The page moves and is invalidated each time its descriptor is read, at most this many
   * times.
   */
  function moving(times: number): void {
    let moved = 0;
    const move = () => {
      if (++moved < times) h.onLeafRead = move;
      h.guestRam64(TABLE + 8, 0x1_0000_0000n | (DATA + BigInt(moved * 0x1000)) | 0xf47n);
      tlbi(0x0001_0000_0000_0012n, IOVA);
    };
    h.onLeafRead = move;
  }
  beforeEach(() => {
    h.set(SMMU_AT_CR0, 0x1d);
    // EATS 1.
    h.ste(SID, [0x1_8020_000bn, 0x1000_00d6n, 7n]);
  });

  it.each([0, 1])('%i times is granted the same page for reading and writing', (times) => {
    if (times > 0) moving(times);
    expect(h.request(IOVA)).toBe(READ_WRITE);
  });

  it('every time is granted reading alone: no two lookups find the same page', () => {
    moving(1000);
    expect(h.request(IOVA)).toBe(READ);
  });
});
