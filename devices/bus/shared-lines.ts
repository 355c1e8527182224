// SPDX-License-Identifier: MIT
// Board interrupt lines that several devices share, wired together like level-triggered
// lines.

import { answeredLine } from '../plugin/answers.ts';
import type { Device, InterruptLine } from '../plugin/index.ts';
import type { InterruptSink } from './interrupt-sink.ts';

/**
 * A line of the board.
 * @throws {RangeError} when there is none with this number.
 * @throws {TypeError} when what the board returns is not a line.
 */
export function boardLine(sink: InterruptSink, index: number): InterruptLine {
  return answeredLine(sink.line(index), `interrupts.line(${index})`);
}

/**
 * A line of the board is asserted while any of its devices asserts it; each pulse is
 * passed on.
 */
export class SharedLines {
  readonly #sink: InterruptSink;
  /** Devices that assert each line. */
  readonly #asserting = new Map<number, Set<Device>>();

  constructor(sink: InterruptSink) {
    this.#sink = sink;
  }

  /**
   * A device's connection to a line.
   * @throws {RangeError} when the board has no line with this number.
   */
  line(index: number, device: Device): InterruptLine {
    const line = boardLine(this.#sink, index);
    const asserting = this.#asserting.get(index) ?? new Set();
    this.#asserting.set(index, asserting);
    return {
      pulse: () => line.pulse(),
      setLevel(asserted) {
        if (asserted) asserting.add(device);
        else asserting.delete(device);
        line.setLevel(asserting.size > 0);
      },
    };
  }

  /** Deasserts all lines of devices. The interrupt controller is reset separately. */
  reset(): void {
    for (const asserting of this.#asserting.values()) asserting.clear();
  }
}
