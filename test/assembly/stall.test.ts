// SPDX-License-Identifier: MIT
// Stalls: records, the table of stalled transactions, RESUME and STALL_TERM, on tables
// written word by word. Records and commands are derived by hand from the SMMUv3 formats.

import { beforeEach, describe, expect, it } from 'vitest';
import { QUEUE_MAIN } from '../../assembly/layout/queue-memory.ts';
import {
  SMMU_AT_CR0,
  SMMU_AT_EVENTQ_BASE,
  SMMU_AT_EVENTQ_PROD,
  SMMU_AT_IDR0,
  SMMU_AT_IDR5,
  SMMU_AT_STALLED,
} from '../../assembly/layout/smmu-memory.ts';
import {
  STALL_ABORT,
  STALL_RAZWI,
  STALL_RETRY,
  STALL_WAITING,
} from '../../assembly/layout/stall-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_STALLED,
  TRANSLATE_WAIT,
} from '../../assembly/layout/translate-results.ts';
import { ContextBlock, QueueBlock, writeActions } from '../../devices/unit/index.ts';
import { type Harness, harness, IDR0, IDR5 } from '../support/unit-harness.ts';

const SID = 5;
/** Two more streams, which share SID's tables when they have its STE. */
const OTHER = 6;
const CD = 0x80200000n;
const [L0, L1, L2, L3] = [0x80201000n, 0x80202000n, 0x80203000n, 0x80204000n];
const IOVA = 0x0000_4030_2010_1000n;
/** Without STALL_MODEL; and also with TERM_MODEL 0. */
const STALLS = IDR0 & ~0x03000000;
const STALLS_RAZWI = STALLS & ~0x04000000;

// CD dword 0 of Linux (48-bit VA, 4 KiB, ASID 1) with A = 1; S is bit 44, R bit 45.
const CD0 = 0x0001_4205_c000_3510n;
const S = 1n << 44n;
const RESUME = (sid: number, flags: bigint) => (BigInt(sid) << 32n) | flags | 0x44n;
const RETRY = 0x1000n;
/** Config 5; the CD is in guest RAM, window 1. */
const STE = [0x1_8020_000bn, 0xd6n, 7n];
const ABORT = 0x2000n;
const STALL_TERM = (sid: number) => (BigInt(sid) << 32n) | 0x45n;

let h: Harness;

function model(idr0: number, most = 0x10): void {
  h.set(SMMU_AT_IDR0, idr0);
  h.set(SMMU_AT_IDR5, IDR5 | (most << 16));
  writeActions(h.hostMemory, 0, idr0);
}

const map = (descriptor: bigint) => h.guestRam64(Number(L3) + 0x101 * 8, descriptor);
const answer = (stag: number, sid = SID) => h.unit.core.stallAnswer(h.smmu, sid, stag);

/** Translates a read of IOVA that has to stall. Returns the STAG of its record. */
function stalled(sid = SID): number {
  expect(h.translate(sid, IOVA).status).toBe(TRANSLATE_STALLED);
  const [record] = h.events().slice(-1);
  return Number.parseInt(record?.[1] ?? '', 16) % 0x10000;
}

beforeEach(async () => {
  h = await harness();
  model(STALLS);
  // The SMMU's own command queue uses StreamIDs as written.
  new ContextBlock(h.hostMemory, 0, 0).hypOwn = true;
  h.ste(SID, STE);
  h.guestRam64(Number(CD), CD0 | S);
  const pa = (gpa: bigint) => gpa | 0x1_0000_0000n;
  h.guestRam64(Number(CD) + 8, pa(L0));
  h.guestRam64(Number(L0) + 0x80 * 8, pa(L1) | 3n);
  h.guestRam64(Number(L1) + 0xc0 * 8, pa(L2) | 3n);
  h.guestRam64(Number(L2) + 0x100 * 8, pa(L3) | 3n);
  map(0n);
});

