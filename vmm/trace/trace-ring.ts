// SPDX-License-Identifier: MIT
// The trace ring of a host's memory (assembly/layout/trace-memory.ts has the protocol):
// takes its units over in large pieces, and finds the records in them when somebody asks.

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

/** What a ring holds, and what it has lost. */
export interface RingContents {
  /** In the order in which they were begun, each with a time. */
  readonly records: readonly TimedRecord[];
  /** Units that have been overwritten, or are not complete. */
  readonly lost: number;
  /** The first record behind those that have been overwritten; undefined when none was. */
  readonly resumes?: TimedRecord | undefined;
}

/** Units that stand behind each other. */
interface Piece {
  /** Of the first one. */
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
  /** Units. */
  readonly #size: number;
  readonly #salt: number;
  readonly #first: number;
  readonly #marks: Mark[] = [];
  /** The first half ring, taken over once there was as much. */
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
   * Units that have been begun since the constructor: the index of the next one, which
   * indexes of records are comparable with.
   */
  get written(): number {
    return (this.#word(HOST_AT_TRACE_NEXT) - this.#first) >>> 0;
  }

  /**
   * To be called at every look at the clock, and before the ring has come round for the
   * first time: what stands in the ring was begun before `at` (milliseconds on the host's
   * clock), and what comes later behind it.
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
   * A copy of the units from one index to another, as far as they are in the ring and
   * were not overwritten while it was made.
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

  /** The beginning, and the newest that stands in the ring. At `at`, milliseconds on the host's clock. */
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
        // One that is not complete, or has lost its beginning, has no length: the next
        // one is where a sequence word says so.
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
