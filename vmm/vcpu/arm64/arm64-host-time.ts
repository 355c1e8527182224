// SPDX-License-Identifier: MIT
// The counter of a machine whose vCPUs have their own threads: it advances with the
// computer's clock, while the machine runs. Each vCPU estimates it between two readings
// of the clock.

import {
  ARM64_COUNT,
  ARM64_LATEST,
  ARM64_TIME,
  ARM64_TIME_COUNT,
  ARM64_TIME_ORIGIN,
  ARM64_TIME_RATE,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Block } from './arm64-block.ts';
import type { Arm64Memory } from './arm64-memory.ts';

const NS_PER_MS = 1e6;
/** ARM64_TIME_RATE of one tick, which is a nanosecond, per instruction. */
const ONE = 2 ** 32;
/**
 * Maximum factor by which an estimate becomes slower from one reading to the next: a
 * thread that had no core gives no information.
 */
const MOST_SLOWER = 1.05;
/** Highest assumed speed, in ticks per instruction. */
const FASTEST = 0.25;

/** The clock of this thread relative to `origin`, a `performance.timeOrigin`. */
const nowNs = (origin: number): bigint =>
  BigInt(Math.floor((performance.now() + performance.timeOrigin - origin) * NS_PER_MS));

/** The counter, on any thread. */
export class Arm64HostTime {
  readonly #longs: BigInt64Array;
  readonly #origin: number;
  readonly #originAt: number;
  readonly #latestAt: number;

  /** @param origin `performance.timeOrigin` of the machine's thread. */
  constructor({ memory, cpus }: Pick<Arm64Memory, 'memory' | 'cpus'>, origin: number) {
    this.#longs = new BigInt64Array(memory.buffer);
    this.#origin = origin;
    this.#originAt = (cpus + ARM64_TIME_ORIGIN) >>> 3;
    this.#latestAt = (cpus + ARM64_LATEST) >>> 3;
  }

  /** The counter, from the computer's clock. */
  get now(): bigint {
    return nowNs(this.#origin) - Atomics.load(this.#longs, this.#originAt);
  }

  /** Only on the machine's thread: sets the counter, which continues from there. */
  set(counter: bigint): void {
    Atomics.store(this.#longs, this.#originAt, nowNs(this.#origin) - counter);
  }

  /** The same for a machine that starts. */
  reset(): void {
    Atomics.store(this.#longs, this.#latestAt, 0n);
    this.set(0n);
  }
}

/** One vCPU's estimate of it, on the vCPU's thread. */
export class Arm64TimeEstimate {
  readonly #block: Arm64Block;
  readonly #time: Arm64HostTime;
  #last: { readonly now: bigint; readonly count: bigint } | undefined;
  /** Ticks per instruction. */
  #rate = FASTEST;

  constructor(block: Arm64Block, time: Arm64HostTime) {
    this.#block = block;
    this.#time = time;
  }

  /** It executes nothing for a while, which gives no information about its speed. */
  rest(): void {
    this.#last = undefined;
  }

  /** Reads the clock. */
  look(): bigint {
    const block = this.#block;
    const now = this.#time.now;
    const count = block.long(ARM64_COUNT);
    if (this.#last && count > this.#last.count && now >= this.#last.now) {
      const rate = Number(now - this.#last.now) / Number(count - this.#last.count);
      this.#rate = Math.max(FASTEST, Math.min(rate, this.#rate * MOST_SLOWER));
    }
    this.#last = { now, count };
    block.setLong(ARM64_TIME, now);
    block.setLong(ARM64_TIME_COUNT, count);
    block.setLong(ARM64_TIME_RATE, BigInt(Math.floor(this.#rate * ONE)));
    return now;
  }

  /** Number of instructions that take about `ticks`. */
  instructionsFor(ticks: number): number {
    return Math.floor(ticks / this.#rate);
  }
}
