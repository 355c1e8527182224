// SPDX-License-Identifier: MIT
// Translations under several threads: sets that two threads insert into, and pages that move while they are in use.

import { afterEach, describe, expect, it } from 'vitest';
import { SMMU_AT_TLB_SEQ, TLB_SET_STRIDE, TLB_SETS } from '../../assembly/layout/iotlb-memory.ts';
import { SEQ_BUSY } from '../../assembly/layout/set-sequence.ts';
import { STAT_PARKS } from '../../assembly/layout/smmu-memory.ts';
import { THREAD_TLB_HITS } from '../../assembly/layout/thread-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import type { SeparateModules } from '../../assembly/load.ts';
import { checkedModules, separateCheckedModules } from '../support/findings.ts';
import { type Mutation, mutatedModules } from '../support/mutated-modules.ts';
import { steps } from '../support/thorough.ts';
import { Board, DATA, PAGES, pteOf, pteOffset, SCALE, SID, VINTF } from './board.ts';

const LOOKUPS = Math.round(steps(1_000_000, 4_000_000) * SCALE);
const MOVES = Math.round(100_000 * SCALE);

let board: Board | undefined;
afterEach(async () => {
  await board?.end();
});

/** Pages whose entries share one IOTLB set, more of them than it has ways: found by filling the IOTLB from an empty one. */
function pagesOfOneSet(on: Board): number[] {
  const victims = Array.from(
    { length: TLB_SETS },
    (_, set) => set * TLB_SET_STRIDE + SMMU_AT_TLB_SEQ,
  );
  const setOf = (page: number) => {
    const before = victims.map((word) => on.get(word));
    on.translate(SID, BigInt(page) << 12n);
    return victims.findIndex((word, set) => on.get(word) !== before[set]);
  };
  const wanted = setOf(0);
  const pages = [0];
  for (let page = 1; page < PAGES && pages.length < 7; page++)
    if (setOf(page) === wanted) pages.push(page);
  return pages;
}

/** Two inserters and a reader on the pages of one set. */
async function lookups(on: Board, times: number) {
  const pages = pagesOfOneSet(on);
  expect(pages.length).toBe(7);
  pages.forEach((page, i) => {
    on.map(page, i);
  });
  on.put(0, 0x28n);
  on.store(VINTF, 4, 1);
  const expected = pages.map((_, i) => 0x80000000 + DATA + i * 0x1000);
  const control = new SharedArrayBuffer(64);
  const words = new Int32Array(control);
  const threads = [
    // The reader stays longer with the same pages than a set forgets them, so that it hits.
    on.start('lookup', 2, { control, pages: pages.slice(0, 2), expected, times, stride: 1 }),
    on.start('lookup', 3, { control, pages, expected, times: times * 100, stride: 1 }),
    on.start('lookup', 4, { control, pages, expected, times: times * 100, stride: 3 }),
  ] as const;
  await Promise.all(threads.map(({ ready }) => ready));
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  const reader = await threads[0].result;
  Atomics.store(words, 1, 1);
  const inserters = await Promise.all(threads.slice(1).map(({ result }) => result));
  return [reader, ...inserters] as { torn: number; times: number; hits: number; inserts: number }[];
}

describe('two inserters and a reader on one set', () => {
  it(`${LOOKUPS} lookups: no torn entry`, { timeout: 60_000 + 30_000 * SCALE }, async () => {
    board = new Board(await checkedModules());
    const [reader, ...inserters] = await lookups(board, LOOKUPS);
    console.log(
      `stress: ${reader?.times} lookups, ${reader?.hits} hits, ${inserters.map(({ inserts }) => inserts)} inserts beside them`,
    );
    expect([reader, ...inserters].map((thread) => thread?.torn)).toEqual([0, 0, 0]);
    expect(reader?.hits).toBeGreaterThan(1000);
    for (const { inserts } of inserters) expect(inserts).toBeGreaterThan(1000);
  });

  it('a lookup that does not check the sequence word again is caught', {
    timeout: 60_000,
  }, async () => {
    const mutant = await mutatedModules(await separateCheckedModules(), 'smmuCore', [
      {
        file: 'smmu-core/iotlb.ts',
        original: 'if (atomic.load<u32>(sequence) != before) break;',
        mutant: '',
      },
    ]);
    board = new Board(mutant);
    const threads = await lookups(board, 40_000_000);
    expect(threads.reduce((torn, thread) => torn + thread.torn, 0)).toBeGreaterThan(0);
  });
});

// Pauses of a changing length between the walk and the insert, and in the insert after its check: both are a few nanoseconds otherwise, and
// what an invalidation does in them would hardly ever be seen.
const MISSES = 'load<i64>(THREAD, THREAD_TLB_MISSES)';
const pause = (length: string) =>
  `for (let pause = ${length}; pause > 0; pause--) atomic.load<i64>(THREAD);\n`;
const SLOW_INSERTS: readonly Mutation[] = [
  {
    file: 'smmu-core/translate.ts',
    original: '  if (current) {\n    const global',
    mutant: `  ${pause(`(${MISSES} & 1) * (${MISSES} & 1023)`)}  if (current) {\n    const global`,
  },
  {
    file: 'smmu-core/iotlb.ts',
    original: '  if (current) atomic',
    mutant: `  ${pause(`(${MISSES} >> 1) & 1023`)}  if (current) atomic`,
  },
  {
    file: 'smmu-core/iotlb.ts',
    original: '  THREAD_TLB_INSERTS,\n',
    mutant: '  THREAD_TLB_INSERTS,\n  THREAD_TLB_MISSES,\n',
  },
];
let slow: Promise<SeparateModules> | undefined;
function slowInserts(): Promise<SeparateModules> {
  slow ??= separateCheckedModules().then((modules) =>
    mutatedModules(modules, 'smmuCore', SLOW_INSERTS),
  );
  return slow;
}

