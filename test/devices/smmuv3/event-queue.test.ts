// SPDX-License-Identifier: MIT
// The event queue of the physical SMMU: when records are merged, when they are lost, and
// how a loss is reported.

import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_WRITE } from '../../../assembly/layout/access.ts';
import {
  SMMU_AT_STATS,
  STAT_EVENTQ_OVERFLOW,
  STAT_EVENTS_MERGED,
} from '../../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_ABORT } from '../../../assembly/layout/translate-results.ts';
import { smmuBase } from '../../../devices/unit/index.ts';
import {
  CD,
  CD0,
  EVENT_LINE,
  GERROR_LINE,
  PhysicalBoard,
  RAM_SIZE,
  SID,
  STE1,
} from '../../support/physical-smmu.ts';

const MEV = 1n << 19n;
const OVFLG = 0x80000000;

let board: PhysicalBoard;
beforeEach(() => {
  board = new PhysicalBoard();
});

const stat = (offset: number) =>
  new DataView(board.unit.hostMemory.buffer).getUint32(smmuBase(0) + SMMU_AT_STATS + offset, true);

function fault(iova: bigint, attributes = 0): void {
  expect(board.access(iova, { attributes })).toBe(TRANSLATE_ABORT);
}

describe('merging', () => {
  it('without MEV every fault has a record', () => {
    for (let i = 0; i < 3; i++) fault(0x2000n);
    expect([board.produced, stat(STAT_EVENTS_MERGED)]).toEqual([3, 0]);
  });

  describe('with MEV', () => {
    beforeEach(() => board.ste('s1', [undefined, STE1 | MEV]));

    it('one record represents faults that differ only in the offset within a page; its address is that of the first', () => {
      for (const iova of [0x2008n, 0x2008n, 0x2ff0n]) fault(iova);
      expect([board.produced, stat(STAT_EVENTS_MERGED)]).toEqual([1, 2]);
      expect(board.record(0)).toBe(
        '0000000500000010 0000020800000000 0000000000002008 0000000000000000',
      );
      board.host.poll();
      expect(board.host.pulses(EVENT_LINE)).toBe(1);
    });

    it.each<[string, () => void]>([
      ['another page', () => fault(0x5000n)],
      ['a write', () => fault(0x2000n, ACCESS_WRITE)],
      ['another event', () => fault(0x4000n)],
      ['another stream', () => expect(board.access(0x2000n, { sid: 6 })).toBe(TRANSLATE_ABORT)],
    ])('%s has a record of its own', (_name, other) => {
      fault(0x2000n);
      other();
      expect(board.produced).toBe(2);
      // Only the newest record counts.
      fault(0x2000n);
      expect(board.produced).toBe(3);
    });

    it('consumed records are not merged with', () => {
      fault(0x2000n);
      board.bus.write32(0x100ac, 1);
      fault(0x2000n);
      expect(board.produced).toBe(2);
    });

    it('events before there is an STE are not merged: the MEV of no other stream counts', () => {
      fault(0x2000n);
      for (let i = 0; i < 2; i++) expect(board.access(0x2000n, { sid: 6 })).toBe(TRANSLATE_ABORT);
      expect(board.produced).toBe(3);
    });

    it('an event without an address within a page is merged with an equal one', () => {
      board.ram.store64(CD, CD0 & ~0x8000_0000n);
      fault(0x2000n);
      fault(0x5000n);
      expect([board.produced, board.record(0).slice(0, 16)]).toEqual([1, '000000050000000a']);
    });

    it('a planted conflict is merged by page, F_UUT never', () => {
      board.device.plantFault({ event: 'F_TLB_CONFLICT', streamId: SID, transactions: 2 });
      fault(0x1000n);
      fault(0x1ff8n);
      expect(board.produced).toBe(1);
      board.device.plantFault({ event: 'F_UUT', streamId: SID, transactions: 2 });
      fault(0x1000n);
      fault(0x1000n);
      expect(board.produced).toBe(3);
    });

    it('in a full queue a fault is merged rather than lost', () => {
      for (const iova of [0x5000n, 0x6000n, 0x7000n, 0x8000n]) fault(iova);
      fault(0x8000n);
      expect([board.produced, stat(STAT_EVENTQ_OVERFLOW)]).toEqual([4, 0]);
      fault(0x9000n);
      expect([board.produced, stat(STAT_EVENTQ_OVERFLOW)]).toEqual([(OVFLG | 4) >>> 0, 1]);
    });
  });
});

