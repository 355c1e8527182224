// SPDX-License-Identifier: MIT
// The trace ring of a host's memory (assembly/layout/trace-memory.ts has the protocol):
// copies its units in large pieces, and decodes the records when they are read.

import {
  HOST_AT_THREADS,
  HOST_AT_TRACE,
  HOST_AT_TRACE_MARKS,
  HOST_AT_TRACE_MASK,
  HOST_AT_TRACE_NEXT,
  HOST_AT_TRACE_SALT,
  HOST_THREADS,
  THREAD_STRIDE,
} from '../../assembly/layout/host-memory.ts';
import { THREAD_TLB_HITS } from '../../assembly/layout/thread-memory.ts';
import { TRACE_SEQUENCE, TRACE_UNIT, TRACE_UNITS } from '../../assembly/layout/trace-memory.ts';
import { type HotRecord, recordAt } from './hot-record.ts';
import { type Mark, type TimedRecord, withTimes } from './times.ts';

const WORDS = TRACE_UNIT / 4;

/** The contents of a ring, and what it has lost. */
export interface RingContents {
  /** In the order in which they began, each with a time. */
  readonly records: readonly TimedRecord[];
  /** Number of units that were overwritten, or are not complete. */
  readonly lost: number;
  /** The first record after overwritten ones; undefined when none was overwritten. */
  readonly resumes?: TimedRecord | undefined;
}

/** Consecutive units. */
interface Piece {
  /** Index of the first one. */
  readonly index: number;
  readonly words: Uint32Array;
}

const endOf = ({ index, words }: Piece) => index + words.length / WORDS;

function joined(first: Piece, second: Piece): Piece {
  const words = new Uint32Array(first.words.length + second.words.length);
  words.set(first.words);
  words.set(second.words, first.words.length);
  return { index: first.index, words };
}

/** Twice as many are too many: of marks, too, the first and the newest are kept. */
const MANY_MARKS = 100_000;

export class TraceRing {
  readonly #words: Uint32Array;
  readonly #ring: Uint32Array;
  /** Number of units. */
  readonly #size: number;
  readonly #salt: number;
  readonly #first: number;
  readonly #marks: Mark[] = [];
  /** The first half of the ring, copied when it was full. */
  #beginning: Piece | undefined;

  /**
   * Reads what is written from now on.
   * @param memory from `createHostMemory` with `traceUnits`.
   */
  constructor(memory: WebAssembly.Memory) {
    this.#words = new Uint32Array(memory.buffer);
    const start = this.#word(HOST_AT_TRACE) >> 2;
    this.#size = start === 0 ? 0 : this.#word(HOST_AT_TRACE_MASK) + 1;
    this.#ring = this.#words.subarray(start, start + this.#size * WORDS);
    this.#salt = this.#word(HOST_AT_TRACE_SALT);
    this.#first = this.#word(HOST_AT_TRACE_NEXT);
  }

  #word(offset: number): number {
    return Atomics.load(this.#words, offset >> 2);
  }

  /**
   * Number of units begun since the constructor: the index of the next one, comparable
   * with indexes of records.
   */
  get written(): number {
    return (this.#word(HOST_AT_TRACE_NEXT) - this.#first) >>> 0;
  }

  /**
   * Call this at every reading of the clock, and before the ring wraps for the first
   * time: records in the ring began before `at` (milliseconds on the host's clock), later
   * ones after it.
   */
  mark(at: number): void {
    const { written } = this;
    const last = this.#marks.at(-1);
    if (last?.index === written) last.to = at;
    else this.#marks.push({ index: written, from: at, to: at });
    Atomics.add(this.#words, HOST_AT_TRACE_MARKS >> 2, 1);
    if (!this.#beginning && written > this.#size / 2)
      this.#beginning = this.#copy(0, this.#size / 2);
    if (this.#marks.length >= 2 * MANY_MARKS) this.#marks.splice(MANY_MARKS / 2, MANY_MARKS);
  }

  /** IOTLB hits of each thread so far, modulo 2^32. */
  hits(): (readonly [thread: number, hits: number])[] {
    const block = (thread: number) => HOST_THREADS + thread * THREAD_STRIDE + THREAD_TLB_HITS;
    return Array.from({ length: this.#word(HOST_AT_THREADS) }, (_, thread) => [
      thread,
      this.#words[block(thread) >> 2] ?? 0,
    ]);
  }

  /**
   * A copy of the units from one index to another, except those that are not in the ring
   * any more, or were overwritten during the copy.
   */
  #copy(from: number, to: number): Piece {
    const index = Math.max(from, this.written - this.#size);
    const words = new Uint32Array(Math.max(0, to - index) * WORDS);
    const start = (this.#first + index) % this.#size;
    const behind = Math.min(words.length, (this.#size - start) * WORDS);
    words.set(this.#ring.subarray(start * WORDS, start * WORDS + behind));
    words.set(this.#ring.subarray(0, words.length - behind), behind);
    const overwritten = Math.min(
      Math.max(0, this.written - this.#size - index),
      words.length / WORDS,
    );
    return { index: index + overwritten, words: words.subarray(overwritten * WORDS) };
  }

  /**
   * The beginning, and the newest units in the ring. At `at`, milliseconds on the host's
   * clock.
   */
  read(at: number): RingContents {
    if (this.#size === 0) return { records: [], lost: 0 };
    this.mark(at);
    const begin = this.#beginning ?? this.#copy(0, 0);
    const { written } = this;
    const newest = this.#copy(endOf(begin), written);
    const records: HotRecord[] = [];
    let lost = begin.index + newest.index - endOf(begin);
    for (const { index, words } of newest.index === endOf(begin)
      ? [joined(begin, newest)]
      : [begin, newest]) {
      for (let unit = 0; unit < words.length / WORDS; ) {
        const head = words.subarray(unit * WORDS);
        const sequence = (index + unit + this.#first + this.#salt) >>> 0;
        const units = (head[TRACE_UNITS >> 2] ?? 0) & 0xffff;
        const record =
          head[TRACE_SEQUENCE >> 2] === sequence
            ? recordAt(head.subarray(0, units * WORDS), index + unit)
            : undefined;
        // A record that is not complete, or has lost its beginning, has no length: the
        // next one begins at the next sequence word.
        unit += record ? units : 1;
        if (!record) lost++;
        else if (record.kind !== 'padding') records.push(record);
      }
    }
    const timed = withTimes(records, this.#marks);
    const resumes =
      newest.index === endOf(begin) ? undefined : timed.find(({ index }) => index >= newest.index);
    return { records: timed, lost, resumes };
  }
}
