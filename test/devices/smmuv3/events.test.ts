// SPDX-License-Identifier: MIT
// Every event that can be provoked, end to end: a device with tables of literal words,
// and the record in the event queue's memory against bytes derived by hand from IHI 0070
// section 7.3.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  ACCESS_ATOMIC,
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../../assembly/layout/access.ts';
import { ATC_REFUSED, ATS_UR } from '../../../assembly/layout/ats-results.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
} from '../../../assembly/layout/translate-results.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { EVENTS } from '../../../devices/tables/index.ts';
import {
  CD,
  CD0,
  CONT_OF_TWO,
  EVENT_LINE,
  GERROR_LINE,
  NEIGHBOUR,
  PhysicalBoard,
  RAM_SIZE,
  SID,
  STE0,
  STE1,
  STE2,
  TABLES,
  TABLES2,
} from '../../support/physical-smmu.ts';

let board: PhysicalBoard;
beforeEach(() => {
  board = new PhysicalBoard();
});

const WRITE = { attributes: ACCESS_WRITE };
const ZERO = '0'.repeat(16);
const NO_RAM = BigInt(RAM_SIZE);

/** One transaction and its record: doublewords without trailing zeros. */
interface Case {
  readonly event: string;
  readonly when: string;
  readonly prepare?: () => void;
  readonly iova?: bigint;
  readonly access?: Parameters<PhysicalBoard['access']>[1];
  /** The endpoint has an ATC, and reads. */
  readonly ats?: boolean;
  /** Not a transaction, but a hint for this number of pages. */
  readonly hint?: number;
  readonly record: string;
}

const store = (pa: number, word: bigint) => board.ram.store64(pa, word);
const page = (index: number) => TABLES[2] + 8 * index;
const page2 = (ipaPage: number) => TABLES2[2] + 8 * ipaPage;
const substreams = (dss: bigint) => board.ste('s1', [STE0.s1 | (1n << 59n), (STE1 & ~3n) | dss]);

