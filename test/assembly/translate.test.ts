// SPDX-License-Identifier: MIT
// Translation on tables written word by word. Expected addresses and records are derived
// by hand from the SMMUv3 formats.

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_INSTRUCTION, ACCESS_PRIVILEGED } from '../../assembly/layout/access.ts';
import {
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_EVENTQ_BASE,
  SMMU_AT_EVENTQ_PROD,
  SMMU_AT_GBPA,
  SMMU_AT_IDR1,
  STAT_EVENTQ_ABORT,
  STAT_EVENTQ_OVERFLOW,
} from '../../assembly/layout/smmu-memory.ts';
import { THREAD_CFG_HITS, THREAD_TLB_HITS } from '../../assembly/layout/thread-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
} from '../../assembly/layout/translate-results.ts';
import { type Harness, harness, RAM_GPA } from '../support/unit-harness.ts';

const SID = 5;
// Guest RAM: CD, then stage-1 tables level 0 to 3, then data.
const CD = 0x80200000n;
const [L0, L1, L2, L3] = [0x80201000n, 0x80202000n, 0x80203000n, 0x80204000n];
const DATA = 0x80300000n;
// Host RAM: stage-2 tables, level 0 to 3.
const [S2L0, S2L1, S2L2, S2L3] = [0x20000, 0x21000, 0x22000, 0x23000];
const IOVA = 0x0000_4030_2010_1000n;
/** Table indexes of IOVA, level 0 to 3. */
const INDEXES = [0x80n, 0xc0n, 0x100n, 0x101n];

// STE: Config 7 (nested), S1ContextPtr; S2VMID 7, S2 as Linux writes it for 48 bits
// (0x53590, S2AA64, S2PTW, S2R) with S2TTB in host RAM.
const nestedSte = [
  0x8020_000fn,
  0xd6n,
  (0x0005_3590n << 32n) | (1n << 51n) | (1n << 54n) | (1n << 58n) | 7n,
  BigInt(S2L0),
];
const stage2Ste = [0xdn, 0n, nestedSte[2] ?? 0n, BigInt(S2L0)];
// CD dword 0 of Linux for 48-bit VA, 4 KiB, ASID 1, with R = 1 and A = 1.
const CD0 = 0x0001_6205_c000_3510n | (1n << 45n);

let h: Harness;
const read64 = (gpa: bigint) => h.guestBytes.getBigUint64(Number(gpa) - RAM_GPA, true);

function mapStage2(ipa: bigint, descriptor: bigint): void {
  h.hostRam64(S2L0 + Number((ipa >> 39n) & 0x1ffn) * 8, BigInt(S2L1) | 3n);
  h.hostRam64(S2L1 + Number((ipa >> 30n) & 0x1ffn) * 8, BigInt(S2L2) | 3n);
  h.hostRam64(S2L2 + Number((ipa >> 21n) & 0x1ffn) * 8, descriptor);
}

beforeEach(async () => {
  h = await harness();
  expect([39n, 30n, 21n, 12n].map((shift) => (IOVA >> shift) & 0x1ffn)).toEqual(INDEXES);
  // Stage 2: 2 MiB blocks, IPA 0x80200000 and 0x80400000 to window 1 at the same address:
  // S2AP RW, AF, MemAttr 0xf, SH 3.
  mapStage2(0x80200000n, 0x1_8020_07fdn);
  h.hostRam64(S2L2 + 2 * 8, 0x1_8040_07fdn);
  h.guestRam64(Number(CD), CD0);
  h.guestRam64(Number(CD) + 8, L0);
  h.guestRam64(Number(L0) + 0x80 * 8, L1 | 3n);
  h.guestRam64(Number(L1) + 0xc0 * 8, L2 | 3n);
  h.guestRam64(Number(L2) + 0x100 * 8, L3 | 3n);
  h.guestRam64(Number(L3) + 0x101 * 8, DATA | 0xf47n);
  h.ste(SID, nestedSte);
});

const leaf = (descriptor: bigint) => h.guestRam64(Number(L3) + 0x101 * 8, descriptor);
const cd0 = (value: bigint) => h.guestRam64(Number(CD), value);

