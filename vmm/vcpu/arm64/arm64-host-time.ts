// SPDX-License-Identifier: MIT
// The counter of a machine whose vCPUs have threads of their own: it goes on as the computer's clock
// does, while the machine runs. Each vCPU has an estimate of it between two looks at the clock.

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
/** ARM64_TIME_RATE of one tick, which is a nanosecond, for each instruction. */
const ONE = 2 ** 32;
/**
 * An estimate becomes slower by this factor at most from one look to the next: a thread that
 * had no core says nothing.
 */
const MOST_SLOWER = 1.05;
/** Fastest that is thought possible, in ticks for an instruction. */
const FASTEST = 0.25;

/** The clock of this thread as that of `origin`, which is its `performance.timeOrigin`. */
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

  /** What the counter is by the computer's clock. */
  get now(): bigint {
    return nowNs(this.#origin) - Atomics.load(this.#longs, this.#originAt);
  }

  /** The machine's thread alone: the counter is that now, and goes on from there. */
  set(counter: bigint): void {
    Atomics.store(this.#longs, this.#originAt, nowNs(this.#origin) - counter);
  }

  /** The same for a machine that begins. */
  reset(): void {
    Atomics.store(this.#longs, this.#latestAt, 0n);
    this.set(0n);
  }
}

/** What one vCPU knows of it, on its own thread. */
export class Arm64TimeEstimate {
  readonly #block: Arm64Block;
  readonly #time: Arm64HostTime;
  #last: { readonly now: bigint; readonly count: bigint } | undefined;
  /** Ticks for an instruction. */
  #rate = FASTEST;

  constructor(block: Arm64Block, time: Arm64HostTime) {
    this.#block = block;
    this.#time = time;
  }

  /** It executes nothing for a while: how long that is says nothing of its speed. */
  rest(): void {
    this.#last = undefined;
  }

  /** Looks at the clock. */
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

  /** Instructions that take about so many ticks. */
  instructionsFor(ticks: number): number {
    return Math.floor(ticks / this.#rate);
  }
}
