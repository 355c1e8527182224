// SPDX-License-Identifier: MIT
// The parts of a virtio device that are independent of its transport (virtio 1.2, section
// 2): status, features, queues, and their service. Requests are executed by its
// VirtioFunction.

import { type DeviceState, type DmaPort, plainStateLike, stateFields } from '../plugin/index.ts';
import { isPowerOfTwo } from '../plugin/power-of-two.ts';
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

/**
 * Registers that every transport has, at different offsets; `interrupts` is the ISR
 * status.
 */
export type VirtioRegisters = typeof RESET;

/** Notifications to the driver, which the transport implements. */
export interface VirtioNotifications {
  /** A queue has a used buffer, of which the driver wants to be notified. */
  used(queue: number): void;
  /** The configuration has changed, or the device needs a reset. */
  configChanged(): void;
}

/** A request in progress. */
interface LiveRequest {
  readonly chain: Chain;
  readonly work: RequestWork;
  /** Bytes written by an ended request, whose return may have to wait. */
  written: number | undefined;
}

/** The state of a queue while the device runs. */
interface LiveQueue {
  readonly queue: SplitQueue;
  /** The driver may have made a buffer available since the queue was last found empty. */
  isRung: boolean;
  current: LiveRequest | undefined;
}

export class VirtioCore {
  readonly #function: VirtioFunction;
  readonly #features: bigint;
  readonly #isLegacy: boolean;
  readonly #notify: VirtioNotifications;
  #port: MeteredPort | undefined;
  /**
   * The queue with which the next turn begins, so that a busy queue leaves time for the
   * others.
   */
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

  /** Sets the port for rings and buffers. */
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

  /** Drops requests in progress and resets registers and queues. */
  reset(): void {
    this.#port?.abandon();
    this.registers = structuredClone(RESET);
    this.queues = this.#newQueues();
    this.#connectQueues();
    this.#function.reset?.();
  }

  /** The selected queue; undefined when there is none with that number. */
  get selected(): QueueState | undefined {
    return this.queues[this.registers.queueSel];
  }

  /** Bytes of the device's configuration; 0 after its end. */
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

  /** Maximum number of entries of a queue; 0 when it does not exist. */
  mostOf(queue: number): number {
    return Math.min(this.#function.queueSizes[queue] ?? 0, MAX_QUEUE_SIZE);
  }

  /**
   * Sizes are powers of two (section 2.7): another size would leave the ring without a
   * last entry.
   */
  #isSizeOf(queue: number, size: number): boolean {
    return isPowerOfTwo(size, this.mostOf(queue));
  }

  /**
   * Sets the size of the selected queue, unless the queue is ready or the size not
   * allowed.
   */
  setQueueSize(size: number): void {
    const queue = this.selected;
    if (queue && !queue.ready && this.#isSizeOf(this.registers.queueSel, size)) queue.size = size;
  }

  /**
   * Sets a word of an address of the selected queue, unless the queue is ready: it keeps
   * the addresses with which it was made ready.
   * @param word 0 for the low one.
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

  /** The features that the driver has accepted. */
  get #accepted(): bigint {
    const [low = 0, high = 0] = this.registers.driverFeatures;
    return BigInt(low) | (BigInt(high) << WORD_BITS);
  }

  /** A write of the device status, except 0, which is a `reset`. */
  writeStatus(value: number): void {
    const { registers } = this;
    let accepted = value;
    const driver = this.#accepted;
    // False for features that were not offered, or a driver of the legacy interface
    // (section 2.2).
    const isFit = (driver & ~this.#features) === 0n && (driver & VIRTIO_F_VERSION_1) !== 0n;
    if (!isFit && !this.#isLegacy) accepted &= ~VIRTIO_STATUS_FEATURES_OK;
    // Only a reset clears it.
    registers.status = accepted | (registers.status & VIRTIO_STATUS_NEEDS_RESET);
    if (registers.status & VIRTIO_STATUS_DRIVER_OK)
      for (const live of this.#live) live.isRung = true;
  }

  /**
   * The driver notifies a queue, which is served from the next turn on. False when it
   * does not exist.
   */
  ring(index: number): boolean {
    const live = this.#live[index];
    if (live) live.isRung = true;
    return live !== undefined;
  }

  get #isRunning(): boolean {
    const { status } = this.registers;
    // Legacy drivers use their queues before they set DRIVER_OK (section 3.1.2), or never
    // set it.
    const isDriven = this.#isLegacy || (status & VIRTIO_STATUS_DRIVER_OK) !== 0;
    return isDriven && (status & VIRTIO_STATUS_NEEDS_RESET) === 0;
  }

  /** Does a bounded amount of work, and returns the amount. */
  turn(): number {
    const port = this.#port;
    if (!port || !this.#isRunning) return 0;
    port.begin();
    const { registers } = this;
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
      // What broke is gone with a reset that an access of this turn has led to.
      if (registers !== this.registers) return done;
      registers.status |= VIRTIO_STATUS_NEEDS_RESET;
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
      // The function's back end has reset the device: nothing of the request is left.
      if (live !== this.#live[index]) return completed;
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
    // The driver provides buffers for future input: they stay in the ring until there is
    // some.
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
    const work = this.#function.begin(index, buffers, live.queue.state, this.#accepted);
    return { chain, work, written: undefined };
  }

  /**
   * After a restore, a request in progress is taken again and continued at its `done`.
   */
  save(): DeviceState {
    const queues = this.queues.map((queue, i) => ({
      ...structuredClone(queue),
      taken: this.#live[i]?.current ? (queue.taken - 1) & 0xffff : queue.taken,
    }));
    return { registers: structuredClone(this.registers), queues };
  }

  /**
   * Checks a saved state.
   * @returns a function that restores it.
   * @throws {TypeError} when it does not belong to such a device.
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
      this.#function.reset?.();
    };
  }
}