describe('a full queue', () => {
  it('toggles OVFLG once until it is acknowledged, and nothing else', () => {
    for (let i = 0; i < 6; i++) fault(0x2000n);
    expect(board.produced).toBe((OVFLG | 4) >>> 0);
    board.host.poll();
    expect([board.bus.read32(0x60), board.host.pulses(GERROR_LINE)]).toEqual([0, 0]);
    // Unacknowledged: records are written again when there is space, but a second loss
    // cannot be reported.
    board.bus.write32(0x100ac, 1);
    for (let i = 0; i < 2; i++) fault(0x2000n);
    expect(board.produced).toBe((OVFLG | 5) >>> 0);
    board.bus.write32(0x100ac, OVFLG | 5);
    for (let i = 0; i < 5; i++) fault(0x2000n);
    expect(board.produced).toBe(1);
  });
});

describe('a record that cannot be written', () => {
  const move = (base: number) => {
    board.bus.write32(0x20, 0x9);
    board.bus.write64(0xa0, BigInt(base + 2));
    board.bus.write32(0x20, 0xd);
  };

  it('is EVENTQ_ABT_ERR, and the queue is not written to until that is acknowledged', () => {
    move(RAM_SIZE);
    fault(0x2000n);
    board.host.poll();
    expect([
      board.bus.read32(0x60),
      board.produced,
      board.host.pulses(GERROR_LINE),
      board.host.pulses(EVENT_LINE),
    ]).toEqual([4, 0, 1, 0]);
    move(0x8000);
    for (let i = 0; i < 5; i++) fault(0x2000n);
    board.host.poll();
    expect([board.produced, board.host.pulses(GERROR_LINE)]).toEqual([0, 1]);
    board.bus.write32(0x64, 4);
    fault(0x2000n);
    expect(board.produced).toBe(1);
  });

  it('between the failure and its GERROR as well', () => {
    move(RAM_SIZE);
    fault(0x2000n);
    move(0x8000);
    fault(0x2000n);
    board.host.poll();
    expect([board.produced, board.bus.read32(0x60)]).toEqual([0, 4]);
  });
});

describe('planted faults', () => {
  it('hit the requested number of transactions of one stream', () => {
    board.device.plantFault({ event: 'F_UUT', streamId: SID, transactions: 2 });
    expect([
      board.access(0x1000n, { sid: 6 }),
      board.access(0x1000n),
      board.access(0x1000n),
      board.access(0x1000n),
    ]).toEqual([1, 1, 1, 0]);
    expect([0, 1, 2].map((index) => board.record(index).slice(14, 16))).toEqual(['04', '01', '01']);
  });

  it('end with a reset, and when they are removed', () => {
    for (const end of [() => board.device.plantFault(undefined), () => board.device.reset()]) {
      board.device.plantFault({ event: 'F_CFG_CONFLICT', streamId: SID, transactions: 9 });
      end();
      board.enable();
      expect([board.access(0x1000n), board.produced]).toEqual([0, 0]);
    }
  });

  it('a conflict is not possible where nothing is looked up', () => {
    board.device.plantFault({ event: 'F_TLB_CONFLICT', streamId: SID });
    board.ste('s1', [9n]);
    expect(board.access(0x1000n)).toBe(0);
    board.bus.write32(0x20, 0xc);
    board.device.plantFault({ event: 'F_CFG_CONFLICT', streamId: SID });
    expect(board.access(0x1000n)).toBe(0);
    expect(board.produced).toBe(0);
  });
});
