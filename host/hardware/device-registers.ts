// SPDX-License-Identifier: MIT
// Registers of a physical device as the host's kernel works them: loads and stores on the host's bus.

import type { Bus } from '../../devices/bus/index.ts';
import { HostError } from './host-error.ts';

/**
 * Looks at a register, and milliseconds, that must both have passed before it is given up
 * on. The model itself answers at once; a side core that has the queue in its hands may
 * have lost its processor.
 */
const POLL_LIMIT = 100_000;
const POLL_LIMIT_MS = 1000;

/** What registers are reached by. */
export type RegisterBus = Pick<Bus, 'read' | 'write'>;

export class DeviceRegisters {
  readonly #bus: RegisterBus;
  readonly #base: number;
  readonly #name: string;

  /** `base` is the device's PA. */
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

  /** One 64-bit store of an integer below 2^53, with optional attribute bits in the upper word. */
  write64(offset: number, value: number, hiBits = 0): void {
    this.#bus.write(
      this.#base + offset,
      8,
      value % 2 ** 32,
      (Math.floor(value / 2 ** 32) | hiBits) >>> 0,
    );
  }

  /**
   * Waits until a register has the wanted value.
   * @throws {HostError} when it does not come.
   */
  poll(
    offset: number,
    what: string,
    done: (value: number) => boolean,
    betweenLooks?: () => void,
  ): void {
    const limit = performance.now() + POLL_LIMIT_MS;
    for (let looks = 0; looks < POLL_LIMIT || performance.now() < limit; looks++) {
      if (done(this.read32(offset))) return;
      betweenLooks?.();
    }
    throw new HostError(
      'timeout',
      `${this.#name}: ${what} timed out, register 0x${offset.toString(16)} reads ` +
        `0x${this.read32(offset).toString(16)}`,
    );
  }
}
