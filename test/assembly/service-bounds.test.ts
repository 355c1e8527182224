// SPDX-License-Identifier: MIT
// One service of a queue does a bounded amount of work: each command counts 1, and every
// 4 IOTLB blocks that it visits count 1 more. A round ends after the command that exceeds
// 256, a service has four rounds, and a pass over all queues of a context ends after the
// queue that exceeds 2,048.

import { beforeEach, describe, expect, it } from 'vitest';
import { HOST_AT_ATTENTION } from '../../assembly/layout/host-memory.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_PARKED,
} from '../../assembly/layout/queue-memory.ts';
import { STAT_BUDGET_EXHAUSTED } from '../../assembly/layout/smmu-memory.ts';
import { Random } from '../../devices/bus/index.ts';
import { QueueBlock } from '../../devices/unit/index.ts';
import { ENTRY_SIZES, type Harness, harness, PAGE0, RING } from '../support/unit-harness.ts';

const PROD = 0x04;
const CONS = 0x00;
const VMID = 7;
const SYNC = 0x46n;
/**
 * TLBI_NH_VA of VMID 3, ASID 5: NUM + 1 granules of 4 KiB times 2^SCALE, from
 * 0x1_0000_0000.
 */
const nhVa = (num: number, scale: number) =>
  [0x0005_0003_0000_0012n | (BigInt(num) << 12n) | (BigInt(scale) << 20n), 0x1_0000_0400n] as const;
/** 992 pages, one by one; the IOTLB has 1,024 sets. */
const WIDE = nhVa(30, 5);
/** More pages than sets: every set. */
const WIDEST = nhVa(31, 31);
/**
 * Rounds of a service, and the largest possible service: its budget, and the command that
 * exceeds it (3,440 blocks at most).
 */
const ROUNDS = 4;
const MOST_WORK = ROUNDS * (256 + 860);

let h: Harness;
beforeEach(async () => {
  h = await harness();
});

describe('one service of a queue', () => {
  it.each([
    // 992 blocks leave the budget for one more command: two a round.
    ['of almost as many pages as there are sets', WIDE, 2],
    ['of every set', WIDEST, 1],
  ] as const)('is cut after wide TLBIs %s, and goes on where it was', (_name, command, round) => {
    h.announce(VMID, [12]);
    const { queue } = h.vcmdq(0, 1, { log2size: 6 });
    for (let slot = 0; slot < 63; slot++) h.put(slot, ...command);
    h.put(63, SYNC);
    h.store(1, PROD, 64);
    const service = ROUNDS * round;
    expect(h.page0(CONS)).toBe(service);
    expect(h.stat(STAT_BUDGET_EXHAUSTED)).toBe(1);
    // A CMD_SYNC waits for all earlier commands.
    for (let done = service; done < 64; done += service) {
      expect(queue.counts).toMatchObject({ commands: done, syncs: 0 });
      h.unit.drain.serve(h.smmu, 0);
    }
    expect(h.page0(CONS)).toBe(64);
    expect(queue.counts).toMatchObject({ commands: 64, syncs: 1 });
  });

  it('counts a TLBI of one address as one command, regardless of the sizes of entries', () => {
    h.announce(VMID, [12, 14, 16, 21, 25, 29, 30]);
    h.vcmdq(0, 1, { log2size: 11 });
    for (let slot = 0; slot < 2048; slot++) h.put(slot, 0x0005_0003_0000_0012n, 0x1234_5001n);
    h.store(1, PROD, 2000);
    expect(h.page0(CONS)).toBe(1024);
  });

  it('does not exceed its bound of work for any commands', () => {
    h.announce(VMID, ENTRY_SIZES);
    const { queue } = h.vcmdq(0, 1, { log2size: 10 });
    const random = new Random(13);
    const opcodes = [0x10n, 0x11n, 0x12n, 0x28n, 0x2an, 0x40n, 0x46n];
    let most = 0;
    let services = 0;
    for (let lap = 0; lap < 20; lap++) {
      for (let slot = 0; slot < 1024; slot++) {
        const fields = BigInt(random.word() & 0x01f1f000);
        const opcode = opcodes[random.word() % opcodes.length] ?? SYNC;
        const d0 = opcode === SYNC ? SYNC : opcode | fields | 0x0005_0003_0000_0000n;
        h.put(slot, d0, (BigInt(random.word()) << 32n) | BigInt(random.word() & ~0xff));
      }
      h.guest[(PAGE0 + PROD) >> 2] = (queue.cons + 1024) % 2048;
      for (; queue.cons !== h.page0(PROD); services++) {
        most = Math.max(most, h.unit.drain.serveContext(h.smmu, 1));
        // A refused command is skipped, as by the host's policy.
        if (queue.state === QUEUE_ERROR_HELD) h.unit.drain.stepOver(h.smmu, 0);
      }
    }
    expect(services).toBeGreaterThan(100);
    expect(most).toBeGreaterThan(1000);
    expect(most).toBeLessThanOrEqual(MOST_WORK);
  });
});

