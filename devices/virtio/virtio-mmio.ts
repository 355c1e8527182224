// A virtio device over MMIO (virtio 1.2, section 4.2): registers, queues, interrupt. What it does is its
// VirtioFunction's. Rings and buffers are IOVAs: every access goes through the IOMMU.

import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type DmaPort,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
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
import type { RequestWork, VirtioFunction } from './virtio-function.ts';
import {
  VIRTIO_CONFIG,
  VIRTIO_DEVICE_FEATURES,
  VIRTIO_DEVICE_FEATURES_SEL,
  VIRTIO_DEVICE_ID,
  VIRTIO_DRIVER_FEATURES,
  VIRTIO_DRIVER_FEATURES_SEL,
  VIRTIO_F_ACCESS_PLATFORM,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_F_VERSION_1,
  VIRTIO_INTERRUPT_ACK,
  VIRTIO_INTERRUPT_CONFIG,
  VIRTIO_INTERRUPT_STATUS,
  VIRTIO_INTERRUPT_USED,
  VIRTIO_MAGIC,
  VIRTIO_MAGIC_VALUE,
  VIRTIO_MMIO_NAMES,
  VIRTIO_MMIO_REGION_SIZE,
  VIRTIO_QUEUE_DESC,
  VIRTIO_QUEUE_DEVICE,
  VIRTIO_QUEUE_DRIVER,
  VIRTIO_QUEUE_NOTIFY,
  VIRTIO_QUEUE_NUM,
  VIRTIO_QUEUE_NUM_MAX,
  VIRTIO_QUEUE_READY,
  VIRTIO_QUEUE_SEL,
  VIRTIO_SHM_LEN,
  VIRTIO_STATUS,
  VIRTIO_STATUS_DRIVER_OK,
  VIRTIO_STATUS_FEATURES_OK,
  VIRTIO_STATUS_NEEDS_RESET,
  VIRTIO_VENDOR_ID,
  VIRTIO_VENDOR_VALUE,
  VIRTIO_VERSION,
  VIRTIO_VERSION_VALUE,
} from './virtio-mmio-registers.ts';

const KIND = 0x6f697276; // "viro"
const ALL = 0xffffffff;
const WORD_BITS = 32n;
/** Requests that one turn completes at most. */
const TURN_REQUESTS = 32;

const COMMON = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_INDIRECT_DESC;

const RESET = {
  status: 0,
  interrupts: 0,
  deviceFeaturesSel: 0,
  driverFeaturesSel: 0,
  driverFeatures: [0, 0],
  queueSel: 0,
};

/** A queue at work. */
interface LiveQueue {
  readonly queue: SplitQueue;
  /** The driver may have offered something since the queue was last found empty. */
  isRung: boolean;
  current: { readonly chain: Chain; readonly work: RequestWork } | undefined;
}

