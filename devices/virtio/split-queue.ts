// SPDX-License-Identifier: MIT
// The device side of a split virtqueue (virtio 1.2, section 2.7): takes chains of buffers
// that the driver has made available, and returns them as used. The driver's memory is
// read once, with bounds.

import type { DmaPort } from '../plugin/index.ts';

/** Maximum number of descriptors of a queue, and of an indirect table. */
export const MAX_QUEUE_SIZE = 256;

const DESCRIPTOR_SIZE = 16;
const FLAG_NEXT = 1;
const FLAG_WRITE = 2;
const FLAG_INDIRECT = 4;
/** Flag of the available ring: the driver wants no interrupt. */
const FLAG_NO_INTERRUPT = 1;
/** Flags and index, at the start of both rings. */
const RING_HEADER = 4;
const AVAILABLE_SIZE = 2;
const USED_SIZE = 8;
const MASK16 = 0xffff;
const TWO_32 = 2 ** 32;

/** A contiguous buffer of a chain. */
export interface Segment {
  readonly iova: number;
  readonly length: number;
}

/**
 * Buffers of one request: those that the device reads, followed by those that it writes
 * (section 2.7.4.2).
 */
export interface Chain {
  /** Index of its first descriptor, which identifies it in the used ring. */
  readonly head: number;
  readonly readable: readonly Segment[];
  readonly writable: readonly Segment[];
}

/** State of a queue as plain data. 64-bit addresses are two words, low word first. */
export type QueueState = {
  size: number;
  ready: boolean;
  descriptors: number[];
  driver: number[];
  device: number[];
  /** Chains taken and returned since the queue was made ready, modulo 2^16. */
  taken: number;
  used: number;
  /** Bytes of the current request that are done for good; 0 between requests. */
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

/**
 * The driver has violated the protocol, or its memory is unreachable: the device needs a
 * reset.
 */
export class BrokenQueue extends Error {}

/** The IOMMU stalled an access, which has to be retried later. */
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

  /**
   * Reads a whole table in one access: with one access per descriptor, a turn would have
   * time for only a few.
   */
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
   * Takes the next chain that the driver has made available.
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
    // A chain that is longer than its table has a loop.
    for (let left = entries; left > 0; left--) {
      if (index >= entries) throw new BrokenQueue('descriptor index');
      const { iova, length, flags, next } = this.#descriptor(index);
      if (flags & FLAG_INDIRECT) {
        // Not allowed inside an indirect table, nor with a next descriptor (section
        // 2.7.5.3.1).
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
   * Returns a chain as used.
   * @param written bytes that the device has written to it.
   * @returns true when the driver wants an interrupt.
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
    // The entry first: the driver reads it when it sees the index.
    this.#access('write', device + 2, new Uint8Array(view.buffer, 0, 2));
    state.used = used;
    return this.#wantsInterrupt();
  }

  /**
   * The chain has been returned already: if the read stalls it is abandoned, as a
   * spurious interrupt does no harm.
   */
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
