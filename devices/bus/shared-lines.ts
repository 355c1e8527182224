// SPDX-License-Identifier: MIT
// Interrupt lines of a board that several devices have: wired together, as level-triggered ones are.

import { answeredLine } from '../plugin/answers.ts';
import type { Device, InterruptLine } from '../plugin/index.ts';
import type { InterruptSink } from './interrupt-sink.ts';

/**
 * A line of the board.
 * @throws {RangeError} when there is none of this number.
 * @throws {TypeError} when what the board returns for it is no line.
 */
export function boardLine(sink: InterruptSink, index: number): InterruptLine {
  return answeredLine(sink.line(index), `interrupts.line(${index})`);
}

/** A line of the board is asserted while one of its devices asserts it; each pulse is one of the line. */
export class SharedLines {
  readonly #sink: InterruptSink;
  /** By line: devices that assert it. */
  readonly #asserting = new Map<number, Set<Device>>();

  constructor(sink: InterruptSink) {
    this.#sink = sink;
  }

  /**
   * A device's end of a line.
   * @throws {RangeError} when the board has no line of this number.
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

  /** No device asserts a line; the interrupt controller is reset by its own means. */
  reset(): void {
    for (const asserting of this.#asserting.values()) asserting.clear();
  }
}
