// SPDX-License-Identifier: MIT
// A device's port to memory that counts the cost of accesses, by which a turn of the
// device is bounded (docs/internals/architecture.md, "Bounds of one service").

import type { DmaPort, DmaResult } from '../plugin/index.ts';

/**
 * Units of one turn: together with the step that exceeds them, below the 250 us of one
 * service.
 */
const TURN_UNITS = 96;
/** An access costs one unit, and one more for each of these that it moves. */
const BYTES_PER_UNIT = 0x800;

export class MeteredPort implements DmaPort {
  readonly #port: DmaPort;
  #units = 0;

  constructor(port: DmaPort) {
    this.#port = port;
  }

  /** For a device below a PCIe port it depends on the bus number. */
  get streamId(): number {
    return this.#port.streamId;
  }

  /** Starts a turn. */
  begin(): void {
    this.#units = 0;
  }

  /** True when the turn has used up its units. */
  get isSpent(): boolean {
    return this.#units >= TURN_UNITS;
  }

  #count(length: number): void {
    this.#units += 1 + Math.floor(length / BYTES_PER_UNIT);
  }

  read(iova: number, target: Uint8Array): DmaResult {
    this.#count(target.length);
    return this.#port.read(iova, target);
  }

  write(iova: number, source: Uint8Array): DmaResult {
    this.#count(source.length);
    return this.#port.write(iova, source);
  }

  abandon(): void {
    this.#port.abandon?.();
  }
}