const CASES: readonly Case[] = [
  {
    event: 'F_UUT',
    when: 'an atomic operation',
    iova: 0x1234n,
    access: { attributes: ACCESS_WRITE | ACCESS_ATOMIC },
    record: '0000000500000001 0000000000000000 0000000000001234',
  },
  {
    event: 'F_UUT',
    when: 'an atomic operation, privileged and with a SubstreamID, while SMMUEN is 0',
    prepare: () => board.bus.write32(0x20, 0xc),
    iova: 0x1234n,
    access: { attributes: ACCESS_WRITE | ACCESS_ATOMIC | ACCESS_PRIVILEGED, ssid: 2 },
    record: '0000000500002801 0000000200000000 0000000000001234',
  },
  {
    event: 'F_UUT',
    when: 'planted: a privileged read',
    prepare: () => board.device.plantFault({ event: 'F_UUT', streamId: SID }),
    iova: 0x1234n,
    access: { attributes: ACCESS_PRIVILEGED },
    record: '0000000500000001 0000000a00000000 0000000000001234',
  },
  {
    event: 'F_UUT',
    when: 'planted, with a SubstreamID, while SMMUEN is 0',
    prepare: () => {
      board.bus.write32(0x20, 0xc);
      board.device.plantFault({ event: 'F_UUT', streamId: SID });
    },
    iova: 0x1234n,
    access: { ...WRITE, ssid: 2 },
    record: '0000000500002801 0000000000000000 0000000000001234',
  },
  {
    event: 'C_BAD_STREAMID',
    when: 'the StreamID is beyond the table',
    access: { sid: 64 },
    record: '0000004000000002',
  },
  {
    event: 'C_BAD_STREAMID',
    when: 'the StreamID has bits that no StreamID of this SMMU has',
    access: { sid: 0xfedc_ba98 | 0 },
    record: 'fedcba9800000002',
  },
  {
    event: 'F_STE_FETCH',
    when: 'the stream table is nowhere',
    prepare: () => {
      board.bus.write32(0x20, 0xc);
      board.bus.write64(0x80, NO_RAM);
      board.bus.write32(0x20, 0xd);
    },
    access: { ssid: 1 },
    record: '0000000500001803 0000000000000000 0000000000000000 0000000000100140',
  },
  {
    event: 'C_BAD_STE',
    when: 'V is 0',
    prepare: () => board.ste('s1', [0n]),
    record: '0000000500000004',
  },
  {
    event: 'F_BAD_ATS_TREQ',
    when: 'EATS is 0',
    iova: 0x1234n,
    ats: true,
    record: '0000000500000005 0000000000000000 0000000000001234',
  },
  {
    event: 'F_TRANSL_FORBIDDEN',
    when: 'EATS is 0 again, and the ATC has a translation',
    prepare: () => {
      board.bus.write32(0x20, 0x1d);
      board.ste('s1', [undefined, STE1 | (1n << 28n)]);
      board.atcAccess(0x1000n);
      board.ste('s1');
      board.invalidateAll();
    },
    iova: 0x1234n,
    ats: true,
    record: '0000000500000007 0000000800000000 0000000000040234',
  },
  {
    event: 'F_STREAM_DISABLED',
    when: 'there is no SubstreamID and S1DSS is 0',
    prepare: () => substreams(0n),
    record: '0000000500000006',
  },
  {
    event: 'F_STREAM_DISABLED',
    when: 'the SubstreamID is that of transactions without one',
    prepare: () => substreams(2n),
    access: { ssid: 0 },
    record: '0000000500000006',
  },
  {
    event: 'C_BAD_SUBSTREAMID',
    when: 'the stream has no substreams',
    access: { ssid: 3 },
    record: '0000000500003008',
  },
  {
    event: 'C_BAD_SUBSTREAMID',
    when: 'stage 1 is off',
    prepare: () => board.ste('s2'),
    access: { ssid: 0xfffff },
    record: '00000005fffff008',
  },
  {
    event: 'C_BAD_SUBSTREAMID',
    when: 'the level-1 descriptor points beyond OAS',
    prepare: () => {
      board.ste('s1', [STE0.s1 | (1n << 59n) | 0x10n]);
      store(CD, 0x0001_0000_0000_1001n);
    },
    access: { ssid: 1 },
    record: '0000000500001008',
  },
  {
    event: 'F_CD_FETCH',
    when: 'the CDs are nowhere',
    prepare: () => board.ste('s1', [NO_RAM | (1n << 59n) | 0xbn]),
    access: { ssid: 1 },
    record: '0000000500001809 0000000000000000 0000000000000000 0000000000100040',
  },
  {
    event: 'F_CD_FETCH',
    when: 'the level-1 table of the CDs is nowhere',
    // S1CDMax 7, S1Fmt 1: a descriptor for 64 SubstreamIDs.
    prepare: () => board.ste('s1', [NO_RAM | (7n << 59n) | 0x1bn]),
    access: { ssid: 65 },
    record: '0000000500041809 0000000000000000 0000000000000000 0000000000100008',
  },
  {
    event: 'C_BAD_CD',
    when: 'V is 0',
    prepare: () => store(CD, CD0 & ~0x8000_0000n),
    record: '000000050000000a',
  },
  {
    event: 'F_WALK_EABT',
    when: 'the last table of stage 1 is nowhere',
    prepare: () => store(TABLES[1], NO_RAM | 3n),
    iova: 0x1004n,
    access: WRITE,
    record: '000000050000000b 0000010000000000 0000000000001004 0000000000100008',
  },
  {
    event: 'F_WALK_EABT',
    when: 'the last table of stage 2 is nowhere, for the address of the CD',
    prepare: () => {
      board.ste('nested');
      store(TABLES2[1], NO_RAM | 3n);
    },
    iova: 0x1000n,
    record: '000000050000000b 0000008800000000 0000000000001000 0000000000100100',
  },
  {
    event: 'F_WALK_EABT',
    when: 'the last table of stage 2 is nowhere, for the address itself',
    prepare: () => {
      board.ste('s2');
      store(TABLES2[1], NO_RAM | 3n);
    },
    iova: 0x1000n,
    access: WRITE,
    record: '000000050000000b 0000028000000000 0000000000001000 0000000000100008',
  },
  {
    event: 'F_TRANSLATION',
    when: 'stage 1 has no page',
    iova: 0x2abcn,
    access: WRITE,
    record: '0000000500000010 0000020000000000 0000000000002abc',
  },
  {
    event: 'F_TRANSLATION',
    when: 'the top byte is not part of the range',
    iova: 0x1200_0000_0000_1000n,
    record: '0000000500000010 0000020800000000 1200000000001000',
  },
  {
    event: 'F_TRANSLATION',
    when: 'stage 2 has no page, for the address itself',
    prepare: () => board.ste('s2'),
    iova: 0x5abcn,
    access: WRITE,
    record: '0000000500000010 0000028000000000 0000000000005abc 0000000000005000',
  },
  {
    event: 'F_TRANSLATION',
    when: 'stage 2 has no page, for a table of stage 1',
    prepare: () => {
      board.ste('nested');
      store(page2(0x22), 0n);
    },
    iova: 0x1000n,
    record: '0000000500000010 0000018800000000 0000000000001000 0000000000022000',
  },
  {
    event: 'F_TRANSLATION',
    when: 'stage 2 has no page, for the CD',
    prepare: () => {
      board.ste('nested');
      store(page2(0x20), 0n);
    },
    iova: 0x1000n,
    record: '0000000500000010 0000008800000000 0000000000001000 0000000000020000',
  },
  {
    event: 'F_TRANSLATION',
    when: 'stage 2 has no page, for what stage 1 has made of the address',
    prepare: () => {
      board.ste('nested');
      store(page2(0x40), 0n);
    },
    iova: 0x1234n,
    access: WRITE,
    record: '0000000500000010 0000028000000000 0000000000001234 0000000000040000',
  },
  {
    event: 'F_ADDR_SIZE',
    when: 'a page is beyond IPS',
    prepare: () => {
      store(CD, CD0 & ~0x7_0000_0000n);
      store(page(1), 0x1_0000_0f47n);
    },
    iova: 0x1000n,
    record: '0000000500000011 0000020800000000 0000000000001000',
  },
  {
    event: 'F_ADDR_SIZE',
    when: 'a bypassing address is beyond OAS',
    prepare: () => board.ste('s1', [9n]),
    iova: 0x0001_0000_0000_0000n,
    access: WRITE,
    record: '0000000500000011 0000020000000000 0001000000000000',
  },
  {
    event: 'F_ADDR_SIZE',
    when: 'an address for stage 2 alone is beyond OAS: a fault of stage 1',
    prepare: () => board.ste('s2', [undefined, undefined, STE2 & ~(1n << 58n)]),
    iova: 0x0001_0000_0000_0000n,
    access: WRITE,
    record: '0000000500000011 0000020000000000 0001000000000000',
  },
  {
    event: 'F_ACCESS',
    when: 'AF is 0',
    iova: 0x4008n,
    record: '0000000500000012 0000020800000000 0000000000004008',
  },
  {
    event: 'F_PERMISSION',
    when: 'a read-only page is written',
    iova: 0x3000n,
    access: WRITE,
    record: '0000000500000013 0000020000000000 0000000000003000',
  },
  {
    event: 'F_PERMISSION',
    when: 'privileged code is fetched from a page that unprivileged code can write',
    iova: 0x1000n,
    access: { attributes: ACCESS_PRIVILEGED | ACCESS_INSTRUCTION },
    record: '0000000500000013 0000020e00000000 0000000000001000',
  },
  {
    event: 'F_PERMISSION',
    when: 'a write is data, whatever the bus says',
    iova: 0x3000n,
    access: { attributes: ACCESS_WRITE | ACCESS_INSTRUCTION },
    record: '0000000500000013 0000020000000000 0000000000003000',
  },
  {
    event: 'F_PERMISSION',
    when: 'stage 2 does not let a table of stage 1 be read: TTRnW 1',
    prepare: () => {
      board.ste('nested');
      store(page2(0x23), 0x237bfn);
    },
    iova: 0x1000n,
    access: WRITE,
    record: '0000000500000013 0000118000000000 0000000000001000 0000000000023000',
  },
  {
    event: 'F_PERMISSION',
    when: 'stage 2 does not let a table of stage 1 be updated: TTRnW 0',
    prepare: () => {
      board.ste('nested');
      store(CD, CD0 | (1n << 43n));
      store(page2(0x23), 0x2377fn);
    },
    iova: 0x4000n,
    record: '0000000500000013 0000018800000000 0000000000004000 0000000000023000',
  },
  {
    event: 'F_TLB_CONFLICT',
    when: 'planted: stage 1',
    prepare: () => board.device.plantFault({ event: 'F_TLB_CONFLICT', streamId: SID }),
    iova: 0x1234n,
    record: '0000000500000020 0000000800000000 0000000000001234',
  },
  {
    event: 'F_TLB_CONFLICT',
    when: 'planted: stage 2 gives the IPA',
    prepare: () => {
      board.ste('s2');
      board.device.plantFault({ event: 'F_TLB_CONFLICT', streamId: SID });
    },
    iova: 0x20234n,
    access: WRITE,
    record: '0000000500000020 0000008000000000 0000000000020234 0000000000020000',
  },
  {
    event: 'F_TLB_CONFLICT',
    when: 'a block where a page is live: no break and no TLBI before make',
    prepare: () => {
      board.access(0x3000n);
      store(TABLES[1], 0xf45n);
    },
    iova: 0x3000n,
    access: WRITE,
    record: '0000000500000020 0000000000000000 0000000000003000',
  },
  {
    event: 'F_CFG_CONFLICT',
    when: 'planted',
    prepare: () => board.device.plantFault({ event: 'F_CFG_CONFLICT', streamId: SID }),
    iova: 0x1234n,
    record: '0000000500000021',
  },
  {
    event: 'F_CFG_CONFLICT',
    when: 'a cached STE claims the stream by CONT, and is another one',
    prepare: () => {
      board.ste('s1', [undefined, STE1 | CONT_OF_TWO, STE2 + 1n], NEIGHBOUR);
      board.access(0x1000n, { sid: NEIGHBOUR });
    },
    record: '0000000500000021',
  },
  {
    event: 'F_CFG_CONFLICT',
    when: 'the STE claims a stream whose cached STE is another one',
    prepare: () => {
      board.ste('s1', [undefined, STE1 | CONT_OF_TWO, STE2 + 1n], NEIGHBOUR);
      board.access(0x1000n);
    },
    access: { sid: NEIGHBOUR },
    record: '0000000400000021',
  },
  {
    event: 'E_PAGE_REQUEST',
    when: 'a device expects to read',
    iova: 0x12345n,
    hint: 1,
    record: '0000000500000024 0000100800000000 0000000000012000',
  },
  {
    event: 'E_PAGE_REQUEST',
    when: 'a device expects to write privileged, with a SubstreamID',
    prepare: () => {
      substreams(2n);
      store(CD + 64, CD0);
    },
    iova: 0xffff_ffff_1234_5678n,
    access: { attributes: ACCESS_WRITE | ACCESS_PRIVILEGED, ssid: 1 },
    hint: 255,
    record: '0000000500001824 000ff04000000000 ffffffff12345000',
  },
  {
    event: 'E_PAGE_REQUEST',
    when: 'a device expects to fetch instructions',
    access: { attributes: ACCESS_INSTRUCTION },
    hint: 2,
    record: '0000000500000024 0000200200000000 0000000000001000',
  },
];

