// SPDX-License-Identifier: MIT
// The threads of the stress tests: each role works with a unit of its own on the memories
// of the board that started it.

import { parentPort, workerData } from 'node:worker_threads';
import { HOST_AT_ATTENTION } from '../../dist/assembly/layout/host-memory.js';
import { SMMU_AT_PARKED } from '../../dist/assembly/layout/smmu-memory.js';
import { THREAD_TLB_HITS, THREAD_TLB_INSERTS } from '../../dist/assembly/layout/thread-memory.js';
import { TRANSLATE_OK } from '../../dist/assembly/layout/translate-results.js';
import { Unit } from '../../dist/devices/unit/index.js';

const RING = 0x180000;
const PAGE0 = 0x10000;
const VINTF = 1;
const SID = 5;
const SYNC = 0x46n;
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/**
 * Start data of a thread, besides the options of its role.
 * @typedef {{ role: keyof typeof roles, unit:
 *   import('../../dist/devices/unit/index.js').UnitOptions, smmu: number }} Start
 */

const start = /** @type {Start} */ (workerData);
const { unit: unitOptions, smmu } = start;

class StressUnit extends Unit {
  /**
   * A drain of this unit whose guest port has some functions replaced.
   * @param {Record<string, unknown>} functions
   */
  drainOver(functions) {
    const { modules } = unitOptions;
    if (!('vcmdqDrain' in modules)) throw new Error('this unit has no drain of its own');
    const port = { ...this.port, ...functions };
    const drain = this.instantiate(modules.vcmdqDrain, { port, core: { ...this.core } });
    return /** @type {Unit['drain']} */ (/** @type {unknown} */ (drain));
  }
}

const unit = new StressUnit(unitOptions);
if (!unit.guestMemory || !parentPort)
  throw new Error('a stress thread works on a guest memory, for a thread that has started it');
const port = parentPort;
const host = new Int32Array(unit.hostMemory.buffer);
const guest = new Int32Array(unit.guestMemory.buffer);
const guestLongs = new BigUint64Array(unit.guestMemory.buffer);

/** @type {(kind: string, value?: unknown) => void} */
const say = (kind, value) => port.postMessage({ kind, value });
/** @type {(offset: number) => number} */
const register = (offset) => (PAGE0 + offset) >> 2;
/** @type {(field: number) => number} */
const count = (field) => unit.threadBlock.count(field);

/**
 * Waits until a word of the tests' control block differs from `value`.
 * @param {Int32Array} words
 * @param {number} index
 * @param {number} value
 */
function awaitChange(words, index, value) {
  while (Atomics.load(words, index) === value) Atomics.wait(words, index, value, 100);
}

/**
 * Writes a command; with several drivers, the caller owns the drivers' lock.
 * @param {number} slot
 * @param {bigint} d0
 */
function put(slot, d0, d1 = 0n) {
  guestLongs[(RING + slot * 16) >> 3] = d0;
  guestLongs[(RING + slot * 16 + 8) >> 3] = d1;
}

/** @param {number} page */
function translate(page) {
  const status = unit.translate(smmu, SID, -1, page << 12, 0, 0);
  return status === TRANSLATE_OK ? unit.threadBlock.paAddress : -1;
}

