// SPDX-License-Identifier: MIT
// What a virtio device is whatever its transport (virtio 1.2, section 2): status, features, queues, and the
// work on them. What it does with a request is its VirtioFunction's.

import { type DeviceState, type DmaPort, plainStateLike, stateFields } from '../plugin/index.ts';
import { MeteredPort } from './metered-port.ts';
import { ScatteredBytes } from './scattered-bytes.ts';
import {
  BrokenQueue,
  type Chain,
  MAX_QUEUE_SIZE,
  newQueue,
  type QueueState,
  SplitQueue,
  StalledQueue,
} from './split-queue.ts';
import {
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
  VIRTIO_STATUS_DRIVER_OK,
  VIRTIO_STATUS_FEATURES_OK,
  VIRTIO_STATUS_NEEDS_RESET,
} from './virtio-bits.ts';
import type { RequestWork, VirtioFunction } from './virtio-function.ts';

const ALL = 0xffffffff;
const WORD_BITS = 32n;

const COMMON = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_INDIRECT_DESC;

const RESET = {
  status: 0,
  interrupts: 0,
  deviceFeaturesSel: 0,
  driverFeaturesSel: 0,
  driverFeatures: [0, 0],
  queueSel: 0,
};

/** Registers that every transport has, by whatever offset; `interrupts` is the ISR status. */
export type VirtioRegisters = typeof RESET;

/** What a transport tells its driver of. */
export interface VirtioNotifications {
  /** A queue has a used buffer, which the driver wants to be told of. */
  used(queue: number): void;
  /** The configuration has changed, which includes that the device needs a reset. */
  configChanged(): void;
}

/** A request under way. */
interface LiveRequest {
  readonly chain: Chain;
  readonly work: RequestWork;
  /** Bytes that it has written, once it has ended: it may have to wait to be given back. */
  written: number | undefined;
}

/** A queue at work. */
interface LiveQueue {
  readonly queue: SplitQueue;
  /** The driver may have offered something since the queue was last found empty. */
  isRung: boolean;
  current: LiveRequest | undefined;
}

export class VirtioCore {
  readonly #function: VirtioFunction;
  readonly #features: bigint;
  readonly #isLegacy: boolean;
  readonly #notify: VirtioNotifications;
  #port: MeteredPort | undefined;
  /** The queue that the next turn begins with: one that has much to do leaves the others theirs. */
  #first = 0;
  #live: LiveQueue[] = [];
  registers: VirtioRegisters = structuredClone(RESET);
  queues: QueueState[];

  /** @param isLegacy its driver works it by the legacy interface (section 2.2.3). */
  constructor(device: VirtioFunction, notify: VirtioNotifications, isLegacy = false) {
    this.#function = device;
    this.#notify = notify;
    this.#isLegacy = isLegacy;
    this.#features = (isLegacy ? VIRTIO_F_INDIRECT_DESC : COMMON) | device.features;
    this.queues = this.#newQueues();
  }

