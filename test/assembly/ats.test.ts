// SPDX-License-Identifier: MIT
// ATS: translation requests, translated transactions, and the ATC, on tables written word
// by word. Completions, records and commands are derived by hand from IHI 0070 sections
// 3.9.1, 4.5.1 and 13.7.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
import {
  ATC_OFF,
  ATC_ON,
  ATC_PORT_STRIDE,
  ATC_PORT_UNEXPECTED,
  ATC_SILENT,
  SMMU_AT_ATC,
  SMMU_AT_ATC_TIMEOUT,
} from '../../assembly/layout/ats-memory.ts';
import {
  ATC_DENIED,
  ATC_REFUSED,
  ATS_CA,
  ATS_GRANTED_SHIFT,
  ATS_SUCCESS,
  ATS_UR,
} from '../../assembly/layout/ats-results.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_PARKED,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_IDR0,
  SMMU_AT_IDR1,
  SMMU_AT_IDR5,
  SMMU_AT_PARKED,
  SMMU_AT_STALLED,
  STAT_ATC_TIMEOUT,
} from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_ABORT } from '../../assembly/layout/translate-results.ts';
import { type QueueBlock, writeActions } from '../../devices/unit/index.ts';
import { type Harness, harness, IDR0, IDR1 } from '../support/unit-harness.ts';

const SID = 5;
const CD = 0x80200000n;
const [L0, L1, L2, L3] = [0x80201000n, 0x80202000n, 0x80203000n, 0x80204000n];
const IOVA = 0x0000_4030_2010_1000n;
const window1 = (gpa: bigint) => gpa | 0x1_0000_0000n;
const PAGE = window1(0x80300000n);
// Stage-1 page descriptors: AF, nG, SH, AP unprivileged read-write; and the same,
// read-only (AP[7]).
const READ_WRITE = PAGE | 0xf43n;
const READ_ONLY = PAGE | 0xfc3n;
const R = 1 << ATS_GRANTED_SHIFT;
const RW = 3 << ATS_GRANTED_SHIFT;
// CD dword 0 of Linux (48-bit VA, 4 KiB, ASID 1) with A = 1 and R = 1.
const CD0 = 0x0001_6205_c000_3510n;
const EATS = 0x1000_0000n;
/** SMMU_IDR0.ATS. */
const ATS = 1 << 10;
const RECINVSID = 2;
const REC_CFG_ATS = 8;

const CONS = 0x00;
const PROD = 0x04;
const GERROR = 0x10;
const GERRORN = 0x14;
const SYNC = 0x46n;
/** TLBI_NH_ASID of ASID 1; the VMID is that of the queue. */
const NH_ASID = 0x0001_0000_0000_0011n;
/** The guest's StreamID is 8. */
const ATC_INV = 0x0000_0008_0000_0040n;
const ALL = 52n;

let h: Harness;

/** Config 5 with EATS 1; the CD is in guest RAM. */
function stream(dw0 = 0x1_8020_000bn, dw1 = 0xd6n | EATS): void {
  h.ste(SID, [dw0, dw1, 7n]);
  h.mainCommand((BigInt(SID) << 32n) | 0x03n);
}
const map = (descriptor: bigint, page = 0) =>
  h.guestRam64(Number(L3) + (0x101 + page) * 8, descriptor);
const request = (attributes = ACCESS_WRITE, { sid = SID, ssid = -1, iova = IOVA } = {}) => {
  h.unit.core.accessBegin();
  const completion = h.unit.core.translationRequest(
    h.smmu,
    sid,
    ssid,
    Number(iova & 0xffffffffn),
    Number(iova >> 32n),
    attributes,
  );
  h.unit.core.accessEnd();
  return completion;
};
const block = () => [h.unit.threadBlock.pa, h.unit.threadBlock.paLog2size];

beforeEach(async () => {
  h = await harness();
  h.set(SMMU_AT_CR0, 0x1d);
  stream();
  h.guestRam64(Number(CD), CD0);
  h.guestRam64(Number(CD) + 8, window1(L0));
  h.guestRam64(Number(L0) + 0x80 * 8, window1(L1) | 3n);
  h.guestRam64(Number(L1) + 0xc0 * 8, window1(L2) | 3n);
  h.guestRam64(Number(L2) + 0x100 * 8, window1(L3) | 3n);
  map(READ_WRITE);
});

