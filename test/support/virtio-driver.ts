// SPDX-License-Identifier: MIT
// A driver of any virtio device over MMIO: it makes buffers available, and reads used
// ones.

import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import { type VirtioFunction, VirtioMmio } from '../../devices/virtio/index.ts';

const SIZE = 4;
const PAGE = 0x1000;
const [NEXT, WRITE] = [1, 2];

/** A buffer: bytes that the device reads, or the size of one that it writes. */
export type Buffer = Uint8Array | number;

interface Used {
  readonly written: number;
  /** The contents of the writable buffers. */
  readonly bytes: Uint8Array;
}

/** Queue n has descriptors, rings and buffers from page 8n on. */
export class VirtioDriver {
  readonly host = new FakeHost();
  readonly device: VirtioMmio;
  readonly bus: DeviceBus;
  readonly #view: DataView;
  readonly #offered: number[];
  readonly #seen: number[];
  readonly #rooms: number[];

  /** @param features of the device, bits 0 to 31, that it accepts. */
  constructor(device: VirtioFunction, features = 0) {
    this.device = new VirtioMmio('device', device);
    this.device.attach(this.host);
    this.device.reset();
    this.bus = new DeviceBus(this.device);
    const { ram } = this.host;
    this.#view = new DataView(ram.buffer, ram.byteOffset, ram.length);
    this.#offered = device.queueSizes.map(() => 0);
    this.#seen = device.queueSizes.map(() => 0);
    this.#rooms = device.queueSizes.map(() => 0);
    const { bus } = this;
    for (const status of [0, 1, 3]) bus.write32(0x70, status);
    bus.write32(0x24, 0);
    bus.write32(0x20, features);
    bus.write32(0x24, 1);
    bus.write32(0x20, 3);
    bus.write32(0x70, 11);
    for (const queue of device.queueSizes.keys()) {
      bus.write32(0x30, queue);
      bus.write32(0x38, SIZE);
      for (const [i, register] of [0x80, 0x90, 0xa0].entries())
        bus.write32(register, this.host.ramGpa + this.#at(queue, i));
      bus.write32(0x44, 1);
    }
    bus.write32(0x70, 15);
  }

  #at(queue: number, page: number): number {
    return (8 * queue + page) * PAGE;
  }

  /** Makes one request available, and notifies. */
  offer(queue: number, ...buffers: readonly Buffer[]): void {
    const view = this.#view;
    let at = this.#at(queue, 3);
    buffers.forEach((buffer, i) => {
      const isRoom = typeof buffer === 'number';
      const length = isRoom ? buffer : buffer.length;
      if (!isRoom) this.host.ram.set(buffer, at);
      else if (i === 0 || typeof buffers[i - 1] !== 'number') this.#rooms[queue] = at;
      const entry = this.#at(queue, 0) + 16 * i;
      view.setBigUint64(entry, BigInt(this.host.ramGpa + at), true);
      view.setUint32(entry + 8, length, true);
      view.setUint16(entry + 12, (isRoom ? WRITE : 0) | (i + 1 < buffers.length ? NEXT : 0), true);
      view.setUint16(entry + 14, i + 1, true);
      at += length;
    });
    const offered = this.#offered[queue] ?? 0;
    view.setUint16(this.#at(queue, 1) + 4 + 2 * (offered % SIZE), 0, true);
    this.#offered[queue] = offered + 1;
    view.setUint16(this.#at(queue, 1) + 2, offered + 1, true);
    this.bus.write32(0x50, queue);
    this.host.poll();
  }

  /** True when a request has completed that `used` has not returned. */
  hasUsed(queue: number): boolean {
    return this.#view.getUint16(this.#at(queue, 2) + 2, true) !== (this.#seen[queue] ?? 0);
  }

  /** The next completed request; undefined if there is none. */
  used(queue: number): Used | undefined {
    const seen = this.#seen[queue] ?? 0;
    const ring = this.#at(queue, 2);
    if (!this.hasUsed(queue)) return undefined;
    this.#seen[queue] = seen + 1;
    const written = this.#view.getUint32(ring + 4 + 8 * (seen % SIZE) + 4, true);
    const room = this.#rooms[queue] ?? 0;
    return { written, bytes: this.host.ram.slice(room, room + written) };
  }
}
