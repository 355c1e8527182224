// SPDX-License-Identifier: MIT
// TypeScript view of a thread block in host memory (assembly/layout/thread-memory.ts):
// the results of the thread's last translation, and its counters. The rest of the block
// belongs to the hot modules.

import { CFG_ASID, CFG_VMID } from '../../assembly/layout/config-cache-memory.ts';
import { EVT_STAG, EVT_STALL } from '../../assembly/layout/events.ts';
import { HOST_THREADS, THREAD_STRIDE } from '../../assembly/layout/host-memory.ts';
import {
  THREAD_CFG,
  THREAD_EVENT,
  THREAD_PA,
  THREAD_PA_SIZE,
} from '../../assembly/layout/thread-memory.ts';
import { bitsOf, wordOf } from '../plugin/index.ts';
import { checkThread } from './host-memory-check.ts';

/** 32-bit words of an event record. */
const EVENT_WORDS = 8;

/** The block of one thread; only that thread may read the results. */
export class ThreadBlock {
  /** Byte offset in host memory. */
  readonly address: number;
  readonly #words: Uint32Array;
  readonly #longs: BigInt64Array;
  readonly #pa: number;
  readonly #log2size: number;
  readonly #event: number;

  /**
   * @param thread index of the block, from 0.
   * @throws {TypeError|RangeError} when the memory is not from `createHostMemory`, or
   *   there is no such thread.
   */
  constructor(hostMemory: WebAssembly.Memory, thread: number) {
    checkThread(hostMemory, thread, 'ThreadBlock');
    this.address = HOST_THREADS + thread * THREAD_STRIDE;
    this.#words = new Uint32Array(hostMemory.buffer);
    this.#longs = new BigInt64Array(hostMemory.buffer);
    this.#pa = (this.address + THREAD_PA) >> 2;
    this.#log2size = (this.address + THREAD_PA_SIZE) >> 2;
    this.#event = (this.address + THREAD_EVENT) >> 2;
  }

  /** Address of the translated byte in its window: the lower half of its PA. */
  get paAddress(): number {
    return this.#words[this.#pa] ?? 0;
  }

  /** Window of the translated byte: the upper half of its PA. */
  get paWindow(): number {
    return this.#words[this.#pa + 1] ?? 0;
  }

  /**
   * The whole PA of the translated byte. It allocates a BigInt, so do not use it on the
   * path of an access.
   */
  get pa(): bigint {
    return (BigInt(this.paWindow) << 32n) | BigInt(this.paAddress);
  }

  /**
   * log2 of the size in bytes of the surrounding block, to which the access is limited.
   */
  get paLog2size(): number {
    return this.#words[this.#log2size] ?? 0;
  }

  /**
   * A copy of the event record of the last fault, eight words. Word 0 is 0 when the fault
   * has no record.
   */
  get event(): Uint32Array {
    return this.#words.slice(this.#event, this.#event + EVENT_WORDS);
  }

  /** STAG of the transaction that has just stalled. */
  get stag(): number {
    return bitsOf(this.#words[this.#event + wordOf(EVT_STALL)] ?? 0, EVT_STAG);
  }

  /**
   * VMID (as in IOTLB entries) and ASID of the configuration that the last translation
   * used.
   */
  get tags(): { readonly vmid: number; readonly asid: number } {
    const word = (at: number) => this.#words[(this.address + THREAD_CFG + at) >> 2] ?? 0;
    return { vmid: word(CFG_VMID), asid: word(CFG_ASID) & 0xffff };
  }

  /** A counter of the thread, by its THREAD_* offset. */
  count(counter: number): number {
    return Number(Atomics.load(this.#longs, (this.address + counter) >> 3));
  }
}