describe('a translation request', () => {
  it('grants reading and writing with the block', () => {
    expect(request()).toBe(RW);
    expect(block()).toEqual([PAGE, 12]);
    expect(h.events()).toEqual([]);
  });

  it('with No-Write grants reading', () => {
    expect(request(0)).toBe(R);
  });

  it('for writing a read-only page grants reading, without an event', () => {
    map(READ_ONLY);
    expect(request()).toBe(R);
    expect(h.events()).toEqual([]);
  });

  it('of a block grants all of it', () => {
    h.guestRam64(Number(L2) + 0x100 * 8, window1(0x80400000n) | 0xf41n);
    expect(request()).toBe(RW);
    expect(block()).toEqual([window1(0x80501000n), 21]);
  });

  it('grants execution only on request, and only with a SubstreamID', () => {
    expect(request(ACCESS_WRITE | ACCESS_INSTRUCTION)).toBe(RW);
    h.set(SMMU_AT_IDR1, IDR1 | 0x500);
    // S1CDMax 1: the CD table has two entries, S1DSS 2.
    stream(0x0800_0001_8020_000bn);
    for (const word of [0, 8]) h.guestRam64(Number(CD) + 64 + word, word ? window1(L0) : CD0);
    expect(request(ACCESS_WRITE | ACCESS_INSTRUCTION, { ssid: 1 })).toBe(7 << ATS_GRANTED_SHIFT);
    expect(request(ACCESS_WRITE, { ssid: 1 })).toBe(RW);
  });

  it.each([
    ['nothing is mapped', 0n],
    ['AF is 0', READ_WRITE & ~0x400n],
    ['unprivileged accesses are not allowed', READ_WRITE & ~0x40n],
  ])('is denied, and nothing is recorded, when %s', (_, descriptor) => {
    map(descriptor);
    expect(request()).toBe(ATS_SUCCESS);
    expect(h.unit.threadBlock.paLog2size).toBe(12);
    expect(h.events()).toEqual([]);
  });

  it('is denied when the address is beyond OAS', () => {
    h.set(SMMU_AT_IDR5, 0x11);
    map(READ_WRITE | (1n << 40n));
    expect([request(), h.events()]).toEqual([ATS_SUCCESS, []]);
  });

  it('does not stall where an ordinary transaction would', () => {
    h.set(SMMU_AT_IDR0, IDR0 & ~0x03000000);
    h.guestRam64(Number(CD), CD0 | (1n << 44n));
    map(0n);
    expect([request(), h.get(SMMU_AT_STALLED)]).toEqual([ATS_SUCCESS, 0]);
  });

  it.each([
    ['for writing makes the page dirty', ACCESS_WRITE, RW, READ_WRITE],
    ['with No-Write does not', 0, R, READ_ONLY],
  ])('of a clean page %s', (_, attributes, granted, after) => {
    const DBM = 1n << 51n;
    h.set(SMMU_AT_IDR0, IDR0 | 0x80);
    // HA and HD.
    h.guestRam64(Number(CD), CD0 | (3n << 42n));
    map(READ_ONLY | DBM);
    expect(request(attributes)).toBe(granted);
    expect(h.guestBytes.getBigUint64(Number(L3) - 0x80000000 + 0x101 * 8, true)).toBe(after | DBM);
  });

  // F_BAD_ATS_TREQ: StreamID and ID, nothing, the input address.
  const BAD_REQUEST = [['500000005', '0', IOVA.toString(16), '0']];
  it.each([
    ['EATS 0', () => stream(undefined, 0xd6n), BAD_REQUEST],
    ['EATS 3, which is reserved', () => stream(undefined, 0xd6n | (3n * EATS)), BAD_REQUEST],
    ['Config 4, whatever EATS says', () => stream(0x9n), BAD_REQUEST],
    ['SMMUEN 0', () => h.set(SMMU_AT_CR0, 0x1c), BAD_REQUEST],
    [
      'an SMMU without ATS, whatever EATS says',
      () => h.set(SMMU_AT_IDR0, IDR0 & ~ATS),
      BAD_REQUEST,
    ],
    ['Config 0, without a record', () => stream(0x1n), []],
  ])('ends with Unsupported Request: %s', (_, configure, records) => {
    configure();
    expect(request()).toBe(ATS_UR);
    expect(h.events()).toEqual(records);
  });

  it('ends with Unsupported Request for EATS 0 although the CD is invalid as well', () => {
    stream(undefined, 0xd6n);
    h.guestRam64(Number(CD), 0n);
    expect([request(), h.events()]).toEqual([ATS_UR, BAD_REQUEST]);
  });

  it.each([
    ['STE.V 0', () => stream(0n), ['500000004', '0', '0', '0']],
    [
      'EATS 2, which needs split-stage ATS',
      () => stream(undefined, 0xd6n | (2n * EATS)),
      ['500000004', '0', '0', '0'],
    ],
    ['an invalid CD', () => h.guestRam64(Number(CD), 0n), ['50000000a', '0', '0', '0']],
    [
      'a CD outside memory',
      () => stream(0x7_8020_000bn),
      ['500000009', '0', '0', 0x7_8020_0000n.toString(16)],
    ],
  ])('ends with Completer Abort, recorded with REC_CFG_ATS only: %s', (_, configure, record) => {
    configure();
    expect(request()).toBe(ATS_CA);
    expect(h.events()).toEqual([]);
    h.set(SMMU_AT_CR2, RECINVSID | REC_CFG_ATS);
    expect(request()).toBe(ATS_CA);
    expect(h.events()).toEqual([record]);
  });

  it.each([
    [0, 0],
    [RECINVSID, 0],
    [REC_CFG_ATS, 0],
    [RECINVSID | REC_CFG_ATS, 1],
  ])(
    'of a StreamID beyond the table ends with Completer Abort; with CR2 %i %i records',
    (cr2, records) => {
      h.set(SMMU_AT_CR2, cr2);
      expect(request(0, { sid: 0x100 })).toBe(ATS_CA);
      expect(h.events().length).toBe(records);
    },
  );

  it('is granted everything where S1DSS bypasses stage 1', () => {
    h.set(SMMU_AT_IDR1, IDR1 | 0x500);
    // S1CDMax 1, S1DSS 1.
    stream(0x0800_0001_8020_000bn, 0xd5n | EATS);
    expect(request(ACCESS_WRITE, { iova: 0x1_2345_6000n })).toBe(RW);
    expect(block()).toEqual([0x1_2345_6000n, 12]);
  });
});