/** A page moves from one data page to the next while a thread uses it. `length`: the longest use, in loads. */
async function moves(on: Board, times: number, length: number) {
  const control = new SharedArrayBuffer(64);
  const words = new Int32Array(control);
  const page = 3;
  const descriptors = Array.from({ length: 64 }, (_, i) => pteOf(i));
  on.map(page, 0);
  on.guest[DATA >> 2] = 1;
  const user = on.start('use', 2, { control, page, length });
  const mover = on.start('move', 3, {
    control,
    page,
    pte: pteOffset(page),
    data: DATA,
    descriptors,
    times,
    log2size: 8,
  });
  await Promise.all([user.ready, mover.ready]);
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  const moved = (await mover.result) as { moves: number; slowest: number };
  Atomics.store(words, 1, 1);
  const used = (await user.result) as {
    freed: number;
    refused: number;
    accesses: number;
    hits: number;
  };
  return { ...moved, ...used, parks: on.stat(STAT_PARKS) };
}

describe('a page that moves while it is in use', () => {
  it(`${MOVES} moves: no access uses what a completed CMD_SYNC gave back`, {
    timeout: 60_000 + 30_000 * SCALE,
  }, async () => {
    board = new Board(await slowInserts());
    const result = await moves(board, MOVES, 50);
    console.log(`stress: ${JSON.stringify(result)}`);
    expect([result.moves, result.freed, result.refused]).toEqual([MOVES, 0, 0]);
    expect(result.hits).toBeGreaterThan(1000);
    expect(result.parks).toBeGreaterThan(10);
    expect([board.queue.state, board.queue.counts.syncs]).toEqual([0, MOVES]);
  });

  const MUTANTS: [string, 'smmuCore' | 'vcmdqDrain', Mutation][] = [
    [
      'an insert that does not check the generation',
      'smmuCore',
      {
        file: 'smmu-core/iotlb.ts',
        original:
          'atomic.load<i64>(block, VMID_ANY_GEN) == generation &&\n    atomic.load<i64>(smmu, SMMU_AT_ALL_GEN) == allGeneration;',
        mutant: 'true;',
      },
    ],
    [
      'a CMD_SYNC that passes accesses in flight',
      'vcmdqDrain',
      {
        file: 'vcmdq-drain/run-commands.ts',
        original: ' || !noneInFlight() || !noneAwaited(',
        mutant: ' || !noneAwaited(',
      },
    ],
    [
      'an invalidation that leaves sets alone that are being inserted into',
      'vcmdqDrain',
      {
        file: 'smmu-core/set-lock.ts',
        original: 'while ((seen & (SEQ_BUSY | SEQ_KILLED)) == SEQ_BUSY) {',
        mutant: 'while (false) {',
      },
    ],
    [
      'an invalidation that does not raise the generation',
      'vcmdqDrain',
      {
        file: 'smmu-core/generations.ts',
        original: 'return atomic.add<i64>(block, 1, VMID_ANY_GEN) + 1;',
        mutant: 'return atomic.load<i64>(block, VMID_ANY_GEN);',
      },
    ],
  ];
  it.each(MUTANTS)('%s is caught', { timeout: 60_000 }, async (_name, module, mutation) => {
    const slow = await slowInserts();
    const mutations = module === 'smmuCore' ? [...SLOW_INSERTS, mutation] : [mutation];
    board = new Board(await mutatedModules(slow, module, mutations));
    expect((await moves(board, 3_000_000, 50)).freed).toBeGreaterThan(0);
  });
});

it('a thread that dies in an insert: invalidations pass it, and the set serves again once it is reaped', {
  timeout: 60_000,
}, async () => {
  const endless = await mutatedModules(await separateCheckedModules(), 'smmuCore', [
    {
      file: 'smmu-core/iotlb.ts',
      original: '  if (!releaseSet(sequence)) {',
      mutant: '  while (atomic.load<u32>(sequence) != 0) continue;\n  if (!releaseSet(sequence)) {',
    },
  ]);
  board = new Board(await checkedModules());
  const page = 5;
  const iova = BigInt(page) << 12n;
  const taken = () =>
    Array.from(
      { length: TLB_SETS },
      (_, set) => board?.get(SMMU_AT_TLB_SEQ + set * TLB_SET_STRIDE) ?? 0,
    ).filter((word) => word & SEQ_BUSY);
  const { worker, ready } = board.start('dieInserting', 3, { page, modules: endless });
  await ready;
  for (let i = 0; i < 1000 && board.tlbEntries(7) === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect([board.tlbEntries(7), taken().length]).toEqual([1, 1]);
  // The entry is valid, its set taken: a lookup misses, an invalidation does not wait.
  board.map(page, 9);
  board.put(0, 0x0001_0000_0000_0012n, iova);
  board.store(VINTF, 4, 1);
  expect(board.queue.cons).toBe(1);
  expect(board.translate(SID, iova)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_9000n });
  await worker.terminate();
  board.unit.drain.reapThread(board.smmu, 3);
  expect(taken()).toEqual([]);
  const hits = () => board?.unit.threadBlock.count(THREAD_TLB_HITS);
  const before = hits();
  board.translate(SID, iova);
  expect(board.translate(SID, iova)).toEqual({ status: TRANSLATE_OK, pa: 0x1_8030_9000n });
  expect(hits()).toBe((before ?? 0) + 1);
});
