// SPDX-License-Identifier: MIT
// Access to the registers of a physical device for the host's kernel: loads and stores on
// the host's bus.

import type { Bus } from '../../devices/bus/index.ts';
import { HostError } from './host-error.ts';

/**
 * A poll gives up when both this number of reads and this number of milliseconds have
 * passed. The model itself answers at once, but a side core that owns the queue may have
 * lost its processor.
 */
const POLL_LIMIT = 100_000;
const POLL_LIMIT_MS = 1000;

/** The part of a bus through which registers are accessed. */
export type RegisterBus = Pick<Bus, 'read' | 'write'>;

export class DeviceRegisters {
  readonly #bus: RegisterBus;
  readonly #base: number;
  readonly #name: string;

  /** @param base PA of the device. */
  constructor(bus: RegisterBus, base: number, name: string) {
    this.#bus = bus;
    this.#base = base;
    this.#name = name;
  }

  read32(offset: number): number {
    return this.#bus.read(this.#base + offset, 4);
  }

  write32(offset: number, value: number): void {
    this.#bus.write(this.#base + offset, 4, value);
  }

  /**
   * Stores an integer below 2^53 in one 64-bit access, with optional attribute bits in
   * the upper word.
   */
  write64(offset: number, value: number, hiBits = 0): void {
    this.#bus.write(
      this.#base + offset,
      8,
      value % 2 ** 32,
      (Math.floor(value / 2 ** 32) | hiBits) >>> 0,
    );
  }

  /**
   * Reads a register until `done` accepts its value.
   * @throws {HostError} `timeout` when that does not happen.
   */
  poll(
    offset: number,
    what: string,
    done: (value: number) => boolean,
    betweenPolls?: () => void,
  ): void {
    const limit = performance.now() + POLL_LIMIT_MS;
    for (let looks = 0; looks < POLL_LIMIT || performance.now() < limit; looks++) {
      if (done(this.read32(offset))) return;
      betweenPolls?.();
    }
    throw new HostError(
      'timeout',
      `${this.#name}: ${what} timed out, register 0x${offset.toString(16)} reads ` +
        `0x${this.read32(offset).toString(16)}`,
    );
  }
}