  #newQueues(): QueueState[] {
    return this.#function.queueSizes.map((_, index) => newQueue(this.mostOf(index)));
  }

  /** The way of rings and buffers to memory. */
  connect(port: DmaPort): void {
    this.#port = new MeteredPort(port);
    this.#connectQueues();
  }

  #connectQueues(): void {
    const port = this.#port;
    this.#live = port
      ? this.queues.map((state) => ({
          queue: new SplitQueue(state, port),
          isRung: true,
          current: undefined,
        }))
      : [];
  }

  /** Requests under way are given up; registers and queues are as new. */
  reset(): void {
    this.#port?.abandon();
    this.registers = structuredClone(RESET);
    this.queues = this.#newQueues();
    this.#connectQueues();
  }

  /** The selected queue; undefined: there is none of that number. */
  get selected(): QueueState | undefined {
    return this.queues[this.registers.queueSel];
  }

  /** Bytes of the device's configuration; 0 behind its end. */
  readConfig(offset: number, size: number): number {
    const { config } = this.#function;
    let value = 0;
    for (let i = 0; i < size; i++) value += (config[offset + i] ?? 0) * 2 ** (8 * i);
    return value;
  }

  /** The selected word of the offered features. */
  get deviceFeatures(): number {
    const index = this.registers.deviceFeaturesSel;
    return index > 1 ? 0 : Number((this.#features >> (WORD_BITS * BigInt(index))) & BigInt(ALL));
  }

  /** The selected word of the features that the driver has accepted. */
  get driverFeatures(): number {
    const { driverFeatures, driverFeaturesSel } = this.registers;
    return driverFeatures[driverFeaturesSel] ?? 0;
  }

  set driverFeatures(word: number) {
    const { driverFeatures, driverFeaturesSel } = this.registers;
    if (driverFeaturesSel <= 1) driverFeatures[driverFeaturesSel] = word;
  }

  /** Most entries of a queue; 0 where there is none. */
  mostOf(queue: number): number {
    return Math.min(this.#function.queueSizes[queue] ?? 0, MAX_QUEUE_SIZE);
  }

  /** A power of two (section 2.7): another size would leave the ring without a last entry. */
  #isSizeOf(queue: number, size: number): boolean {
    return size > 0 && size <= this.mostOf(queue) && (size & (size - 1)) === 0;
  }

  /** Sizes the selected queue, unless it is ready, or such a size is none. */
  setQueueSize(size: number): void {
    const queue = this.selected;
    if (queue && !queue.ready && this.#isSizeOf(this.registers.queueSel, size)) queue.size = size;
  }

  /**
   * Sets a word of an address of the selected queue, unless it is ready: what it was made ready with it keeps.
   * @param word 0 is the low one.
   */
  setQueueAddress(area: 'descriptors' | 'driver' | 'device', word: number, value: number): void {
    const queue = this.selected;
    if (queue && !queue.ready) queue[area][word] = value;
  }

  /** Makes the selected queue ready, or not. */
  setQueueReady(ready: boolean): void {
    const queue = this.selected;
    if (!queue || queue.ready === ready) return;
    queue.ready = ready;
    queue.taken = 0;
    queue.used = 0;
    queue.done = 0;
    const live = this.#live[this.registers.queueSel];
    if (live) live.current = undefined;
  }

  /** A write of the device status; a 0 is `reset`'s. */
  writeStatus(value: number): void {
    const { registers } = this;
    let accepted = value;
    const [low = 0, high = 0] = registers.driverFeatures;
    const driver = BigInt(low) | (BigInt(high) << WORD_BITS);
    // Features that were not offered, or a driver of the legacy interface (section 2.2).
    const isFit = (driver & ~this.#features) === 0n && (driver & VIRTIO_F_VERSION_1) !== 0n;
    if (!isFit && !this.#isLegacy) accepted &= ~VIRTIO_STATUS_FEATURES_OK;
    // Only a reset takes it back.
    registers.status = accepted | (registers.status & VIRTIO_STATUS_NEEDS_RESET);
    if (registers.status & VIRTIO_STATUS_DRIVER_OK)
      for (const live of this.#live) live.isRung = true;
  }

  /** The driver notifies a queue, which is looked at from the next turn on. False: there is none. */
  ring(index: number): boolean {
    const live = this.#live[index];
    if (live) live.isRung = true;
    return live !== undefined;
  }

  get #isRunning(): boolean {
    const { status } = this.registers;
    // Legacy drivers use their queues before they say that they are ready (section 3.1.2), or never say it.
    const isDriven = this.#isLegacy || (status & VIRTIO_STATUS_DRIVER_OK) !== 0;
    return isDriven && (status & VIRTIO_STATUS_NEEDS_RESET) === 0;
  }

  /** A bounded amount of work. Returns how much it was. */
  turn(): number {
    const port = this.#port;
    if (!port || !this.#isRunning) return 0;
    port.begin();
    let done = 0;
    try {
      for (let i = 0; i < this.#live.length && !port.isSpent; i++) {
        const index = this.#first;
        this.#first = (index + 1) % this.#live.length;
        done += this.#serve(index, port);
      }
    } catch (error) {
      if (error instanceof StalledQueue) return done;
      if (!(error instanceof BrokenQueue)) throw error;
      this.registers.status |= VIRTIO_STATUS_NEEDS_RESET;
      this.#notify.configChanged();
    }
    return done;
  }

  #serve(index: number, port: MeteredPort): number {
    const live = this.#live[index];
    if (!live) return 0;
    const { queue } = live;
    let completed = 0;
    while (queue.state.ready && !port.isSpent) {
      live.current ??= this.#begin(index, live, port);
      if (!live.current) break;
      const { current } = live;
      const result = current.written ?? current.work();
      if (result === 'stalled') return completed;
      if (result === 'more') return completed + 1;
      current.written = result;
      const wantsInterrupt = queue.giveBack(current.chain, result);
      live.current = undefined;
      queue.state.done = 0;
      completed++;
      if (wantsInterrupt) this.#notify.used(index);
    }
    return completed;
  }

  #begin(index: number, live: LiveQueue, port: DmaPort): LiveQueue['current'] {
    if (!live.isRung) return undefined;
    // The driver leaves buffers for what comes before it comes: they stay in the ring until then.
    if (this.#function.wants?.(index) === false) return undefined;
    const chain = live.queue.take();
    if (!chain) {
      live.isRung = false;
      return undefined;
    }
    const buffers = {
      readable: new ScatteredBytes(chain.readable, port),
      writable: new ScatteredBytes(chain.writable, port),
    };
    const work = this.#function.begin(index, buffers, live.queue.state);
    return { chain, work, written: undefined };
  }

  /** A request that is under way is taken again by whoever restores the state, and goes on where it was. */
  save(): DeviceState {
    const queues = this.queues.map((queue, i) => ({
      ...structuredClone(queue),
      taken: this.#live[i]?.current ? (queue.taken - 1) & 0xffff : queue.taken,
    }));
    return { registers: structuredClone(this.registers), queues };
  }

  /**
   * Checks a saved state.
   * @returns what takes it over.
   * @throws {TypeError} when it is not of such a device.
   */
  prepareRestore(saved: DeviceState): () => void {
    const { registers, queues } = stateFields(saved, 'registers', 'queues');
    const state = plainStateLike(RESET, registers);
    if (!Array.isArray(queues) || queues.length !== this.queues.length)
      throw new TypeError(`the state is not of this device: its queues`);
    const restored = queues.map((queue, i) => {
      const one = plainStateLike(newQueue(0), queue);
      if (!this.#isSizeOf(i, one.size))
        throw new TypeError('the state is not of this device: the size of a queue');
      const { taken, used, done } = one;
      return { ...one, taken: taken & 0xffff, used: used & 0xffff, done: done >>> 0 };
    });
    return () => {
      this.#port?.abandon?.();
      this.registers = state;
      this.queues = restored;
      this.#connectQueues();
    };
  }
}