describe('a transaction that stalls', () => {
  it('is recorded with Stall and its STAG, although CD.R is 0', () => {
    expect(h.write(SID, IOVA + 0x18n).status).toBe(TRANSLATE_STALLED);
    // F_TRANSLATION; STAG 0x400 (first use of entry 0), Stall, write, class IN.
    expect(h.events()).toEqual([['500000010', '20080000400', (IOVA + 0x18n).toString(16), '0']]);
    expect([h.get(SMMU_AT_STALLED), answer(0x400)]).toEqual([1, STALL_WAITING]);
  });

  it.each([
    ['F_ACCESS', 0x1_8030_0347n, 0x12],
    ['F_PERMISSION', 0x1_8030_0787n, 0x13],
    ['F_ADDR_SIZE', 0x10_8030_0747n, 0x11],
  ])('%s stalls too', (_name, descriptor, id) => {
    // IPS 1, 36 bits.
    h.guestRam64(Number(CD), CD0 - (4n << 32n) + S);
    map(descriptor);
    expect(h.write(SID, IOVA).status).toBe(TRANSLATE_STALLED);
    expect(h.events().map(([d0]) => Number.parseInt(d0 ?? '', 16) & 0xff)).toEqual([id]);
  });

  it('is not in flight: a CMD_SYNC passes it', () => {
    stalled();
    h.mainCommand(0x46n);
    expect(new QueueBlock(h.hostMemory, 0, QUEUE_MAIN).cons).toBe(1);
  });

  it('leaves others of its stream alone', () => {
    stalled();
    map(0x1_8030_0f47n);
    expect(h.translate(SID, IOVA)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_0000n });
    expect(answer(0x400)).toBe(STALL_WAITING);
  });

  it('other faults end with an abort: a table outside memory', () => {
    h.guestRam64(Number(L2) + 0x100 * 8, 0x7_0000_0003n);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_ABORT);
    expect(h.events()).toEqual([['50000000b', '10800000000', IOVA.toString(16), '700000808']]);
  });

  it('waits outside the SMMU while the event queue is full, without an overflow', () => {
    model(STALLS, 0x400);
    for (let i = 0; i < 15; i++) expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_STALLED);
    h.ste(OTHER, STE);
    expect(h.translate(OTHER, IOVA).status).toBe(TRANSLATE_STALLED);
    const prod = h.get(SMMU_AT_EVENTQ_PROD);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_WAIT);
    expect([h.get(SMMU_AT_EVENTQ_PROD), h.get(SMMU_AT_STALLED)]).toEqual([prod, 16]);
    expect(h.events().length).toBe(16);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_STALLED);
  });

  it('waits in front of the SMMU without EVENTQEN', () => {
    h.set(SMMU_AT_CR0, 9);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_WAIT);
    expect(h.get(SMMU_AT_STALLED)).toBe(0);
  });

  it('waits in front of the SMMU while STALL_MAX others are stalled', () => {
    model(STALLS, 2);
    h.ste(OTHER, STE);
    const first = stalled();
    stalled(OTHER);
    h.ste(OTHER + 1, STE);
    expect(h.translate(OTHER + 1, IOVA).status).toBe(TRANSLATE_WAIT);
    h.mainCommand(RESUME(SID, ABORT), BigInt(first));
    expect([answer(first), h.get(SMMU_AT_STALLED)]).toEqual([STALL_ABORT, 1]);
    // The entry's next use has another STAG.
    expect(stalled(OTHER + 1)).toBe(first + 0x400);
  });

  it('waits in front of the SMMU while 16 others of its stream are stalled; another stream stalls', () => {
    model(STALLS, 0x400);
    h.ste(OTHER, STE);
    const stags = Array.from({ length: 16 }, () => stalled());
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_WAIT);
    expect(stalled(OTHER)).toBe(0x410);
    h.mainCommand(RESUME(SID, ABORT), BigInt(stags[3] ?? 0));
    expect(answer(stags[3] ?? 0)).toBe(STALL_ABORT);
    expect(stalled()).toBe(0x803);
  });

  it('replaces one that its endpoint has abandoned, at the quota one of its own stream', () => {
    model(STALLS, 0x400);
    const stags = Array.from({ length: 16 }, () => stalled());
    const given = stags[5] ?? 0;
    h.unit.core.stallAbandon(h.smmu, SID, given);
    expect(stalled()).toBe(given + 0x400);
    expect(h.get(SMMU_AT_STALLED)).toBe(16);
    // The late response to the abandoned one has no effect.
    h.mainCommand(RESUME(SID, ABORT), BigInt(given));
    expect(answer(given + 0x400)).toBe(STALL_WAITING);
  });

  it('replaces an abandoned one of another stream when no entry is free', () => {
    model(STALLS, 2);
    h.ste(OTHER, STE);
    h.ste(OTHER + 1, STE);
    const first = stalled();
    stalled(OTHER);
    h.unit.core.stallAbandon(h.smmu, SID, first);
    expect(stalled(OTHER + 1)).toBe(first + 0x400);
    expect(h.get(SMMU_AT_STALLED)).toBe(2);
  });

  it('has a record of its own although STE.MEV is set and an equal record is the newest', () => {
    const MEV = 1n << 19n;
    h.ste(SID, [STE[0] ?? 0n, (STE[1] ?? 0n) | MEV, STE[2] ?? 0n]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_STALLED);
    // Software changes the STAG of the record to that of the next stall.
    const queue = h.hostBytes.getBigUint64(h.smmu + SMMU_AT_EVENTQ_BASE, true);
    const stag = h.ramBase + Number(queue) + 8;
    expect(h.hostBytes.getUint16(stag, true)).toBe(0x400);
    h.hostBytes.setUint16(stag, 0x401, true);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_STALLED);
    expect(h.events().length).toBe(2);
  });

  it('stays stalled when its record is lost with EVENTQ_ABT_ERR', () => {
    h.hostBytes.setBigUint64(h.smmu + SMMU_AT_EVENTQ_BASE, 0x7_0000_0000n, true);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_STALLED);
    h.mainCommand(STALL_TERM(SID));
    expect(answer(0x400)).toBe(STALL_ABORT);
  });
});