/** A virtio device with registers in memory: version 2, split queues, addresses behind the IOMMU. */
export class VirtioMmio implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: KIND, interrupts: 1, busMaster: true };
  readonly regions = [
    { name: 'virtio-mmio', size: VIRTIO_MMIO_REGION_SIZE, accessSizes: [1, 2, 4] as const },
  ];
  readonly #function: VirtioFunction;
  readonly #features: bigint;
  #port: DmaPort | undefined;
  #line: InterruptLine | undefined;
  #live: LiveQueue[] = [];
  private state = structuredClone(RESET);
  private queues: QueueState[];

  /** @param name unique in a machine. */
  constructor(name: string, device: VirtioFunction) {
    this.name = name;
    this.#function = device;
    this.#features = COMMON | device.features;
    this.queues = this.#newQueues();
  }

  #newQueues(): QueueState[] {
    return this.#function.queueSizes.map((_, index) => newQueue(this.#mostOf(index)));
  }

  attach(host: DeviceHost): void {
    this.#port = host.dmaPort();
    this.#line = host.interruptLine(0);
    host.background({ name: this.name, poll: () => this.#turn() });
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

  reset(): void {
    this.#port?.abandon?.();
    this.state = structuredClone(RESET);
    this.queues = this.#newQueues();
    this.#connectQueues();
    this.#updateLine();
  }

  #updateLine(): void {
    this.#line?.setLevel(this.state.interrupts !== 0);
  }

  #interrupt(cause: number): void {
    this.state.interrupts |= cause;
    this.#updateLine();
  }

  /** The selected queue; undefined: there is none of that number. */
  get #selected(): QueueState | undefined {
    return this.queues[this.state.queueSel];
  }

  read(access: MmioAccess): void {
    const { offset, size } = access;
    access.hi = 0;
    if (offset >= VIRTIO_CONFIG) {
      access.lo = this.#readConfig(offset - VIRTIO_CONFIG, size);
      return;
    }
    // A driver reads all 32 bits of a register (section 4.2.2.2); a part of them is what it is elsewhere.
    const word = this.#readRegister(offset & ~3) >>> (8 * (offset & 3));
    access.lo = size === 4 ? word >>> 0 : word & (2 ** (8 * size) - 1);
  }

  #readConfig(offset: number, size: number): number {
    const { config } = this.#function;
    let value = 0;
    for (let i = 0; i < size; i++) value += (config[offset + i] ?? 0) * 2 ** (8 * i);
    return value;
  }

  #readRegister(offset: number): number {
    const { state } = this;
    switch (offset) {
      case VIRTIO_MAGIC:
        return VIRTIO_MAGIC_VALUE;
      case VIRTIO_VERSION:
        return VIRTIO_VERSION_VALUE;
      case VIRTIO_DEVICE_ID:
        return this.#function.deviceId;
      case VIRTIO_VENDOR_ID:
        return VIRTIO_VENDOR_VALUE;
      case VIRTIO_DEVICE_FEATURES:
        return this.#featureWord(state.deviceFeaturesSel);
      case VIRTIO_QUEUE_NUM_MAX:
        return this.#mostOf(state.queueSel);
      case VIRTIO_QUEUE_READY:
        return this.#selected?.ready ? 1 : 0;
      case VIRTIO_INTERRUPT_STATUS:
        return state.interrupts;
      case VIRTIO_STATUS:
        return state.status;
      case VIRTIO_SHM_LEN:
      case VIRTIO_SHM_LEN + 4:
        return ALL;
      // The configuration does not change, and its generation, like what is not there, reads 0.
      default:
        return 0;
    }
  }

  #featureWord(index: number): number {
    return index > 1 ? 0 : Number((this.#features >> (WORD_BITS * BigInt(index))) & BigInt(ALL));
  }

  #mostOf(queue: number): number {
    return Math.min(this.#function.queueSizes[queue] ?? 0, MAX_QUEUE_SIZE);
  }

  write({ offset, size, lo }: MmioAccess): void {
    // No function has a writable configuration.
    if (size !== 4 || offset >= VIRTIO_CONFIG) return;
    const { state } = this;
    switch (offset) {
      case VIRTIO_DEVICE_FEATURES_SEL:
        state.deviceFeaturesSel = lo;
        break;
      case VIRTIO_DRIVER_FEATURES_SEL:
        state.driverFeaturesSel = lo;
        break;
      case VIRTIO_DRIVER_FEATURES:
        if (state.driverFeaturesSel <= 1) state.driverFeatures[state.driverFeaturesSel] = lo;
        break;
      case VIRTIO_QUEUE_SEL:
        state.queueSel = lo;
        break;
      case VIRTIO_QUEUE_NOTIFY:
        this.#ring(lo);
        break;
      case VIRTIO_INTERRUPT_ACK:
        state.interrupts &= ~lo;
        this.#updateLine();
        break;
      case VIRTIO_STATUS:
        this.#writeStatus(lo);
        break;
      default:
        this.#writeQueue(offset, lo);
    }
  }

  /** A queue that is ready keeps what it was made ready with. */
  #writeQueue(offset: number, value: number): void {
    const queue = this.#selected;
    if (!queue) return;
    if (offset === VIRTIO_QUEUE_READY) {
      this.#makeReady(queue, (value & 1) !== 0);
      return;
    }
    if (queue.ready) return;
    const word = (offset >> 2) & 1;
    switch (offset & ~4) {
      case VIRTIO_QUEUE_NUM:
        if (offset === VIRTIO_QUEUE_NUM && this.#isSizeOf(this.state.queueSel, value))
          queue.size = value;
        break;
      case VIRTIO_QUEUE_DESC:
        queue.descriptors[word] = value;
        break;
      case VIRTIO_QUEUE_DRIVER:
        queue.driver[word] = value;
        break;
      case VIRTIO_QUEUE_DEVICE:
        queue.device[word] = value;
        break;
    }
  }

  /** A power of two (section 2.7): another size would leave the ring without a last entry. */
  #isSizeOf(queue: number, size: number): boolean {
    return size > 0 && size <= this.#mostOf(queue) && (size & (size - 1)) === 0;
  }

  #makeReady(queue: QueueState, ready: boolean): void {
    if (queue.ready === ready) return;
    queue.ready = ready;
    queue.taken = 0;
    queue.used = 0;
    const live = this.#live[this.state.queueSel];
    if (live) live.current = undefined;
  }

  #writeStatus(value: number): void {
    const { state } = this;
    if (value === 0) {
      this.reset();
      return;
    }
    let accepted = value;
    const driver =
      BigInt(state.driverFeatures[0] ?? 0) | (BigInt(state.driverFeatures[1] ?? 0) << WORD_BITS);
    // Features that were not offered, or a driver of the legacy interface (section 2.2).
    const isFit = (driver & ~this.#features) === 0n && (driver & VIRTIO_F_VERSION_1) !== 0n;
    if (!isFit) accepted &= ~VIRTIO_STATUS_FEATURES_OK;
    // Only a reset takes it back.
    state.status = accepted | (state.status & VIRTIO_STATUS_NEEDS_RESET);
    if (state.status & VIRTIO_STATUS_DRIVER_OK) for (const live of this.#live) live.isRung = true;
  }

  #ring(index: number): void {
    const live = this.#live[index];
    if (!live) return;
    live.isRung = true;
    this.#turn();
  }

  get #isRunning(): boolean {
    const { status } = this.state;
    return (status & VIRTIO_STATUS_DRIVER_OK) !== 0 && (status & VIRTIO_STATUS_NEEDS_RESET) === 0;
  }

  /** A bounded amount of work. Returns how much it was. */
  #turn(): number {
    if (!this.#isRunning) return 0;
    let done = 0;
    try {
      for (const [index, live] of this.#live.entries()) done += this.#serve(index, live);
    } catch (error) {
      if (error instanceof StalledQueue) return done;
      if (!(error instanceof BrokenQueue)) throw error;
      this.state.status |= VIRTIO_STATUS_NEEDS_RESET;
      this.#interrupt(VIRTIO_INTERRUPT_CONFIG);
    }
    return done;
  }

  #serve(index: number, live: LiveQueue): number {
    const { queue } = live;
    let completed = 0;
    while (queue.state.ready && completed < TURN_REQUESTS) {
      live.current ??= this.#begin(index, live);
      if (!live.current) {
        live.isRung = false;
        break;
      }
      const { chain, work } = live.current;
      const result = work();
      if (result === 'stalled') return completed;
      if (result === 'more') return completed + 1;
      const wantsInterrupt = queue.giveBack(chain, result);
      live.current = undefined;
      completed++;
      if (wantsInterrupt) this.#interrupt(VIRTIO_INTERRUPT_USED);
    }
    return completed;
  }

  #begin(index: number, live: LiveQueue): LiveQueue['current'] {
    const port = this.#port;
    if (!port || !live.isRung) return undefined;
    const chain = live.queue.take();
    if (!chain) return undefined;
    const work = this.#function.begin(index, {
      readable: new ScatteredBytes(chain.readable, port),
      writable: new ScatteredBytes(chain.writable, port),
    });
    return { chain, work };
  }

  /** A request that is under way is begun again by whoever restores the state. */
  save(): DeviceState {
    const queues = this.queues.map((queue, i) => ({
      ...structuredClone(queue),
      taken: this.#live[i]?.current ? (queue.taken - 1) & 0xffff : queue.taken,
    }));
    return { registers: structuredClone(this.state), queues };
  }

  restore(saved: DeviceState): void {
    const { registers, queues } = stateFields(saved, 'registers', 'queues');
    const state = plainStateLike(RESET, registers);
    if (!Array.isArray(queues) || queues.length !== this.queues.length)
      throw new TypeError(`the state is not of this device: its queues`);
    const restored = queues.map((queue, i) => {
      const one = plainStateLike(newQueue(0), queue);
      if (!this.#isSizeOf(i, one.size))
        throw new TypeError('the state is not of this device: the size of a queue');
      return { ...one, taken: one.taken & 0xffff, used: one.used & 0xffff };
    });
    this.#port?.abandon?.();
    this.state = state;
    this.queues = restored;
    this.#connectQueues();
    this.#updateLine();
  }

  registerName(region: number, offset: number): string {
    if (offset >= VIRTIO_CONFIG) return 'Config';
    return VIRTIO_MMIO_NAMES.get(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
