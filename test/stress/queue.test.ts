// SPDX-License-Identifier: MIT
// One queue under several threads: drivers that ring at the same time, threads that die
// in the drain, stacks that overflow in it.

import { afterEach, expect, it } from 'vitest';
import {
  ATC_PORT_REQUESTS,
  ATC_PORT_SID,
  ATC_PORT_STRIDE,
  SMMU_AT_ATC,
  SMMU_AT_ATC_PORTS,
} from '../../assembly/layout/ats-memory.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_OWNER_THREAD,
  QUEUE_OWNERS,
  QUEUE_PARKED,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import { checkedModules, separateCheckedModules } from '../support/findings.ts';
import { mutatedModules } from '../support/mutated-modules.ts';
import { Board, SCALE, VINTF } from './board.ts';

const DRIVERS = 4;
const LOG2SIZE = 8;
const INDEX_MASK = (2 << LOG2SIZE) - 1;
/** Every n-th command is illegal, and the queue stops until the host has skipped it. */
const EVERY = 997;
/** After this time a driver's wait is in vain. */
const LIMIT_MS = 20_000;
const BATCHES = Math.round(3000 * SCALE);

let board: Board | undefined;
afterEach(async () => {
  await board?.end();
});

/**
 * Four drivers on one queue. Returns the commands that each sent and those executed for
 * it; throws when a driver waits in vain.
 */
async function fourDrivers(on: Board, batches: number, limitMs = LIMIT_MS) {
  const control = new SharedArrayBuffer(64);
  const log = new SharedArrayBuffer(DRIVERS * batches * 8);
  const words = new Int32Array(control);
  const positions = new Uint8Array(log);
  on.set(SMMU_AT_ATC_PORTS, DRIVERS);
  for (let driver = 0; driver < DRIVERS; driver++) {
    on.context.setSidMatch(driver, (driver << 1) | 1);
    on.context.setSidReplace(driver, 0x100 + driver);
    on.set(SMMU_AT_ATC + driver * ATC_PORT_STRIDE + ATC_PORT_SID, 0x100 + driver + 1);
  }
  const requests = () =>
    Array.from({ length: DRIVERS }, (_, driver) =>
      on.get(SMMU_AT_ATC + driver * ATC_PORT_STRIDE + ATC_PORT_REQUESTS),
    );
  const sentBefore = (position: number) => {
    const sent = new Array<number>(DRIVERS).fill(0);
    for (let i = 0; i < position; i++) {
      const driver = positions[i] ?? 0xff;
      if (driver !== 0xff) sent[driver] = (sent[driver] ?? 0) + 1;
    }
    return sent;
  };
  const threads = Array.from({ length: DRIVERS }, (_, driver) =>
    on.start('ring', 2 + driver, {
      control,
      log,
      driver,
      drivers: DRIVERS,
      batches,
      log2size: LOG2SIZE,
      every: EVERY,
      limitMs,
    }),
  );
  await Promise.all(threads.map(({ ready }) => ready));
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);

  let running = true;
  const results = Promise.all(threads.map(({ result }) => result)).finally(() => {
    running = false;
  });
  results.catch(() => undefined);
  let errors = 0;
  while (running) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (on.queue.state !== QUEUE_ERROR_HELD) continue;
    // The queue has stopped at the illegal command: all earlier commands have been
    // executed, in order, and no later one.
    const consumed = errors * EVERY + EVERY - 1;
    expect([on.queue.cons, positions[consumed]]).toEqual([consumed & INDEX_MASK, 0xff]);
    expect(requests()).toEqual(sentBefore(consumed));
    errors++;
    expect(on.unit.drain.stepOver(on.smmu, 0)).toBe(1);
    on.unit.drain.serve(on.smmu, 0);
  }
  await results;
  const total = words[2] ?? 0;
  return {
    total,
    errors,
    requests: requests(),
    sent: sentBefore(total),
    counts: on.queue.counts,
    cons: on.queue.cons,
  };
}