describe('an STE with EATS 2', () => {
  it('is illegal for ordinary transactions as well', () => {
    stream(undefined, 0xd6n | (2n * EATS));
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['500000004', '0', '0', '0']]);
  });
});

describe('an ATC', () => {
  let port: number;
  let queue: QueueBlock;
  let prod: number;
  beforeEach(() => {
    prod = 0;
    port = h.unit.core.atcSetMode(h.smmu, SID, ATC_ON);
    const vcmdq = h.vcmdq(0, 1);
    vcmdq.context.setSidReplace(0, SID);
    vcmdq.context.setSidMatch(0, (8 << 1) | 1);
    queue = vcmdq.queue;
  });

  const access = (attributes = ACCESS_WRITE, iova = IOVA, ssid = -1) =>
    h.unit.atcAccess(
      h.smmu,
      port,
      SID,
      ssid,
      Number(iova & 0xffffffffn),
      Number(iova >> 32n),
      attributes,
    );
  const send = (...commands: readonly (readonly [bigint, bigint?])[]) => {
    for (const [d0, d1 = 0n] of commands) h.put(prod++ % 16, d0, d1);
    h.store(1, PROD, prod);
  };

  it('keeps using translations that are unmapped and invalidated in the TLB until an ATC_INV', () => {
    expect([access(), block()]).toEqual([ATS_SUCCESS, [PAGE, 12]]);
    map(0n);
    send([NH_ASID], [SYNC]);
    expect([access(ACCESS_WRITE, IOVA + 0x18n), block()]).toEqual([
      ATS_SUCCESS,
      [PAGE + 0x18n, 12],
    ]);
    send([ATC_INV, ALL], [SYNC]);
    expect(access()).toBe(ATC_DENIED);
    expect(h.page0(CONS)).toBe(4);
    expect(h.events()).toEqual([]);
  });

  it.each([
    ['of its page', IOVA, 0n, ATC_DENIED],
    ['of a span that holds it', IOVA & ~0xffffn, 4n, ATC_DENIED],
    ['of a span whose start is not aligned', IOVA + 0x3000n, 4n, ATC_DENIED],
    ['of the page after it', IOVA + 0x1000n, 0n, ATS_SUCCESS],
    ['of everything', 0n, ALL, ATC_DENIED],
    ['of a size above 52', 0n, 63n, ATC_DENIED],
  ])('loses what an ATC_INV %s covers', (_, address, size, after) => {
    access();
    map(0n);
    send([NH_ASID], [SYNC], [ATC_INV, address | size], [SYNC]);
    expect(access()).toBe(after);
  });

  it('loses a block to the ATC_INV of one of its pages', () => {
    h.guestRam64(Number(L2) + 0x100 * 8, window1(0x80400000n) | 0xf41n);
    access();
    h.guestRam64(Number(L2) + 0x100 * 8, 0n);
    send([NH_ASID], [SYNC], [ATC_INV, IOVA + 0x55000n], [SYNC]);
    expect(access()).toBe(ATC_DENIED);
  });

  describe('with PASIDs', () => {
    /** ASID 2; the page of the second CD follows that of the first. */
    const CD1 = 0x0002_6205_c000_3510n;
    const PASID_PAGE = PAGE + 0x1000n;
    const [M0, M1, M2, M3] = [0x80206000n, 0x80207000n, 0x80208000n, 0x80209000n];
    /** SSV and SubstreamID 1. */
    const ONE = 0x1800n;
    const GLOBAL = 0x200n;
    const NH_ASID_2 = 0x0002_0000_0000_0011n;
    beforeEach(() => {
      // S1CDMax 1: two CDs; S1DSS 2.
      h.set(SMMU_AT_IDR1, IDR1 | 0x500);
      stream(0x0800_0001_8020_000bn);
      h.guestRam64(Number(CD) + 64, CD1);
      h.guestRam64(Number(CD) + 72, window1(M0));
      h.guestRam64(Number(M0) + 0x80 * 8, window1(M1) | 3n);
      h.guestRam64(Number(M1) + 0xc0 * 8, window1(M2) | 3n);
      h.guestRam64(Number(M2) + 0x100 * 8, window1(M3) | 3n);
      mapOne(READ_WRITE + 0x1000n);
    });
    const mapOne = (descriptor: bigint) => h.guestRam64(Number(M3) + 0x101 * 8, descriptor);
    const both = (attributes = ACCESS_WRITE) => [access(attributes), access(attributes, IOVA, 1)];
    const unmapBoth = () => {
      map(0n);
      mapOne(0n);
      send([NH_ASID], [NH_ASID_2], [SYNC]);
    };

    it('keeps the address spaces apart', () => {
      expect([access(), block()]).toEqual([ATS_SUCCESS, [PAGE, 12]]);
      expect([access(ACCESS_WRITE, IOVA, 1), block()]).toEqual([ATS_SUCCESS, [PASID_PAGE, 12]]);
      unmapBoth();
      expect([access(), block()]).toEqual([ATS_SUCCESS, [PAGE, 12]]);
      expect([access(ACCESS_WRITE, IOVA, 1), block()]).toEqual([ATS_SUCCESS, [PASID_PAGE, 12]]);
      // CD 0 is for transactions without a PASID: F_STREAM_DISABLED.
      expect(access(ACCESS_WRITE, IOVA, 0)).toBe(ATS_CA);
    });

    it.each([
      ['a PASID: only its own', ATC_INV | ONE, [ATS_SUCCESS, ATC_DENIED]],
      ['another PASID: nothing', ATC_INV | 0x2800n, [ATS_SUCCESS, ATS_SUCCESS]],
      ['PASID 0: not what has none', ATC_INV | 0x800n, [ATS_SUCCESS, ATS_SUCCESS]],
      ['a PASID and Global: everything', ATC_INV | ONE | GLOBAL, [ATC_DENIED, ATC_DENIED]],
      ['no PASID: everything', ATC_INV, [ATC_DENIED, ATC_DENIED]],
      ['no PASID, whatever Global says', ATC_INV | GLOBAL, [ATC_DENIED, ATC_DENIED]],
    ])('loses to an ATC_INV with %s', (_, command, after) => {
      both();
      unmapBoth();
      send([command, IOVA], [SYNC]);
      expect([both(), h.page0(CONS)]).toEqual([after, 5]);
    });

    it('with an SMMU without PASIDs ignores SSV', () => {
      both();
      unmapBoth();
      h.set(SMMU_AT_IDR1, IDR1);
      send([ATC_INV | 0x800n, ALL], [SYNC]);
      expect(access()).toBe(ATC_DENIED);
    });

    it('grants a privileged and an unprivileged access each its own', () => {
      // AP[1] 0: no unprivileged access.
      mapOne((READ_WRITE + 0x1000n) & ~0x40n);
      expect(access(0, IOVA, 1)).toBe(ATC_DENIED);
      expect(access(ACCESS_PRIVILEGED, IOVA, 1)).toBe(ATS_SUCCESS);
      expect(access(0, IOVA, 1)).toBe(ATC_DENIED);
      unmapBoth();
      expect(access(ACCESS_PRIVILEGED, IOVA, 1)).toBe(ATS_SUCCESS);
      send([ATC_INV | ONE, ALL], [SYNC]);
      expect(access(ACCESS_PRIVILEGED, IOVA, 1)).toBe(ATC_DENIED);
    });

    it('requests again for an instruction fetch, which a page without UXN grants', () => {
      expect(access(0, IOVA, 1)).toBe(ATS_SUCCESS);
      expect(access(ACCESS_INSTRUCTION, IOVA, 1)).toBe(ATS_SUCCESS);
      unmapBoth();
      expect(access(ACCESS_INSTRUCTION, IOVA, 1)).toBe(ATS_SUCCESS);
      send([ATC_INV, ALL], [SYNC]);
      mapOne((READ_WRITE + 0x1000n) | (1n << 54n));
      expect([access(0, IOVA, 1), access(ACCESS_INSTRUCTION, IOVA, 1)]).toEqual([
        ATS_SUCCESS,
        ATC_DENIED,
      ]);
    });
  });

  it('requests again for an access that was not granted', () => {
    map(READ_ONLY);
    expect([access(0), access()]).toEqual([ATS_SUCCESS, ATC_DENIED]);
    map(READ_WRITE);
    send([NH_ASID], [SYNC]);
    expect(access()).toBe(ATS_SUCCESS);
  });

  it('of 32 entries evicts the oldest', () => {
    for (let page = 0; page <= 32; page++) map(READ_WRITE + BigInt(page << 12), page);
    for (let page = 0n; page <= 32n; page++)
      expect(access(0, IOVA + (page << 12n))).toBe(ATS_SUCCESS);
    for (let page = 0; page <= 32; page++) map(0n, page);
    send([NH_ASID], [SYNC]);
    expect([access(0, IOVA + 0x20000n), access(0, IOVA + 0x1000n), access(0)]).toEqual([
      ATS_SUCCESS,
      ATS_SUCCESS,
      ATC_DENIED,
    ]);
  });

  it('delays the CMD_SYNC after an ATC_INV while an access uses an entry', () => {
    const { core } = h.unit;
    core.accessBegin();
    expect(access()).toBe(ATS_SUCCESS);
    send([ATC_INV, ALL], [SYNC]);
    expect(h.page0(CONS)).toBe(1);
    core.accessEnd();
    h.unit.drain.serveParked(h.smmu);
    expect(h.page0(CONS)).toBe(2);
  });

  it('is refused by ATSCHK when its STE has lost EATS, and not without ATSCHK', () => {
    access();
    stream(undefined, 0xd6n);
    expect(access()).toBe(ATC_REFUSED);
    // F_TRANSL_FORBIDDEN of a write to the translated address.
    expect(h.events()).toEqual([['500000007', '0', PAGE.toString(16), '0']]);
    expect(access(0)).toBe(ATC_REFUSED);
    expect(h.events()).toEqual([['500000007', '800000000', PAGE.toString(16), '0']]);
    h.set(SMMU_AT_CR0, 0xd);
    expect([access(), h.events()]).toEqual([ATS_SUCCESS, []]);
    h.set(SMMU_AT_CR0, 0xc);
    expect([access(), h.events().length]).toEqual([ATC_REFUSED, 1]);
  });

  it('that is turned off has no entries, and its port is free', () => {
    access();
    h.unit.core.atcSetMode(h.smmu, SID, ATC_OFF);
    expect(access()).toBe(ATS_UR);
    expect(h.unit.core.atcSetMode(h.smmu, 6, ATC_ON)).toBe(port);
    map(0n);
    expect(
      h.unit.atcAccess(h.smmu, port, 6, -1, Number(IOVA & 0xffffffffn), Number(IOVA >> 32n), 0),
    ).not.toBe(ATS_SUCCESS);
  });

  it('ports are limited, and a StreamID has one', () => {
    for (let sid = 6; sid < 5 + 64; sid++)
      expect(h.unit.core.atcSetMode(h.smmu, sid, ATC_ON)).toBe(sid - 5);
    expect(h.unit.core.atcSetMode(h.smmu, 100, ATC_ON)).toBe(-1);
    expect(h.unit.core.atcSetMode(h.smmu, SID, ATC_ON)).toBe(port);
  });

  describe('of an endpoint that does not answer', () => {
    beforeEach(() => {
      access();
      h.unit.core.atcSetMode(h.smmu, SID, ATC_SILENT);
      h.set(SMMU_AT_ATC_TIMEOUT, 100000);
    });

    it('delays the next CMD_SYNC until the answer', () => {
      send([ATC_INV, ALL], [NH_ASID], [SYNC], [NH_ASID]);
      expect([queue.state, h.page0(CONS), h.get(SMMU_AT_PARKED)]).toEqual([QUEUE_PARKED, 2, 1]);
      h.unit.drain.serveParked(h.smmu);
      expect(h.page0(CONS)).toBe(2);
      h.unit.core.atcSetMode(h.smmu, SID, ATC_ON);
      expect([h.unit.drain.serveParked(h.smmu), h.page0(CONS), queue.state]).toEqual([
        0,
        4,
        QUEUE_RUNNING,
      ]);
    });

    it('does not delay a CMD_SYNC of another queue', () => {
      send([ATC_INV, ALL]);
      h.mainCommand(SYNC);
      expect(h.get(SMMU_AT_PARKED)).toBe(0);
    });

    it('makes the CMD_SYNC fail with CERROR_ATC_INV_SYNC after the timeout; repeated it is complete', () => {
      h.set(SMMU_AT_ATC_TIMEOUT, 0);
      send([ATC_INV, ALL], [SYNC], [NH_ASID], [SYNC]);
      h.unit.drain.serveParked(h.smmu);
      expect([queue.state, queue.error, queue.cons, h.stat(STAT_ATC_TIMEOUT)]).toEqual([
        QUEUE_ERROR_HELD,
        3,
        1,
        1,
      ]);
      h.unit.drain.publishError(h.smmu, 0);
      // CONS: RD 1, ERR 3.
      expect([h.page0(CONS), h.page0(GERROR)]).toEqual([0x0300_0001, 1]);
      h.store(1, GERRORN, 1);
      expect([h.page0(CONS), queue.state, h.get(SMMU_AT_PARKED)]).toEqual([4, QUEUE_RUNNING, 0]);
    });

    it('cuts it off after the timeout, until its ATS is set up again', () => {
      h.set(SMMU_AT_ATC_TIMEOUT, 0);
      send([ATC_INV, ALL], [SYNC]);
      h.unit.drain.serveParked(h.smmu);
      expect([access(), h.events()]).toEqual([ATC_REFUSED, []]);
      h.unit.core.atcSetMode(h.smmu, SID, ATC_ON);
      expect(access()).toBe(ATS_SUCCESS);
    });

    it('leaves it no translation when it has been cut off', () => {
      h.set(SMMU_AT_ATC_TIMEOUT, 0);
      map(0n);
      send([NH_ASID], [ATC_INV, ALL], [SYNC]);
      h.unit.drain.serveParked(h.smmu);
      // Set up again, and still without an answer to anything.
      h.unit.core.atcSetMode(h.smmu, SID, ATC_SILENT);
      expect(access()).toBe(ATC_DENIED);
    });
  });

  it('is told of no response from before its ATS was set up again', () => {
    const unexpected = () => h.get(SMMU_AT_ATC + port * ATC_PORT_STRIDE + ATC_PORT_UNEXPECTED);
    // IDR0.PRI. CMD_PRI_RESP (Success) of group 3, for which nothing waits.
    writeActions(h.hostMemory, 0, IDR0 | 0x10000);
    h.mainCommand((BigInt(SID) << 32n) | 0x41n, 0x2003n);
    expect(unexpected()).toBe(1);
    h.unit.core.atcSetMode(h.smmu, SID, ATC_ON);
    expect(unexpected()).toBe(0);
  });
});