describe('a pass over the queues of a context', () => {
  const QUEUES = 16;

  /**
   * Queues 0 and up of the VINTF, each with a ring full of CMD_SYNC of its own page-0
   * slot.
   */
  function queues(): QueueBlock[] {
    const { context } = h.vcmdq(0, 1, { log2size: 10 });
    context.lvcmdqCount = QUEUES;
    for (let slot = 0; slot < 1024; slot++) h.put(slot, SYNC);
    return Array.from({ length: QUEUES }, (_, index) => {
      const queue = new QueueBlock(h.hostMemory, 0, index);
      if (index > 0) {
        queue.reset(QUEUE_KIND_VCMDQ_GUEST, 1);
        queue.lvcmdq = index;
        queue.allocated = true;
        queue.setRing(h.unit.window, RING, 10);
        context.bindQueue(index, index);
        h.guest[(PAGE0 + 0x80 * index + 0x08) >> 2] = 1;
      }
      return queue;
    });
  }
  function fill(all: readonly QueueBlock[]): void {
    for (const [index, queue] of all.entries())
      h.guest[(PAGE0 + 0x80 * index + PROD) >> 2] = (queue.cons + 1024) % 2048;
  }

  it.each(['watch', 'serveContext'] as const)(
    '%s ends within its bound, and serves every queue in turn',
    (look) => {
      const all = queues();
      const served = () => all.map((queue) => queue.counts.commands);
      for (let turn = 0; turn < 16; turn++) {
        fill(all);
        const before = served();
        const work =
          look === 'watch'
            ? h.unit.drain.watch(h.smmu, 1, 50)
            : h.unit.drain.serveContext(h.smmu, 1);
        expect(work).toBe(2048);
        const now = served().flatMap((count, i) => (count > (before[i] ?? 0) ? [i] : []));
        const first = (2 * turn) % QUEUES;
        expect(now).toEqual([first, first + 1]);
      }
    },
  );

  it('runs parked queues again within its bound', async () => {
    const all = queues();
    const other = await harness({ host: h, thread: 2 });
    other.unit.core.accessBegin();
    fill(all);
    for (let turn = 0; turn < QUEUES / 2; turn++) h.unit.drain.serveContext(h.smmu, 1);
    for (const queue of all) h.unit.drain.serve(h.smmu, queue.index);
    expect(all.map((queue) => queue.state)).toEqual(all.map(() => QUEUE_PARKED));
    other.unit.core.accessEnd();
    const attention = h.host[HOST_AT_ATTENTION >> 2] ?? 0;
    // The CMD_SYNC at which each is parked does not count among the 1,023 of a round: the
    // third queue exceeds 2,048.
    expect(h.unit.drain.serveParked(h.smmu)).toBe(QUEUES - 3);
    expect(h.host[HOST_AT_ATTENTION >> 2]).toBeGreaterThan(attention);
  });
});
