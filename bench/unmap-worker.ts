// SPDX-License-Identifier: MIT
// A processor of the host in the unmap benchmark: maps pages of its domain, unmaps them,
// and waits until no TLB has them any longer, repeatedly.

import { parentPort, workerData } from 'node:worker_threads';
import {
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERROR_CMDQ_ERR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
} from '../assembly/layout/cmdqv-registers.ts';
import { maskInWord } from '../devices/plugin/index.ts';
import {
  PageTable,
  S1_READ_WRITE,
  sync,
  type TableMemory,
  tlbiNhVa,
} from '../devices/tables/index.ts';
import { PhysicalRam, QueueBlock, Unit } from '../devices/unit/index.ts';
import { DeviceRegisters } from '../host/hardware/device-registers.ts';
import { HostRam } from '../host/hardware/host-ram.ts';
import { HostCommandQueue } from '../host/kernel/host-command-queue.ts';
import {
  type HostUnmapTimes,
  LOCK_SENT,
  LOCK_TAKEN,
  LOCK_WORDS,
  type ProcessorOptions,
  ROUND_GO,
  ROUND_PLAN,
  ROUND_READY,
  TABLE_BYTES,
} from './unmap-host.ts';

const { modules, hostMemory, thread, tables, round, locks } = workerData as ProcessorOptions;
const PAGE = 0x1000;
const IOVA = 0x1_0000_0000;
/** Number of pages that it cycles through. */
const PAGES = 256;

const unit = new Unit({ modules, hostMemory, thread });
const ram = new HostRam(hostMemory);
const hostWords = new Int32Array(hostMemory.buffer);
const roundWords = new Int32Array(round);
const lockWords = new Int32Array(locks);
const ramBase = new PhysicalRam(hostMemory).base;

let next = tables;
/** The part of host RAM for page tables. */
const memory: TableMemory = {
  load64: (pa) => ram.load64(pa),
  store64: (pa, value) => ram.store64(pa, value),
  allocate(size) {
    const at = next;
    next += Math.max(size, PAGE);
    return at;
  },
};
const table = new PageTable(memory, { stage: 1 });

/** Page 0 of the VINTF as mapped by this processor: a store runs the queue. */
function registersOf(block: QueueBlock): DeviceRegisters {
  const at = (address: number) => (block.registers + address) >> 2;
  return new DeviceRegisters(
    {
      read: (address) => Atomics.load(hostWords, at(address)) >>> 0,
      write(address, _size, value) {
        Atomics.store(hostWords, at(address), value | 0);
        unit.drain.serve(block.smmu, block.index);
      },
    },
    0,
    'VCMDQ',
  );
}

function queueOf(lvcmdq: number): HostCommandQueue {
  const block = new QueueBlock(hostMemory, 0, lvcmdq);
  return new HostCommandQueue({
    registers: {
      device: registersOf(block),
      prod: VCMDQ_PROD,
      cons: VCMDQ_CONS,
      gerror: VCMDQ_GERROR,
      gerrorn: VCMDQ_GERRORN,
      error: maskInWord(VCMDQ_GERROR_CMDQ_ERR),
    },
    memory: ram,
    ring: block.ring - ramBase,
    log2size: block.log2size,
    betweenPolls: () => undefined,
  });
}

/**
 * Owns the lock of its queue while it writes a batch; waits for completion without the
 * lock.
 */
class QueueUser {
  readonly #queue: HostCommandQueue;
  readonly #lock: number;

  constructor(lvcmdq: number) {
    this.#queue = queueOf(lvcmdq);
    this.#lock = lvcmdq * LOCK_WORDS;
  }

  /** Entries not yet consumed at the time when `sent` entries had been sent. */
  #pending(sent: number): number {
    this.#queue.prod = sent & (2 ** (this.#queue.log2size + 1) - 1);
    return this.#queue.pending;
  }

  issue(batch: readonly Uint32Array[]): void {
    const [taken, count] = [this.#lock + LOCK_TAKEN, this.#lock + LOCK_SENT];
    while (Atomics.compareExchange(lockWords, taken, 0, 1) !== 0);
    const before = Atomics.load(lockWords, count);
    while (this.#pending(before) + batch.length > 2 ** this.#queue.log2size);
    this.#queue.send(batch);
    const ticket = (before + batch.length) | 0;
    Atomics.store(lockWords, count, ticket);
    Atomics.store(lockWords, taken, 0);
    // Compares counts of entries: other processors may move CONS around the whole ring in
    // the meantime.
    for (;;) {
      const sent = Atomics.load(lockWords, count);
      const consumed = sent - this.#pending(sent);
      if (((consumed - ticket) | 0) >= 0 && Atomics.load(lockWords, count) === sent) return;
    }
  }
}

/** @returns milliseconds in total, and of the invalidations. */
function unmaps(user: QueueUser, pages: number, count: number): HostUnmapTimes {
  let invalidation = 0;
  const from = performance.now();
  for (let i = 0; i < count; i++) {
    const iova = IOVA + ((i * pages) % PAGES) * PAGE;
    const addresses = Array.from({ length: pages }, (_, page) => iova + page * PAGE);
    for (const address of addresses) table.map(address, tables + TABLE_BYTES, PAGE, S1_READ_WRITE);
    table.unmap(iova, pages * PAGE);
    // A command for each page: Grace has no range invalidation.
    const batch = [...addresses.map((address) => tlbiNhVa(0, thread, { address })), sync()];
    const begun = performance.now();
    user.issue(batch);
    invalidation += performance.now() - begun;
  }
  return { unmap: performance.now() - from, invalidation };
}

parentPort?.postMessage('ready');
for (let seen = 0; ; seen++) {
  Atomics.wait(roundWords, ROUND_GO, seen);
  if (Atomics.load(roundWords, ROUND_GO) < 0) break;
  const [threads = 0, queues = 1, pages = 1, count = 1] = roundWords.slice(ROUND_PLAN);
  let times: HostUnmapTimes = { unmap: 0, invalidation: 0 };
  if (thread <= threads) {
    const user = new QueueUser((thread - 1) % queues);
    Atomics.add(roundWords, ROUND_READY, 1);
    while (Atomics.load(roundWords, ROUND_READY) < threads);
    times = unmaps(user, pages, count);
  }
  parentPort?.postMessage(times);
}