const roles = {
  /**
   * One of several drivers of one queue: writes with the lock, rings without it, and
   * waits for the commands of all drivers without another doorbell.
   * @param {{ control: SharedArrayBuffer, log: SharedArrayBuffer, driver: number,
   *   drivers: number, batches: number, log2size: number, every: number, limitMs: number
   *   }} options limitMs: limit of a wait in vain.
   */
  ring({ control, log, driver, drivers, batches, log2size, every, limitMs }) {
    const words = new Int32Array(control);
    const positions = new Uint8Array(log);
    const [GO, LOCK, NEXT, ARRIVED] = [0, 1, 2, 3];
    // Polls for a while, then yields the processor: there are more threads than cores.
    /** @type {(what: string, reached: () => boolean) => void} */
    const until = (what, reached) => {
      const limit = Date.now() + limitMs;
      for (let looks = 1; !reached(); looks++) {
        if (looks % 200 === 0) Atomics.wait(NEVER, 0, 0, 0.05);
        if (Date.now() > limit) throw new Error(`driver ${driver}: ${what}`);
      }
    };
    const indexMask = (2 << log2size) - 1;
    say('ready');
    awaitChange(words, GO, 0);
    for (let batch = 0; batch < batches; batch++) {
      while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) Atomics.wait(words, LOCK, 1, 1);
      const length = 1 + (batch % 7);
      let position = words[NEXT];
      // CONS as published by the drain; a queue that is stopped at an error has no space
      // until the host has skipped the command.
      const room = () =>
        (1 << log2size) - ((position - Atomics.load(guest, register(0))) & indexMask);
      until(`no room at ${position}`, () => room() >= length);
      for (let i = 0; i < length; i++, position++) {
        const bad = position % every === every - 1;
        positions[position] = bad ? 0xff : driver;
        // ATC_INV of the driver's own endpoint, or a reserved opcode.
        put(position & (indexMask >> 1), bad ? 0xffn : (BigInt(driver) << 32n) | 0x40n, 52n);
      }
      words[NEXT] = position;
      Atomics.store(guest, register(4), position & indexMask);
      Atomics.store(words, LOCK, 0);
      Atomics.notify(words, LOCK, 1);
      unit.drain.doorbell(VINTF, 4);
      // Every driver rings once a round and then only waits: no later doorbell makes up
      // for a lost one.
      Atomics.add(words, ARRIVED, 1);
      until('the others did not come', () => Atomics.load(words, ARRIVED) >= drivers * (batch + 1));
      const last = words[NEXT];
      until(
        `command ${last - 1} was not consumed`,
        () => ((Atomics.load(guest, register(0)) - last) & indexMask) <= indexMask >> 1,
      );
    }
    say('result', batches);
  },

  /**
   * Translates pages in turn, never the same one twice in a row; `expected` is the PA of
   * each.
   * @param {{ control: SharedArrayBuffer, pages: number[], expected: number[], times:
   *   number, stride: number }} options
   */
  lookup({ control, pages, expected, times, stride }) {
    const words = new Int32Array(control);
    let torn = 0;
    let at = 0;
    say('ready');
    awaitChange(words, 0, 0);
    let i = 0;
    for (; i < times && !(i % 4096 === 0 && Atomics.load(words, 1) !== 0); i++) {
      at = (at + stride) % pages.length;
      unit.core.accessBegin();
      if (translate(pages[at]) !== expected[at]) torn++;
      unit.core.accessEnd();
      if (torn > 0) break;
    }
    say('result', {
      torn,
      times: i,
      hits: count(THREAD_TLB_HITS),
      inserts: count(THREAD_TLB_INSERTS),
    });
  },

  /**
   * Uses pages through the SMMU, each access for a while; counts uses of data pages that
   * have been released.
   * @param {{ control: SharedArrayBuffer, page: number, length: number }} options
   */
  use({ control, page, length }) {
    const words = new Int32Array(control);
    const state = { freed: 0, refused: 0, accesses: 0 };
    say('ready');
    awaitChange(words, 0, 0);
    while (Atomics.load(words, 1) === 0) {
      unit.core.accessBegin();
      const pa = translate(page);
      if (pa < 0) state.refused++;
      else
        for (let i = state.accesses % length; i >= 0; i--) {
          if (Atomics.load(guest, (pa - 0x80000000) >> 2) !== 1) {
            state.freed++;
            Atomics.store(words, 1, 1);
            break;
          }
        }
      unit.core.accessEnd();
      if (Atomics.load(host, (smmu + SMMU_AT_PARKED) >> 2) !== 0) unit.drain.serveParked(smmu);
      state.accesses++;
    }
    say('result', { ...state, hits: count(THREAD_TLB_HITS) });
  },

  /**
   * Does DMA to a page that is mapped to itself, whatever its stream's STE is at the
   * moment; counts accesses that are refused, or reach another address.
   * @param {{ control: SharedArrayBuffer, sid: number, address: number }} options
   */
  stream({ control, sid, address }) {
    const words = new Int32Array(control);
    const state = { refused: 0, elsewhere: 0, accesses: 0 };
    say('ready');
    awaitChange(words, 0, 0);
    for (; Atomics.load(words, 1) === 0; Atomics.store(words, 2, ++state.accesses)) {
      unit.core.accessBegin();
      const status = unit.translate(smmu, sid, -1, address | 0, 0, 0);
      if (status !== TRANSLATE_OK) state.refused++;
      else if (unit.threadBlock.paAddress !== address) state.elsewhere++;
      unit.core.accessEnd();
      if (Atomics.load(host, (smmu + SMMU_AT_PARKED) >> 2) !== 0) unit.drain.serveParked(smmu);
    }
    say('result', state);
  },

  /**
   * Moves a page from one data page to the next: descriptor, TLBI_NH_VA, CMD_SYNC; after
   * the sync the previous data page is released.
   * @param {{ control: SharedArrayBuffer, page: number, pte: number, data: number,
   *   descriptors: bigint[], times: number, log2size: number }} options
   */
  move({ control, page, pte, data, descriptors, times, log2size }) {
    const words = new Int32Array(control);
    const indexMask = (2 << log2size) - 1;
    /** @type {(i: number) => number} */
    const dataWord = (i) => (data + (i % descriptors.length) * 0x1000) >> 2;
    let prod = 0;
    let slowest = 0;
    say('ready');
    awaitChange(words, 0, 0);
    let i = 1;
    for (; i <= times && Atomics.load(words, 1) === 0; i++) {
      Atomics.store(guest, dataWord(i), 1);
      Atomics.store(guestLongs, pte >> 3, descriptors[i % descriptors.length]);
      put(prod & (indexMask >> 1), 0x0001_0000_0000_0012n, BigInt(page) << 12n);
      put((prod + 1) & (indexMask >> 1), SYNC);
      prod = (prod + 2) & indexMask;
      Atomics.store(guest, register(4), prod);
      unit.drain.doorbell(VINTF, 4);
      const from = performance.now();
      while (Atomics.load(guest, register(0)) !== prod) {
        if (performance.now() - from > 10_000)
          throw new Error(`move ${i}: the CMD_SYNC never completed`);
      }
      slowest = Math.max(slowest, performance.now() - from);
      Atomics.store(guest, dataWord(i - 1), 0);
      // Some time in which accesses begin after the sync.
      for (let wait = i % 64; wait > 0; wait--) Atomics.load(guest, 0);
    }
    say('result', { moves: i - 1, slowest });
  },

  /**
   * Dies (is terminated) in the middle of a round of a queue that it owns: after the read
   * of a register.
   */
  dieOwning() {
    const die = () => {
      say('ready');
      Atomics.wait(NEVER, 0, 0);
      return 0n;
    };
    unit.drainOver({ load64: die }).doorbell(VINTF, 4);
  },

  /**
   * Dies in an access.
   * @param {{ page: number }} options
   */
  dieInAccess({ page }) {
    unit.core.accessBegin();
    translate(page);
    say('ready');
    Atomics.wait(NEVER, 0, 0);
    unit.core.accessEnd();
  },

  /**
   * Dies in an insert: the module that it uses never returns from one.
   * @param {{ page: number }} options
   */
  dieInserting({ page }) {
    say('ready');
    unit.core.accessBegin();
    translate(page);
  },

  /**
   * A guest that recurses to the limit of its stack and rings while the stack unwinds,
   * with a little more stack each time.
   * @param {{ rings: number }} options
   */
  overflow({ rings }) {
    for (let i = 0; i < 20000; i++) unit.drain.doorbell(VINTF, 4);
    const state = { overflows: 0, served: 0, rung: 0 };
    /** @type {(padding: number) => number} */
    const descend = (padding) => {
      let below = 0;
      try {
        below = descend(padding + 1);
      } catch {
        below = 0;
      }
      if (state.rung++ < rings) {
        // A plain store: a call would need more stack than the drain.
        guest[(PAGE0 + 4) >> 2] = state.rung & 2;
        try {
          unit.drain.doorbell(VINTF, 4);
          state.served++;
        } catch {
          state.overflows++;
        }
      }
      return below + padding;
    };
    descend(0);
    Atomics.store(guest, register(4), 2);
    unit.drain.doorbell(VINTF, 4);
    Atomics.store(guest, register(4), 16);
    unit.drain.doorbell(VINTF, 4);
    say('result', { ...state, attention: Atomics.load(host, HOST_AT_ATTENTION >> 2) });
  },
};

const role = /** @type {(options: unknown) => void} */ (roles[start.role]);
role(workerData);