it(`four threads ring one queue, ${BATCHES} batches each: nothing lost, doubled or reordered`, {
  timeout: 60_000 + 20_000 * SCALE,
}, async () => {
  board = new Board(await checkedModules(), LOG2SIZE);
  const { total, errors, requests, sent, counts, cons } = await fourDrivers(board, BATCHES);
  console.log(`stress: ${total} commands of ${DRIVERS} threads, ${errors} errors on the way`);
  expect(requests).toEqual(sent);
  expect(cons).toBe(total & INDEX_MASK);
  expect(errors).toBe(Math.floor(total / EVERY));
  expect(counts).toEqual({ commands: total - errors, syncs: 0, errors, rewrites: total - errors });
});

it('notices a queue that is released without a check for doorbells', {
  timeout: 60_000,
}, async () => {
  const mutant = await mutatedModules(await separateCheckedModules(), 'vcmdqDrain', [
    {
      file: 'vcmdq-drain/ownership.ts',
      original: 'if (atomic.cmpxchg<i32>(queue, seen, 0, QUEUE_OWNERS) == seen) return true;',
      mutant: 'if (atomic.xchg<i32>(queue, 0, QUEUE_OWNERS) != 0 || seen != 0) return true;',
    },
  ]);
  board = new Board(mutant, LOG2SIZE);
  await expect(fourDrivers(board, 100_000, 1000)).rejects.toThrow(/was not consumed|did not come/);
});

it('a thread that dies while it owns a queue is reaped, and the queue continues', async () => {
  board = new Board(await separateCheckedModules());
  const owners = (board.queue.address + QUEUE_OWNERS) >> 2;
  board.put(0, 0x46n);
  board.guest[(0x10000 + 4) >> 2] = 1;
  const { worker, ready } = board.start('dieOwning', 3);
  await ready;
  await worker.terminate();
  expect([board.host[owners], board.host[(board.queue.address + QUEUE_OWNER_THREAD) >> 2]]).toEqual(
    [1, 4],
  );
  board.unit.drain.doorbell(VINTF, 4);
  expect(board.queue.cons).toBe(0);
  board.unit.drain.reapThread(board.smmu, 2);
  expect(board.host[owners]).toBe(2);
  board.unit.drain.reapThread(board.smmu, 3);
  expect(board.host[owners]).toBe(0);
  board.unit.drain.serve(board.smmu, 0);
  expect([board.queue.cons, board.queue.state]).toEqual([1, QUEUE_RUNNING]);
});

it('a thread that dies in an access delays CMD_SYNC until it is reaped', async () => {
  board = new Board(await checkedModules());
  const { worker, ready } = board.start('dieInAccess', 3, { page: 1 });
  await ready;
  board.put(0, 0x46n);
  board.put(1, 0x28n);
  board.store(VINTF, 4, 2);
  expect([board.queue.cons, board.queue.state]).toEqual([0, QUEUE_PARKED]);
  await worker.terminate();
  expect(board.unit.drain.serveParked(board.smmu)).toBe(1);
  board.unit.drain.reapThread(board.smmu, 3);
  expect(board.unit.drain.serveParked(board.smmu)).toBe(0);
  expect([board.queue.cons, board.queue.state]).toEqual([2, QUEUE_RUNNING]);
});

it('a guest on its own thread that recurses to its stack limit and rings', async () => {
  board = new Board(await checkedModules(), 4);
  board.put(0, 0x0001_0000_0000_0012n, 0x1000n);
  for (let slot = 1; slot < 16; slot++) board.put(slot, 0x46n);
  const { overflows, served } = (await board.start('overflow', 3, { rings: 400 }).result) as {
    overflows: number;
    served: number;
  };
  expect(overflows).toBeGreaterThan(0);
  expect(served).toBeGreaterThan(0);
  expect([
    board.host[(board.queue.address + QUEUE_OWNERS) >> 2],
    board.page0(0),
    board.queue.state,
  ]).toEqual([0, 16, QUEUE_RUNNING]);
  // And the others continue.
  board.store(VINTF, 4, 18);
  expect(board.page0(0)).toBe(18);
});
