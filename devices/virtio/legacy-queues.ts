// SPDX-License-Identifier: MIT
// Queues by the legacy interface over MMIO (virtio 1.2, section 4.2.4). A queue is one
// piece of memory that contains its three areas in order; the driver writes its page
// number.

import { type DeviceState, plainStateLike } from '../plugin/index.ts';
import { isPowerOfTwo } from '../plugin/power-of-two.ts';
import type { VirtioCore } from './virtio-core.ts';
import {
  VIRTIO_GUEST_PAGE_SIZE,
  VIRTIO_QUEUE_ALIGN,
  VIRTIO_QUEUE_PFN,
} from './virtio-mmio-registers.ts';

const DESCRIPTOR_SIZE = 16;
/** Flags and index of the available ring, and after its entries the used event. */
const AVAILABLE_SIZE = 6;
const AVAILABLE_ENTRY = 2;
const TWO_32 = 2 ** 32;
const DEFAULT_PAGE = 0x1000;

/** The legacy registers of a device's queues. */
export class LegacyQueues {
  readonly #core: VirtioCore;
  /** By queue: alignment, and number of the first page; 0: the queue is not there. */
  private state: { pageSize: number; alignments: number[]; pages: number[] };

  constructor(core: VirtioCore) {
    this.#core = core;
    this.state = this.#newState();
  }

  #newState() {
    const zeros = () => this.#core.queues.map(() => 0);
    return {
      pageSize: DEFAULT_PAGE,
      alignments: zeros().map(() => DEFAULT_PAGE),
      pages: zeros(),
    };
  }

  reset(): void {
    this.state = this.#newState();
  }

  /** The value of a legacy register; other ones read 0. */
  read(offset: number): number {
    if (offset !== VIRTIO_QUEUE_PFN) return 0;
    return this.state.pages[this.#core.registers.queueSel] ?? 0;
  }

  /** Writes a legacy register. */
  write(offset: number, value: number): void {
    const { queueSel } = this.#core.registers;
    if (offset === VIRTIO_GUEST_PAGE_SIZE) {
      if (isPowerOfTwo(value)) this.state.pageSize = value;
    } else if (!this.#core.selected) {
      return;
    } else if (offset === VIRTIO_QUEUE_ALIGN) {
      if (isPowerOfTwo(value)) this.state.alignments[queueSel] = value;
    } else if (offset === VIRTIO_QUEUE_PFN) {
      this.#place(queueSel, value);
    }
  }

  /** A queue lies at a page from now on; at page 0 it is not there any more. */
  #place(queue: number, page: number): void {
    const core = this.#core;
    core.setQueueReady(false);
    this.state.pages[queue] = page;
    if (page === 0) return;
    const size = core.selected?.size ?? 0;
    const alignment = this.state.alignments[queue] ?? DEFAULT_PAGE;
    const descriptors = page * this.state.pageSize;
    const driver = descriptors + DESCRIPTOR_SIZE * size;
    const end = driver + AVAILABLE_SIZE + AVAILABLE_ENTRY * size;
    const device = Math.ceil(end / alignment) * alignment;
    for (const [area, address] of Object.entries({ descriptors, driver, device }) as [
      'descriptors' | 'driver' | 'device',
      number,
    ][]) {
      core.setQueueAddress(area, 0, address % TWO_32);
      core.setQueueAddress(area, 1, Math.floor(address / TWO_32));
    }
    core.setQueueReady(true);
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  /**
   * Checks a saved state.
   * @returns what takes it over.
   * @throws {TypeError} when it is not of such a device.
   */
  prepareRestore(saved: unknown): () => void {
    const state = plainStateLike(this.#newState(), saved);
    if (![state.pageSize, ...state.alignments].every((value) => isPowerOfTwo(value)))
      throw new TypeError('the state is not of this device: a size of pages');
    return () => {
      this.state = state;
    };
  }
}