describe('a nested translation', () => {
  it('returns the PA of the page in the machine’s window', () => {
    expect(h.translate(SID, IOVA + 0x123n)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_0123n });
  });

  it('is cached: it still succeeds after the descriptor has been cleared, until TLBI_NH_VA and CMD_SYNC', () => {
    const { queue } = h.vcmdq(0, 1);
    h.translate(SID, IOVA);
    leaf(0n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    h.put(0, 0x0001_0000_0000_0012n, IOVA | 1n);
    h.put(1, 0x46n);
    h.store(1, 4, 2);
    expect(queue.cons).toBe(2);
    expect(h.write(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    // F_TRANSLATION, SID 5, unprivileged data write, stage 1, class IN.
    expect(h.events()).toEqual([['500000010', '20000000000', IOVA.toString(16), '0']]);
  });

  it('tags entries by ASID and VMID: TLBI of another ASID or VMID leaves the entry alone', () => {
    const { context } = h.vcmdq(0, 1, { vmid: 8 });
    h.translate(SID, IOVA);
    leaf(0n);
    const tlbi: [bigint, bigint][] = [
      [0x0001_0007_0000_0012n, IOVA],
      [0x0001_0007_0000_0011n, 0n],
      [0x0000_0007_0000_0028n, 0n],
    ];
    tlbi.forEach(([d0, d1], slot) => {
      h.put(slot, d0, d1);
    });
    h.store(1, 4, 3);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    context.vmid = 7;
    h.put(3, 0x0002_0007_0000_0012n, IOVA);
    h.store(1, 4, 4);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x1 Address=0x403020101000']);
  });

  it.each([
    ['TLBI_NH_ASID', 0x0001_0000_0000_0011n, 0n],
    ['TLBI_S12_VMALL', 0x28n, 0n],
    [
      'TLBI_NH_VA of a range that covers it',
      0x0001_0000_0030_0012n | (1n << 12n),
      (IOVA - 0x8000n) | (1n << 10n),
    ],
    [
      'TLBI_NH_VA of two pages, it the second one',
      0x0001_0000_0000_1012n,
      (IOVA - 0x1000n) | (1n << 10n),
    ],
    [
      'TLBI_NH_VA of three pages, it the second one',
      0x0001_0000_0000_2012n,
      (IOVA - 0x1000n) | (1n << 10n),
    ],
    [
      'TLBI_NH_VA of a range larger than the TLB',
      0x0001_0000_0170_0012n | (31n << 12n),
      (IOVA - 0x1000_0000n) | (1n << 10n),
    ],
  ])('%s removes the entry', (_name, d0, d1) => {
    h.vcmdq(0, 1);
    h.translate(SID, IOVA);
    leaf(0n);
    h.put(0, d0, d1);
    h.store(1, 4, 1);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
  });

  it('TLBI_NH_VA of one page of 64 KiB around it removes the entry, which an SMMU may keep', () => {
    h.vcmdq(0, 1);
    h.translate(SID, IOVA);
    leaf(0n);
    h.put(0, 0x0001_0000_0000_0012n, (IOVA - 0x1000n) | (3n << 10n) | (3n << 8n));
    h.store(1, 4, 1);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    // Its tables have another granule.
    expect(h.findings().map(({ because }) => because)).toEqual([expect.stringContaining('TG')]);
  });

  it('TLBI_NH_VA of two pages removes a block of which it covers the first one', () => {
    h.vcmdq(0, 1);
    const block = IOVA & ~0x1fffffn;
    h.guestRam64(Number(L2) + 0x100 * 8, 0x80400000n | 0xf45n);
    expect(h.translate(SID, block).status).toBe(TRANSLATE_OK);
    h.guestRam64(Number(L2) + 0x100 * 8, 0n);
    h.put(0, 0x0001_0000_0000_1012n, (block - 0x1000n) | (1n << 10n));
    h.store(1, 4, 1);
    expect(h.translate(SID, block).status).toBe(TRANSLATE_ABORT);
  });

  it('TLBI_NH_VA of a range that ends one page below leaves the entry alone', () => {
    h.vcmdq(0, 1);
    h.translate(SID, IOVA);
    leaf(0n);
    // (0 + 1) << 3 pages of 4 KiB up to IOVA - 1.
    h.put(0, 0x0001_0000_0030_0012n, (IOVA - 0x8000n) | (1n << 10n));
    h.store(1, 4, 1);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    expect(h.missing()).toEqual(['TLBI_NH_VA VMID=0x7 ASID=0x1 Leaf=0x1 Address=0x403020101000']);
  });

  it('a stage-1 block over smaller stage-2 pages is invalidated as a whole by one TLBI_NH_VA', () => {
    h.vcmdq(0, 1);
    h.hostRam64(S2L2 + 8, BigInt(S2L3) | 3n);
    for (let i = 0; i < 512; i++)
      h.hostRam64(S2L3 + i * 8, (0x1_8020_0000n + BigInt(i) * 0x1000n) | 0x7ffn);
    h.guestRam64(Number(L2) + 0x100 * 8, 0x80200000n | 0xf45n);
    const block = IOVA & ~0x1fffffn;
    expect(h.translate(SID, block + 0x5000n)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8020_5000n });
    h.guestRam64(Number(L2) + 0x100 * 8, 0n);
    expect(h.translate(SID, block + 0x5000n).status).toBe(TRANSLATE_OK);
    h.put(0, 0x0001_0000_0000_0012n, block);
    h.store(1, 4, 1);
    expect(h.translate(SID, block + 0x5000n).status).toBe(TRANSLATE_ABORT);
  });

  it('whole-VMID invalidation kills by generation, without a visit to the entry', () => {
    h.vcmdq(0, 1);
    h.translate(SID, IOVA);
    expect(h.tlbEntries(7)).toBe(1);
    h.put(0, 0x28n);
    h.store(1, 4, 1);
    expect(h.tlbEntries(7)).toBe(1);
    leaf(0n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
  });

  it('counts hits of the IOTLB and of the configuration cache', () => {
    h.translate(SID, IOVA);
    h.translate(SID, IOVA);
    const count = (field: number) => h.unit.threadBlock.count(field);
    expect([count(THREAD_TLB_HITS), count(THREAD_CFG_HITS)]).toEqual([1, 1]);
  });
});

describe('faults of a nested translation', () => {
  const iova = IOVA.toString(16);
  const cases: [string, () => void, number, string[]][] = [
    ['invalid leaf: F_TRANSLATION', () => leaf(0n), 0, ['500000010', '20800000000', iova, '0']],
    [
      'invalid level-1 table: F_TRANSLATION',
      () => h.guestRam64(Number(L1) + 0xc0 * 8, 0n),
      0,
      ['500000010', '20800000000', iova, '0'],
    ],
    [
      'block type at level 3: F_TRANSLATION',
      () => leaf(DATA | 0xf45n),
      0,
      ['500000010', '20800000000', iova, '0'],
    ],
    [
      'block at level 0: F_TRANSLATION',
      () => h.guestRam64(Number(L0) + 0x80 * 8, 0xf45n),
      0,
      ['500000010', '20800000000', iova, '0'],
    ],
    ['AF clear: F_ACCESS', () => leaf(DATA | 0xb47n), 0, ['500000012', '20800000000', iova, '0']],
    [
      'privileged instruction fetch of a PXN page: F_PERMISSION',
      () => leaf(DATA | 0xf47n | (1n << 53n)),
      ACCESS_PRIVILEGED | ACCESS_INSTRUCTION,
      ['500000013', '20e00000000', iova, '0'],
    ],
    [
      'unprivileged access to a privileged page: F_PERMISSION',
      () => leaf(DATA | 0xf07n),
      0,
      ['500000013', '20800000000', iova, '0'],
    ],
    [
      'IPA that stage 2 does not map: F_TRANSLATION with S2 and the IPA',
      () => leaf(0x9000_0000n | 0xf47n),
      0,
      ['500000010', '28800000000', iova, '90000000'],
    ],
    [
      'stage-1 table at an IPA that stage 2 does not map: class TT',
      () => h.guestRam64(Number(L1) + 0xc0 * 8, 0x9000_0003n),
      0,
      ['500000010', '18800000000', iova, '90000000'],
    ],
    [
      'stage-1 output above IPS: F_ADDR_SIZE',
      () => {
        cd0(CD0 & ~(7n << 32n));
        leaf(0x1_0000_0000n | 0xf47n);
      },
      0,
      ['500000011', '20800000000', iova, '0'],
    ],
    [
      'stage-1 table in another machine’s window: F_WALK_EABT',
      () => h.hostRam64(S2L2 + 8, 0x2_8020_07fdn),
      0,
      ['500000009', '0', '0', '280200000'],
    ],
    [
      'CD at an IPA that stage 2 does not map: class CD',
      () => h.ste(SID, [0x9020_000fn, ...nestedSte.slice(1)]),
      0,
      ['500000010', '8800000000', iova, '90200000'],
    ],
  ];
  it.each(cases)('%s', (_name, breakIt, attributes, record) => {
    breakIt();
    expect(h.translate(SID, IOVA, attributes).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([record]);
  });

  it('write to a read-only page: F_PERMISSION also when a read has cached it', () => {
    leaf(DATA | 0xfc7n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    expect(h.write(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500000013', '20000000000', iova, '0']]);
  });

  it('write to a page that stage 2 makes read-only: F_PERMISSION of stage 2 with the IPA', () => {
    h.hostRam64(S2L2 + 8, 0x1_8020_077dn);
    expect(h.write(SID, IOVA + 0x10n).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([
      ['500000013', '28000000000', (IOVA + 0x10n).toString(16), '80300000'],
    ]);
  });

  it('a faulting translation is not cached', () => {
    leaf(0n);
    h.translate(SID, IOVA);
    leaf(DATA | 0xf47n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
  });

  it('CD.R = 0 suppresses the record, STE.S2R = 0 that of stage 2', () => {
    cd0(CD0 & ~(1n << 45n));
    leaf(0n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    leaf(0x9000_0000n | 0xf47n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toHaveLength(1);
  });

  it('outside T0SZ, and in the disabled upper half: F_TRANSLATION', () => {
    h.translate(SID, 0x0001_0000_0000_0000n);
    h.translate(SID, 0xffff_8000_0000_0000n);
    expect(h.events().map((record) => record[0])).toEqual(['500000010', '500000010']);
  });
});

describe('stream table entries', () => {
  const bad: [string, () => void, string][] = [
    ['V = 0: C_BAD_STE', () => h.ste(SID, [0xen, ...nestedSte.slice(1)]), '500000004'],
    [
      'S2AA64 = 0: C_BAD_STE',
      () =>
        h.ste(SID, [nestedSte[0] ?? 0n, 0xd6n, (nestedSte[2] ?? 0n) & ~(1n << 51n), BigInt(S2L0)]),
      '500000004',
    ],
    [
      'S2T0SZ that does not fit S2SL0: C_BAD_STE',
      () =>
        h.ste(SID, [
          nestedSte[0] ?? 0n,
          0xd6n,
          ((nestedSte[2] ?? 0n) & ~(0x3fn << 32n)) | (39n << 32n),
          BigInt(S2L0),
        ]),
      '500000004',
    ],
    [
      'S2TG reserved: C_BAD_STE',
      () =>
        h.ste(SID, [nestedSte[0] ?? 0n, 0xd6n, (nestedSte[2] ?? 0n) | (3n << 46n), BigInt(S2L0)]),
      '500000004',
    ],
    [
      'S1CDMax above IDR1.SSIDSIZE: C_BAD_STE',
      () => {
        h.set(SMMU_AT_IDR1, 0x014a0050);
        h.ste(SID, [(nestedSte[0] ?? 0n) | (2n << 59n), ...nestedSte.slice(1)]);
      },
      '500000004',
    ],
    ['CD.V = 0: C_BAD_CD', () => cd0(CD0 & ~(1n << 31n)), '50000000a'],
    ['CD.AA64 = 0: C_BAD_CD', () => cd0(CD0 & ~(1n << 41n)), '50000000a'],
    ['T0SZ of 15: C_BAD_CD', () => cd0((CD0 & ~0x3fn) | 15n), '50000000a'],
    ['TG0 reserved: C_BAD_CD', () => cd0(CD0 | 0xc0n), '50000000a'],
    ['CD.A = 0 with TERM_MODEL: C_BAD_CD', () => cd0(CD0 & ~(1n << 46n)), '50000000a'],
  ];
  it.each(bad)('%s', (_name, breakIt, word) => {
    breakIt();
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([[word, '0', '0', '0']]);
  });

  it('of an SMMU without substreams: S1CDMax, S1DSS and S1Fmt are ignored, and a SubstreamID is C_BAD_SUBSTREAMID', () => {
    // S1CDMax 10, 2-level CD tables, S1DSS 0: with substreams F_STREAM_DISABLED, or
    // tables that do not exist.
    h.ste(SID, [(nestedSte[0] ?? 0n) | (10n << 59n) | (2n << 4n), 0xd4n, ...nestedSte.slice(2)]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    expect(h.translate(SID, IOVA, 0, 3).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500003008', '0', '0', '0']]);
  });

  it('CD.ENDI: C_BAD_CD, unless both halves are disabled', () => {
    const [endi, epd0] = [1n << 15n, 1n << 14n];
    // EPD1 is 1.
    cd0(CD0 | endi);
    h.translate(SID, IOVA);
    cd0(CD0 | endi | epd0);
    h.mainCommand(4n, 31n);
    h.translate(SID, IOVA);
    expect(h.events().map(([first]) => first)).toEqual(['50000000a', '500000010']);
  });

  it('a SubstreamID without substreams: C_BAD_SUBSTREAMID, whose SubstreamID needs no SSV', () => {
    expect(h.translate(SID, IOVA, 0, 3).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500003008', '0', '0', '0']]);
  });

  it('StreamID beyond the table: C_BAD_STREAMID, only with CR2.RECINVSID', () => {
    expect(h.translate(256, IOVA).status).toBe(TRANSLATE_ABORT);
    h.set(SMMU_AT_CR2, 0);
    expect(h.translate(256, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['10000000002', '0', '0', '0']]);
  });

  it('Config 0 aborts without a record', () => {
    h.ste(SID, [1n]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([]);
  });

  it('Config 4 bypasses: the address is the PA', () => {
    h.ste(SID, [9n]);
    expect(h.translate(SID, 0x1_8030_0040n)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_0040n });
    expect(h.translate(SID, 1n << 48n).status).toBe(TRANSLATE_ABORT);
    expect(h.events().map((record) => record[0])).toEqual(['500000011']);
  });

  it('Config 6 translates the address as an IPA, tagged by VMID alone', () => {
    h.vcmdq(0, 1);
    h.ste(SID, stage2Ste);
    expect(h.translate(SID, 0x8030_0040n)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_0040n });
    h.hostRam64(S2L2 + 8, 0n);
    expect(h.translate(SID, 0x8030_0040n).status).toBe(TRANSLATE_OK);
    // TLBI_S2_IPA of the block.
    h.put(0, 0x2an, 0x8020_0000n);
    h.store(1, 4, 1);
    expect(h.translate(SID, 0x8030_0040n).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500000010', '28800000000', '80300040', '80300000']]);
  });

  it.each([
    ['CFGI_STE', 0x0000_0005_0000_0003n, 1n],
    ['CFGI_STE_RANGE', 0x0000_0004_0000_0004n, 1n],
    ['CFGI_ALL', 0x04n, 31n],
  ])('a changed STE takes effect with %s, not before', (_name, d0, d1) => {
    h.translate(SID, IOVA);
    h.ste(SID, [1n]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    h.mainCommand(0x0000_0006_0000_0003n, 1n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    h.mainCommand(d0, d1);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
  });

  it.each([
    ['CFGI_CD', 0x0000_0005_0000_0005n],
    ['CFGI_CD_ALL', 0x0000_0005_0000_0006n],
  ])('a changed CD takes effect with %s', (_name, d0) => {
    h.translate(SID, IOVA);
    cd0(CD0 & ~(1n << 31n));
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_OK);
    h.mainCommand(d0, 1n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
  });
});

describe('the SMMU as a whole', () => {
  it('SMMUEN = 0 bypasses or aborts, depending on GBPA', () => {
    h.set(SMMU_AT_CR0, 0);
    expect(h.translate(SID, 0x1_8030_0000n)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_0000n });
    h.set(SMMU_AT_GBPA, 1 << 20);
    expect(h.translate(SID, 0x1_8030_0000n).status).toBe(TRANSLATE_ABORT);
  });

  it('a full event queue toggles OVFLG once and loses the record', () => {
    leaf(0n);
    for (let i = 0; i < 18; i++) h.translate(SID, IOVA);
    expect(h.get(SMMU_AT_EVENTQ_PROD)).toBe(0x8000_0010);
    expect(h.stat(STAT_EVENTQ_OVERFLOW)).toBe(2);
  });

  it('an event queue outside memory loses the record and reports an error', () => {
    h.hostBytes.setBigUint64(h.smmu + SMMU_AT_EVENTQ_BASE, 0x9_0000_0000n, true);
    leaf(0n);
    h.translate(SID, IOVA);
    expect([h.stat(STAT_EVENTQ_ABORT), h.get(SMMU_AT_EVENTQ_PROD)]).toEqual([1, 0]);
  });

  it('EVENTQEN = 0: faults leave no record', () => {
    h.set(SMMU_AT_CR0, 0x9);
    leaf(0n);
    h.translate(SID, IOVA);
    expect(h.get(SMMU_AT_EVENTQ_PROD)).toBe(0);
  });

  it('without TERM_MODEL, CD.A = 0 makes a stage-1 fault read as zero', () => {
    h.set(0x0c, 0x0144141b);
    cd0(CD0 & ~(1n << 46n));
    leaf(0n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_RAZWI);
  });

  it('a machine reaches no memory but its own window: another machine’s PA is an external abort', async () => {
    h.hostRam64(S2L2 + 8, 0x1_8020_07fdn);
    const other = await harness({ host: h, window: 2, thread: 2 });
    expect(other.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events().map((record) => record[0])).toEqual(['500000009']);
    expect(read64(DATA)).toBe(0n);
  });
});