describe('RESUME', () => {
  it.each([
    ['Ac: retry', STALLS, RETRY, STALL_RETRY],
    ['Ac and Ab: retry', STALLS, RETRY | ABORT, STALL_RETRY],
    ['Ab: abort', STALLS, ABORT, STALL_ABORT],
    ['neither, with TERM_MODEL 1: abort', STALLS, 0n, STALL_ABORT],
    ['neither, with TERM_MODEL 0: RAZ/WI', STALLS_RAZWI, 0n, STALL_RAZWI],
  ])('%s', (_name, idr0, flags, expected) => {
    model(idr0);
    const stag = stalled();
    h.mainCommand(RESUME(SID, flags), BigInt(stag));
    expect(answer(stag)).toBe(expected);
    // Answered once: the entry is free.
    expect([h.get(SMMU_AT_STALLED), answer(stag)]).toEqual([0, STALL_RETRY]);
  });

  it.each([
    ['another StreamID', 6, 0x400],
    ['another entry', SID, 0x401],
    ['an earlier use of the entry', SID, 0],
    ['a later one', SID, 0x800],
    ['an entry beyond the table', SID, 0xffff],
  ])('of %s has no effect', (_name, sid, stag) => {
    stalled();
    h.mainCommand(RESUME(sid, RETRY), BigInt(stag));
    expect(new QueueBlock(h.hostMemory, 0, QUEUE_MAIN).cons).toBe(1);
    expect(answer(0x400)).toBe(STALL_WAITING);
  });

  it.each([
    ['another StreamID', OTHER, 0x400],
    ['an earlier use of the entry', SID, 0],
    ['a later one', SID, 0x800],
  ])('answers nobody who asks for %s', (_name, sid, stag) => {
    stalled();
    expect(answer(stag, sid)).toBe(STALL_RETRY);
    h.mainCommand(RESUME(SID, ABORT), 0x400n);
    expect(answer(stag, sid)).toBe(STALL_RETRY);
    expect(answer(0x400)).toBe(STALL_ABORT);
  });

  it('a retry walks again, and may stall again', () => {
    const first = stalled();
    h.mainCommand(RESUME(SID, RETRY), BigInt(first));
    expect(answer(first)).toBe(STALL_RETRY);
    const second = stalled();
    expect(second).not.toBe(first);
    map(0x1_8030_0f47n);
    h.mainCommand(RESUME(SID, RETRY), BigInt(second));
    expect(answer(second)).toBe(STALL_RETRY);
    expect(h.translate(SID, IOVA).pa).toBe(0x1_8030_0000n);
  });

  it.each([0x44n, 0x45n])('opcode %i is illegal where nothing stalls, and on a VCMDQ', (opcode) => {
    const { queue } = h.vcmdq(0, 1);
    h.put(0, opcode | (5n << 32n));
    h.store(1, 4, 1);
    expect([queue.error, queue.cons]).toEqual([1, 0]);
    model(IDR0);
    h.mainCommand(opcode);
    expect(new QueueBlock(h.hostMemory, 0, QUEUE_MAIN).error).toBe(1);
  });
});

describe('STALL_TERM', () => {
  it('ends what waits on the stream, and nothing else', () => {
    h.ste(6, [0x1_8020_000bn, 0xd6n, 7n]);
    const [first, second] = [stalled(), stalled()];
    expect(h.translate(6, IOVA).status).toBe(TRANSLATE_STALLED);
    h.events();
    h.mainCommand(RESUME(SID, RETRY), BigInt(first));
    h.mainCommand(STALL_TERM(SID));
    expect([answer(first), answer(second), answer(0x402, 6)]).toEqual([
      STALL_RETRY,
      STALL_ABORT,
      STALL_WAITING,
    ]);
  });
});

