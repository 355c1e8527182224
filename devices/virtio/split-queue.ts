// SPDX-License-Identifier: MIT
// A split virtqueue (virtio 1.2, section 2.7) as the device sees it: takes chains of buffers that the driver
// has made available, and gives them back as used. The driver's memory is read once and bounded.

import type { DmaPort } from '../plugin/index.ts';

/** Most descriptors of a queue, and of an indirect table. */
export const MAX_QUEUE_SIZE = 256;

const DESCRIPTOR_SIZE = 16;
const FLAG_NEXT = 1;
const FLAG_WRITE = 2;
const FLAG_INDIRECT = 4;
/** Of the available ring: the driver wants no interrupt. */
const FLAG_NO_INTERRUPT = 1;
/** Flags and index, in front of both rings. */
const RING_HEADER = 4;
const AVAILABLE_SIZE = 2;
const USED_SIZE = 8;
const MASK16 = 0xffff;
const TWO_32 = 2 ** 32;

/** A piece of memory that a chain is made of. */
export interface Segment {
  readonly iova: number;
  readonly length: number;
}

/** Buffers of one request: what the device reads, and behind that what it writes (section 2.7.4.2). */
export interface Chain {
  /** Index of its first descriptor, by which it is given back. */
  readonly head: number;
  readonly readable: readonly Segment[];
  readonly writable: readonly Segment[];
}

/** State of a queue, as plain data. 64-bit addresses are two words, low one first. */
export type QueueState = {
  size: number;
  ready: boolean;
  descriptors: number[];
  driver: number[];
  device: number[];
  /** Chains taken and given back since it was made ready, modulo 2^16. */
  taken: number;
  used: number;
  /** How far the request under way has got for good, in bytes; 0 between requests. */
  done: number;
};

export const newQueue = (size: number): QueueState => ({
  size,
  ready: false,
  descriptors: [0, 0],
  driver: [0, 0],
  device: [0, 0],
  taken: 0,
  used: 0,
  done: 0,
});

/** The driver has broken the rules, or its memory cannot be reached: the device needs a reset. */
export class BrokenQueue extends Error {}

/** The IOMMU holds an access: the same is to be tried again later. */
export class StalledQueue extends Error {}

const addressOf = ([lo = 0, hi = 0]: readonly number[]) => hi * TWO_32 + lo;

interface Descriptor extends Segment {
  readonly flags: number;
  readonly next: number;
}

export class SplitQueue {
  readonly state: QueueState;
  readonly #port: DmaPort;
  readonly #table = new DataView(new ArrayBuffer(MAX_QUEUE_SIZE * DESCRIPTOR_SIZE));
  readonly #small = new DataView(new ArrayBuffer(USED_SIZE));

  constructor(state: QueueState, port: DmaPort) {
    this.state = state;
    this.#port = port;
  }

  /** @throws {BrokenQueue | StalledQueue} */
  #access(how: 'read' | 'write', iova: number, bytes: Uint8Array): void {
    if (!Number.isSafeInteger(iova + bytes.length)) throw new BrokenQueue('address');
    const { ok, stalled } = this.#port[how](iova, bytes);
    if (stalled) throw new StalledQueue();
    if (!ok) throw new BrokenQueue(how);
  }

  #readWord16(iova: number): number {
    const view = this.#small;
    this.#access('read', iova, new Uint8Array(view.buffer, 0, 2));
    return view.getUint16(0, true);
  }

  /** A whole table in one access: for each descriptor one, a turn would have time for a few only. */
  #readTable(table: number, entries: number): void {
    this.#access('read', table, new Uint8Array(this.#table.buffer, 0, entries * DESCRIPTOR_SIZE));
  }

  /** A descriptor of the table that was read last. */
  #descriptor(index: number): Descriptor {
    const view = this.#table;
    const at = index * DESCRIPTOR_SIZE;
    return {
      iova: view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true),
      length: view.getUint32(at + 8, true),
      flags: view.getUint16(at + 12, true),
      next: view.getUint16(at + 14, true),
    };
  }

  /**
   * The next chain that the driver has made available; it counts as taken.
   * @returns undefined when there is none.
   * @throws {BrokenQueue | StalledQueue}
   */
  take(): Chain | undefined {
    const { state } = this;
    const driver = addressOf(state.driver);
    const waiting = (this.#readWord16(driver + 2) - state.taken) & MASK16;
    if (waiting === 0) return undefined;
    if (waiting > state.size) throw new BrokenQueue('available index');
    const slot = state.taken & (state.size - 1);
    const head = this.#readWord16(driver + RING_HEADER + slot * AVAILABLE_SIZE);
    const chain = this.#chain(head);
    state.taken = (state.taken + 1) & MASK16;
    return chain;
  }

  #chain(head: number): Chain {
    const readable: Segment[] = [];
    const writable: Segment[] = [];
    let entries = this.state.size;
    let isIndirect = false;
    let index = head;
    this.#readTable(addressOf(this.state.descriptors), entries);
    // A chain that is longer than its table is a loop.
    for (let left = entries; left > 0; left--) {
      if (index >= entries) throw new BrokenQueue('descriptor index');
      const { iova, length, flags, next } = this.#descriptor(index);
      if (flags & FLAG_INDIRECT) {
        // Not within an indirect table, and nothing behind it (section 2.7.5.3.1).
        if (isIndirect || flags & FLAG_NEXT || length % DESCRIPTOR_SIZE !== 0)
          throw new BrokenQueue('indirect descriptor');
        isIndirect = true;
        entries = length / DESCRIPTOR_SIZE;
        if (entries === 0 || entries > MAX_QUEUE_SIZE) throw new BrokenQueue('indirect table');
        this.#readTable(iova, entries);
        index = 0;
        left = entries + 1;
        continue;
      }
      if (flags & FLAG_WRITE) writable.push({ iova, length });
      else if (writable.length > 0) throw new BrokenQueue('order of a chain');
      else readable.push({ iova, length });
      if ((flags & FLAG_NEXT) === 0) return { head, readable, writable };
      index = next;
    }
    throw new BrokenQueue('loop of descriptors');
  }

  /**
   * Gives a chain back.
   * @param written bytes that the device has written to it.
   * @returns whether the driver wants an interrupt.
   * @throws {BrokenQueue | StalledQueue}
   */
  giveBack({ head }: Chain, written: number): boolean {
    const { state } = this;
    const device = addressOf(state.device);
    const view = this.#small;
    view.setUint32(0, head, true);
    view.setUint32(4, written, true);
    const slot = state.used & (state.size - 1);
    const entry = device + RING_HEADER + slot * USED_SIZE;
    this.#access('write', entry, new Uint8Array(view.buffer));
    const used = (state.used + 1) & MASK16;
    view.setUint16(0, used, true);
    // The driver looks at the entry when it sees the index.
    this.#access('write', device + 2, new Uint8Array(view.buffer, 0, 2));
    state.used = used;
    return this.#wantsInterrupt();
  }

  /** The chain is given back already: a look that stalls is given up, and an interrupt too many does no harm. */
  #wantsInterrupt(): boolean {
    try {
      return (this.#readWord16(addressOf(this.state.driver)) & FLAG_NO_INTERRUPT) === 0;
    } catch (error) {
      if (!(error instanceof StalledQueue)) throw error;
      this.#port.abandon?.();
      return true;
    }
  }
}
