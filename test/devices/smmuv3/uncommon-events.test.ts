// SPDX-License-Identifier: MIT
// Events that concern more than one record: configurations in conflict by STE.CONT, hints
// of devices, and events that are never raised. IHI 0070 sections 3.20.2, 5.2 (CONT),
// 3.12.4.1, 5.6.

import { beforeEach, describe, expect, it } from 'vitest';
import { ATS_CA } from '../../../assembly/layout/ats-results.ts';
import { HOST_THREADS } from '../../../assembly/layout/host-memory.ts';
import { THREAD_FAULTS } from '../../../assembly/layout/thread-memory.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../../assembly/layout/translate-results.ts';
import {
  checkIdRegisters,
  GRACE_ID_REGISTERS,
  GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
} from '../../../devices/smmuv3/index.ts';
import {
  CD,
  CD0,
  CONT_OF_TWO,
  NEIGHBOUR,
  PhysicalBoard,
  RAM_SIZE,
  STE,
  STE1,
  STE2,
} from '../../support/physical-smmu.ts';

let board: PhysicalBoard;
beforeEach(() => {
  board = new PhysicalBoard();
});

const neighbour = (d1: bigint, d2 = STE2) => board.ste('s1', [undefined, d1, d2], NEIGHBOUR);

describe('STE.CONT', () => {
  const accesses = () => [board.access(0x1000n), board.access(0x1000n, { sid: NEIGHBOUR })];
  const both = (count: number) => Array.from({ length: count }, accesses).flat();

  it('of equal STEs, or of a span that has no other stream, changes nothing', () => {
    neighbour(STE1 | CONT_OF_TWO);
    expect(both(2)).toEqual(Array.from({ length: 4 }, () => TRANSLATE_OK));
    neighbour(STE1, STE2 + 1n);
    board.ste('s1', [undefined, STE1]);
    board.invalidateAll();
    expect(both(2)).toEqual(Array.from({ length: 4 }, () => TRANSLATE_OK));
    expect(board.produced).toBe(0);
  });

  it('is in conflict until the STEs are equal, or the stale one is invalidated', () => {
    neighbour(STE1 | CONT_OF_TWO, STE2 + 1n);
    expect(board.access(0x1000n, { sid: NEIGHBOUR })).toBe(TRANSLATE_OK);
    expect([board.access(0x1000n), board.access(0x1000n)]).toEqual([
      TRANSLATE_ABORT,
      TRANSLATE_ABORT,
    ]);
    // The neighbour has no error of its own, and is not affected.
    expect(board.access(0x1000n, { sid: NEIGHBOUR })).toBe(TRANSLATE_OK);
    neighbour(STE1);
    expect(board.access(0x1000n)).toBe(TRANSLATE_ABORT);
    board.command(0x03n | (BigInt(NEIGHBOUR) << 32n), 1n);
    expect(board.access(0x1000n)).toBe(TRANSLATE_OK);
    expect(board.produced).toBe(3);
  });

  it('in conflict ends a translation request with Completer Abort, without a record', () => {
    neighbour(STE1 | CONT_OF_TWO, STE2 + 1n);
    board.access(0x1000n, { sid: NEIGHBOUR });
    expect(board.atcAccess(0x1000n)).toBe(ATS_CA);
    expect(board.produced).toBe(0);
  });

  it('is forgotten by a reset', () => {
    neighbour(STE1 | CONT_OF_TWO, STE2 + 1n);
    board.access(0x1000n, { sid: NEIGHBOUR });
    board.device.restore(board.device.save());
    expect(board.access(0x1000n)).toBe(TRANSLATE_OK);
  });
});

describe('a hint', () => {
  const nothing: readonly (readonly [string, () => void])[] = [
    ['SMMUEN is 0', () => board.bus.write32(0x20, 0xc)],
    ['the STE is invalid', () => board.ste('s1', [0n])],
    ['the stream is refused', () => board.ste('s1', [1n])],
    ['the stream bypasses', () => board.ste('s1', [9n])],
    ['the CD is invalid', () => board.ram.store64(CD, 0n)],
  ];

  it.each(nothing)('is lost where %s', (_when, prepare) => {
    prepare();
    board.hint(0x1000n, 1);
    expect(board.produced).toBe(0);
  });

  it('ends no transaction: no fault is counted, no stall, and the page may be there', () => {
    const faults = () =>
      new BigInt64Array(board.unit.hostMemory.buffer)[(HOST_THREADS + THREAD_FAULTS) >> 3];
    const before = faults();
    board.ram.store64(CD, CD0 | (1n << 44n));
    board.hint(0x1000n, 1);
    expect(board.produced).toBe(1);
    expect(faults()).toBe(before);
    expect(board.access(0x1000n)).toBe(TRANSLATE_OK);
  });

  it('finds a full queue as any other event does', () => {
    for (let i = 0; i < 5; i++) board.hint(0x1000n, 1);
    expect(board.produced).toBe(0x8000_0004);
  });
});

describe('F_VMS_FETCH', () => {
  it('is of MPAM, which no ID registers of this model have', () => {
    const mpam = 1 << 7;
    for (const ids of [PHYSICAL_ID_REGISTERS, GUEST_ID_REGISTERS, GRACE_ID_REGISTERS])
      expect(ids.idr3 & mpam).toBe(0);
    const idr3 = PHYSICAL_ID_REGISTERS.idr3 | mpam;
    for (const role of ['physical', 'guest'] as const)
      expect(() => checkIdRegisters({ ...PHYSICAL_ID_REGISTERS, idr3 }, role)).toThrow(RangeError);
    expect(board.bus.read32(0x0c) & mpam).toBe(0);
  });

  it('is not caused by an STE whose VMSPtr, which S1MPAM would enable, points nowhere', () => {
    board.ste('nested', [undefined, STE1 | (1n << 26n)]);
    board.ram.store64(STE + 40, BigInt(RAM_SIZE));
    expect(board.access(0x1000n)).toBe(TRANSLATE_OK);
    expect(board.produced).toBe(0);
  });
});