describe('records', () => {
  it.each(CASES)('$event: $when', ({ prepare, iova = 0x1000n, access, ats, hint, record }) => {
    prepare?.();
    if (hint !== undefined) board.hint(iova, hint, access);
    else if (ats) expect([ATS_UR, ATC_REFUSED]).toContain(board.atcAccess(iova));
    else expect(board.access(iova, access)).toBe(TRANSLATE_ABORT);
    expect(board.produced).toBe(1);
    const doublewords = record.split(' ');
    expect(board.record(0)).toBe(
      [...doublewords, ...Array.from({ length: 4 - doublewords.length }, () => ZERO)].join(' '),
    );
    board.host.poll();
    expect([
      board.host.pulses(EVENT_LINE),
      board.host.pulses(GERROR_LINE),
      board.bus.read32(0x60),
    ]).toEqual([1, 0, 0]);
  });

  it('cover every event that can be provoked according to the table', () => {
    const provoked = EVENTS.filter(({ provokedBy }) => provokedBy !== undefined).map(
      ({ name }) => name,
    );
    expect(new Set(CASES.map(({ event }) => event))).toEqual(new Set(provoked));
  });

  it('there is none without a fault', () => {
    expect(board.access(0x1000n, WRITE)).toBe(TRANSLATE_OK);
    expect(board.produced).toBe(0);
  });

  it('stage 1 has none without CD.R, stage 2 none without S2R, all others have one', () => {
    store(CD, CD0 & ~(1n << 45n));
    for (const iova of [0x2000n, 0x4000n]) expect(board.access(iova)).toBe(TRANSLATE_ABORT);
    board.ste('nested', [undefined, undefined, STE2 & ~(1n << 58n)]);
    store(page2(0x40), 0n);
    board.invalidateAll();
    expect(board.access(0x1000n)).toBe(TRANSLATE_ABORT);
    expect(board.produced).toBe(0);
    board.ste('s1', [0n]);
    board.invalidateAll();
    expect(board.access(0x1000n)).toBe(TRANSLATE_ABORT);
    expect(board.record(0)).toMatch(/^0000000500000004 /);
  });

  it('CD.A = 0 returns zeros for faults of a translation, and aborts for all others', () => {
    board = new PhysicalBoard({
      ...PHYSICAL_ID_REGISTERS,
      idr0: PHYSICAL_ID_REGISTERS.idr0 & ~(1 << 26),
    });
    store(CD, CD0 & ~(1n << 46n));
    expect(board.access(0x2000n)).toBe(TRANSLATE_RAZWI);
    store(TABLES[1], NO_RAM | 3n);
    expect(board.access(0x1000n)).toBe(TRANSLATE_ABORT);
    expect(board.produced).toBe(2);
  });
});