describe('an endpoint that abandons its access', () => {
  it('leaves the entry to software, which frees it', () => {
    const stag = stalled();
    h.unit.core.stallAbandon(h.smmu, SID, stag);
    expect(h.get(SMMU_AT_STALLED)).toBe(1);
    h.mainCommand(RESUME(SID, RETRY), BigInt(stag));
    expect(h.get(SMMU_AT_STALLED)).toBe(0);
  });

  it('frees the entry when software has answered before', () => {
    const stag = stalled();
    h.mainCommand(STALL_TERM(SID));
    h.unit.core.stallAbandon(h.smmu, SID, stag);
    expect(h.get(SMMU_AT_STALLED)).toBe(0);
  });

  it('a stream without an owner keeps no stall', () => {
    const stag = stalled();
    stalled();
    h.mainCommand(RESUME(SID, RETRY), BigInt(stag));
    h.unit.core.stallForget(h.smmu, SID);
    expect(h.get(SMMU_AT_STALLED)).toBe(0);
  });
});

describe('legality', () => {
  const ids = () => h.events().map(([d0]) => Number.parseInt(d0 ?? '', 16) & 0xff);
  // Stage 2 as Linux writes it for 48 bits, S2S is bit 57 of doubleword 2.
  const stage2 = (s2s: bigint) => [
    0xdn,
    0n,
    (0x0005_3590n << 32n) | (1n << 51n) | (1n << 54n) | (1n << 58n) | s2s | 7n,
    0x20000n,
  ];
  const S2S = 1n << 57n;
  const stage1 = (stalld: bigint) => [0x1_8020_000bn, 0xd6n | stalld, 7n];
  const STALLD = 1n << 27n;
  const FORCED = STALLS | 0x02000000;
  const [C_BAD_STE, C_BAD_CD, F_TRANSLATION] = [4, 0xa, 0x10];

  it.each([
    ['S1STALLD with STALL_MODEL 0', STALLS, stage1(STALLD), 0n, 0],
    ['S1STALLD with STALL_MODEL 1', IDR0, stage1(STALLD), 0n, C_BAD_STE],
    ['S1STALLD with STALL_MODEL 2', FORCED, stage1(STALLD), S, C_BAD_STE],
    ['CD.S with S1STALLD', STALLS, stage1(STALLD), S, C_BAD_CD],
    ['CD.S with STALL_MODEL 1', IDR0, stage1(0n), S, C_BAD_CD],
    ['no CD.S with STALL_MODEL 2', FORCED, stage1(0n), 0n, C_BAD_CD],
    ['CD.S with STALL_MODEL 2', FORCED, stage1(0n), S, F_TRANSLATION],
    ['S2S with STALL_MODEL 1', IDR0, stage2(S2S), 0n, C_BAD_STE],
    ['no S2S with STALL_MODEL 2', FORCED, stage2(0n), 0n, C_BAD_STE],
    ['S2S with STALL_MODEL 0', STALLS, stage2(S2S), 0n, F_TRANSLATION],
    ['S2S with full ATS', STALLS, [0xdn, 1n << 28n, ...stage2(S2S).slice(2)], 0n, C_BAD_STE],
    [
      'S2S with full ATS on an SMMU without ATS',
      STALLS & ~0x400,
      [0xdn, 1n << 28n, ...stage2(S2S).slice(2)],
      0n,
      F_TRANSLATION,
    ],
  ])('%s', (_name, idr0, ste, s, event) => {
    model(idr0);
    h.ste(SID, ste);
    h.guestRam64(Number(CD), CD0 | s);
    const { status } = h.translate(SID, IOVA);
    expect(ids()).toEqual(event === 0 ? [] : [event]);
    expect(status).toBe(event === F_TRANSLATION ? TRANSLATE_STALLED : TRANSLATE_ABORT);
  });

  it('stage 2 stalls for a CD that it does not map', () => {
    // Nested: the CD's IPA has no translation.
    h.ste(SID, [0x8020_000fn, 0xd6n, ...stage2(S2S).slice(2)]);
    expect(h.translate(SID, IOVA).status).toBe(TRANSLATE_STALLED);
    // F_TRANSLATION of stage 2, class CD, read, STAG 0x400.
    expect(h.events()).toEqual([['500000010', '8880000400', IOVA.toString(16), CD.toString(16)]]);
  });
});
