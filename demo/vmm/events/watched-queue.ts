// SPDX-License-Identifier: MIT
// A guest's command queue for the recorder: what its guest has written since the last
// observation.

import { QUEUE_NEEDS_HOST, QUEUE_RUNNING } from '../../../assembly/layout/queue-memory.ts';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import type { QueueBlock } from '../../../devices/unit/index.ts';

/**
 * Maximum number of commands that are observed one by one, and of entries of a ring: a
 * larger batch is observed as a whole.
 */
const MOST = 256;
/** Index and wrap bit of PROD and CONS. */
const INDEX_AND_WRAP = 0xfffff;

/** An entry that a guest has written, with its index and wrap bit. */
export interface WrittenEntry {
  readonly at: number;
  readonly words: Uint32Array;
}

export class WatchedQueue {
  /** Name in pictures. */
  readonly name: string;
  readonly block: QueueBlock;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  readonly #prodAt: () => number;
  /** PROD at the last observation, and the ring at that time. */
  #prod = 0;
  #ring = -1;
  #log2size = 0;
  #before = new Uint8Array();

  /** @param prodAt offset of PROD in guest memory; 0 while it traps. */
  constructor(name: string, block: QueueBlock, memory: WebAssembly.Memory, prodAt: () => number) {
    this.name = name;
    this.block = block;
    this.#memory = new Uint8Array(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#prodAt = prodAt;
  }

  get #mask(): number {
    return 2 ** (this.block.log2size + 1) - 1;
  }

  /** PROD as stored by the guest in its memory; undefined while it traps. */
  get storedProd(): number | undefined {
    const at = this.#prodAt();
    return at === 0 ? undefined : Atomics.load(this.#words, at >> 2) >>> 0;
  }

  /** Stores PROD in guest memory on behalf of the guest. */
  storeProd(prod: number): void {
    const at = this.#prodAt();
    if (at !== 0) Atomics.store(this.#words, at >> 2, prod | 0);
  }

  /** Index and wrap bit of a PROD, for a ring of this size. */
  indexOf(prod: number): number {
    return prod & INDEX_AND_WRAP & this.#mask;
  }

  /** A PROD with another index. */
  withIndex(prod: number, index: number): number {
    return ((prod & ~INDEX_AND_WRAP) | index) >>> 0;
  }

  get slots(): number {
    return 2 ** this.block.log2size;
  }

  slotOf(index: number): number {
    return index % this.slots;
  }

  nextOf(index: number): number {
    return (index + 1) & this.#mask;
  }

  get cons(): number {
    return this.block.cons & this.#mask;
  }

  /**
   * True when the queue can be observed command by command up to this PROD: it has a
   * ring, and the PROD is plausible.
   */
  canFollow(prod: number): boolean {
    const { block } = this;
    const ahead = (this.indexOf(prod) - this.cons) & this.#mask;
    return block.allocated && block.hasRing && ahead <= Math.min(this.slots, MOST);
  }

  /** True when it would consume the next command now. */
  get runs(): boolean {
    return this.block.state === QUEUE_RUNNING;
  }

  /** True when it is stopped at a command that only the host executes. */
  get waitsForHost(): boolean {
    return this.block.state === QUEUE_NEEDS_HOST;
  }

  /** The bytes of the entry at an index; none when the ring is beyond the memory. */
  #bytes(index: number): Uint8Array {
    const at = this.block.ring + this.slotOf(index) * CMDQ_ENTRY_SIZE;
    return this.#memory.subarray(at, at + CMDQ_ENTRY_SIZE);
  }

  words(index: number): Uint32Array {
    const copy = new Uint8Array(CMDQ_ENTRY_SIZE);
    copy.set(this.#bytes(index));
    return new Uint32Array(copy.buffer);
  }

  /** The ring is not the one of the last observation. */
  #begin(): void {
    const { ring, log2size } = this.block;
    if (ring === this.#ring && log2size === this.#log2size) return;
    this.#ring = ring;
    this.#log2size = log2size;
    this.#prod = this.cons;
    this.#before = new Uint8Array(Math.min(this.slots, MOST) * CMDQ_ENTRY_SIZE);
  }

  /**
   * PROD at the last observation. If the queue has passed that since, there was no
   * observation for a while, and CONS is used in its place.
   * @param prod its current value.
   */
  before(prod: number): number {
    this.#begin();
    const ahead = (from: number) => (this.indexOf(prod) - from) & this.#mask;
    if (ahead(this.#prod) > ahead(this.cons)) this.#prod = this.cons;
    return this.#prod;
  }

  #old(index: number): Uint8Array | undefined {
    const at = this.slotOf(index) * CMDQ_ENTRY_SIZE;
    return this.#before.length < at + CMDQ_ENTRY_SIZE
      ? undefined
      : this.#before.subarray(at, at + CMDQ_ENTRY_SIZE);
  }

  /**
   * Entries written since the last observation: those up to PROD, and those between CONS
   * and the former PROD that have changed.
   */
  written(prod: number): { readonly again: WrittenEntry[]; readonly added: WrittenEntry[] } {
    const from = this.before(prod);
    const end = this.indexOf(prod);
    const again: WrittenEntry[] = [];
    const added: WrittenEntry[] = [];
    for (let at = this.cons, fresh = at === from; at !== end; at = this.nextOf(at)) {
      fresh ||= at === from;
      const words = this.words(at);
      const old = this.#old(at);
      if (fresh) added.push({ at, words });
      else if (old && !this.#bytes(at).every((byte, i) => byte === old[i]))
        again.push({ at, words });
    }
    return { again, added };
  }

  /**
   * Restores the ring to its state before the guest wrote these entries, while `part`
   * reads it.
   */
  without(entries: readonly WrittenEntry[], part: () => void): void {
    const kept = entries.map(({ at }) => this.#bytes(at).slice());
    try {
      for (const { at } of entries) {
        const old = this.#old(at);
        if (old) this.#bytes(at).set(old);
      }
      part();
    } finally {
      for (const [i, { at }] of entries.entries()) this.#bytes(at).set(kept[i] ?? []);
    }
  }

  /** The next observation compares with this one. */
  seen(prod: number): void {
    this.#begin();
    this.#prod = this.indexOf(prod);
    const at = this.block.ring;
    if (at !== 0) this.#before.set(this.#memory.subarray(at, at + this.#before.length));
  }
}
