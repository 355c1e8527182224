// SPDX-License-Identifier: MIT
// No command of a guest answers a transaction of another: every bit pattern of RESUME and
// STALL_TERM on its own queues.

import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { QUEUE_GUEST, QUEUE_KIND_GUEST_CMDQ } from '../../assembly/layout/queue-memory.ts';
import { SMMU_AT_IDR0, SMMU_AT_IDR5, SMMU_AT_STALLED } from '../../assembly/layout/smmu-memory.ts';
import { STALL_WAITING } from '../../assembly/layout/stall-memory.ts';
import { TRANSLATE_STALLED } from '../../assembly/layout/translate-results.ts';
import { QueueBlock, smmuBase, writeActions } from '../../devices/unit/index.ts';
import { type Harness, harness, IDR0, IDR5, RING } from '../support/unit-harness.ts';

/**
 * The neighbour's stream, and the guest's own, by the guest's and by the host's number.
 */
const [NEIGHBOUR, OWN, OWN_PHYSICAL] = [5, 8, 6];
const STALL_MODEL_0 = IDR0 & ~0x03000000;
const NEIGHBOURS = 4;

let h: Harness;
let commands: QueueBlock;
let stags: number[];

// A CD with V, AA64, A and S whose halves are both disabled: every access is a
// translation fault that stalls.
const CD0 = (1n << 14n) | (1n << 30n) | (1n << 31n) | (1n << 41n) | (1n << 44n) | (1n << 46n);

function stallOf(sid: number): number {
  expect(h.translate(sid, 0x1000n).status).toBe(TRANSLATE_STALLED);
  const [record] = h.events();
  return Number.parseInt(record?.[1] ?? '', 16) % 0x10000;
}

function send(d0: bigint, d1: bigint): void {
  h.put(commands.prod % 16, d0, d1);
  commands.prod = (commands.prod + 1) % 32;
  h.unit.drain.serve(smmuBase(0), QUEUE_GUEST);
  // A bad command is skipped, as by a guest that continues.
  if (commands.cons !== commands.prod) h.unit.drain.stepOver(smmuBase(0), QUEUE_GUEST);
  expect(commands.cons).toBe(commands.prod);
}

beforeEach(async () => {
  h = await harness();
  h.set(SMMU_AT_IDR0, STALL_MODEL_0);
  h.set(SMMU_AT_IDR5, IDR5 | (16 << 16));
  writeActions(h.hostMemory, 0, STALL_MODEL_0);
  h.guestRam64(0x80200000, CD0);
  for (const sid of [NEIGHBOUR, OWN_PHYSICAL]) h.ste(sid, [0x1_8020_000bn, 0xd6n, 7n]);
  const { context } = h.vcmdq(0, 1);
  context.setSidReplace(0, OWN_PHYSICAL);
  context.setSidMatch(0, (OWN << 1) | 1);
  commands = new QueueBlock(h.hostMemory, 0, QUEUE_GUEST);
  commands.reset(QUEUE_KIND_GUEST_CMDQ, 1);
  commands.setRing(h.unit.window, RING, 4);
  commands.allocated = true;
  stags = Array.from({ length: NEIGHBOURS }, () => stallOf(NEIGHBOUR));
});

const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const sid = fc.oneof(
  fc.constantFrom(NEIGHBOUR, OWN, OWN_PHYSICAL, 0, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);

it('leaves the transactions of a neighbour waiting, and the queue running', () => {
  // The neighbour's STAGs as often as others.
  const stag = fc.oneof(
    fc.integer({ min: 0, max: NEIGHBOURS - 1 }).map((i) => stags[i] ?? 0),
    fc.integer({ min: 0, max: 0xffff }),
  );
  const property = fc.property(
    fc.constantFrom(0x44n, 0x45n),
    word,
    word,
    sid,
    stag,
    (opcode, d0, d1, stream, tag) => {
      send((d0 & 0xffff_ff00n) | opcode | (BigInt(stream) << 32n), (d1 & ~0xffffn) | BigInt(tag));
      expect(stags.map((own) => h.unit.core.stallAnswer(h.smmu, NEIGHBOUR, own))).toEqual(
        stags.map(() => STALL_WAITING),
      );
      expect(h.get(SMMU_AT_STALLED)).toBe(NEIGHBOURS);
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

it('its own transaction is answered by its own number and STAG alone', () => {
  const own = stallOf(OWN_PHYSICAL);
  send((BigInt(OWN_PHYSICAL) << 32n) | 0x2044n, BigInt(own));
  send((BigInt(OWN) << 32n) | 0x2044n, BigInt(stags[0] ?? 0));
  expect(h.unit.core.stallAnswer(h.smmu, OWN_PHYSICAL, own)).toBe(STALL_WAITING);
  send((BigInt(OWN) << 32n) | 0x2044n, BigInt(own));
  expect(h.unit.core.stallAnswer(h.smmu, OWN_PHYSICAL, own)).not.toBe(STALL_WAITING);
});
