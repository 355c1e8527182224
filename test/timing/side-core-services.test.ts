// SPDX-License-Identifier: MIT
// Like service-times.test.ts, for a pass over all queues of a machine: the side core's
// work for one machine before it serves the next, and the VMM's work at a safe point. All
// queues are full.

import { beforeAll, expect, it } from 'vitest';
import { QUEUE_KIND_VCMDQ_GUEST } from '../../assembly/layout/queue-memory.ts';
import { type HotModules, loadHotModules } from '../../assembly/load.ts';
import { QueueBlock } from '../../devices/unit/index.ts';
import { ENTRY_SIZES, harness, PAGE0, RING } from '../support/unit-harness.ts';
import { best, LIMIT_US, TRIES } from './service-guest.ts';

const VMID = 7;
const QUEUES = 16;
const LOG2SIZE = 10;
const SLOTS = 2 ** LOG2SIZE;
const PAGE0_STRIDE = 0x80;
const [PROD, CONFIG] = [0x04, 0x08];

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

type Command = readonly [bigint, bigint];
const SYNC: Command = [0x46n, 0n];
const page = (asid: number, address: number): Command => [
  0x0000_0003_0000_0012n | (BigInt(asid) << 48n),
  BigInt(address) << 12n,
];
const ranges = (num: number, scale: number): Command => [
  0x0005_0003_0000_0012n | (BigInt(num) << 12n) | (BigInt(scale) << 20n),
  0x1_0000_0400n,
];

/** The queues of a VINTF, each full of commands from the same ring. */
async function queues(command: (slot: number) => Command) {
  const h = await harness({}, modules);
  const { context } = h.vcmdq(0, 1, { log2size: LOG2SIZE });
  h.announce(VMID, ENTRY_SIZES);
  context.lvcmdqCount = QUEUES;
  for (let slot = 0; slot < SLOTS; slot++) h.put(slot, ...command(slot));
  const all = Array.from({ length: QUEUES }, (_, index) => {
    const queue = new QueueBlock(h.hostMemory, 0, index);
    if (index === 0) return queue;
    queue.reset(QUEUE_KIND_VCMDQ_GUEST, 1);
    queue.lvcmdq = index;
    queue.allocated = true;
    queue.setRing(h.unit.window, RING, LOG2SIZE);
    context.bindQueue(index, index);
    h.guest[(PAGE0 + PAGE0_STRIDE * index + CONFIG) >> 2] = 1;
    return queue;
  });
  return {
    h,
    fill: () => {
      for (const [index, { cons }] of all.entries())
        h.guest[(PAGE0 + PAGE0_STRIDE * index + PROD) >> 2] = (cons + SLOTS) % (2 * SLOTS);
    },
    commands: () => all.reduce((sum, { counts }) => sum + counts.commands, 0),
  };
}

it.each<[string, number, (slot: number) => Command]>([
  ['CMD_SYNC', 2048, () => SYNC],
  ['TLBIs of pages', 2048, (slot) => page(slot & 7, slot)],
  ['TLBIs of ASIDs', 2048, (slot) => [0x0000_0003_0000_0011n | (BigInt(slot & 7) << 48n), 0n]],
  ['TLBIs and CMD_SYNC', 2048, (slot) => (slot % 2 ? SYNC : page(slot & 7, slot))],
  ['wide TLBIs', 8, () => ranges(30, 5)],
  ['TLBIs of everything', 4, () => ranges(31, 31)],
  // The largest service after work of 2,047.
  [
    'TLBIs, the last one of each round wide',
    4,
    (slot) => (slot % 256 === 255 ? ranges(31, 31) : page(slot & 7, slot)),
  ],
])('a look at queues full of %s', async (_name, least, command) => {
  for (const look of ['watch', 'serveContext'] as const) {
    const { h, fill, commands } = await queues(command);
    const before = commands();
    const time = best(
      () =>
        look === 'watch'
          ? h.unit.drain.watch(h.smmu, 1, 500)
          : h.unit.drain.serveContext(h.smmu, 1),
      fill,
    );
    expect((commands() - before) / TRIES).toBeGreaterThanOrEqual(least);
    expect(time).toBeLessThan(LIMIT_US);
  }
});
