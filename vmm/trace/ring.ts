// Reads the trace ring of a host's memory (assembly/layout/trace.ts has the protocol).

import { HOST_AT_TRACE, HOST_AT_TRACE_MASK, HOST_AT_TRACE_NEXT } from '../../assembly/layout/host-memory.ts';
import {
  TRACE_A,
  TRACE_B,
  TRACE_KIND_RUN,
  TRACE_REFUSED,
  TRACE_SEQUENCE,
  TRACE_TIME,
  TRACE_UNIT,
  TRACE_UNITS,
  TRACE_WHAT,
} from '../../assembly/layout/trace.ts';

const WORDS = TRACE_UNIT / 4;

interface Common {
  /** Milliseconds on the host's clock. */
  readonly at: number;
  /** Thread block of the unit that ran the drain. */
  readonly thread: number;
  readonly smmu: number;
}

/** A run of commands of one queue, or a doorbell call. */
export type DrainRecord =
  | (Common & {
      readonly kind: 'run';
      /** Index of the queue block. */
      readonly queue: number;
      readonly ms: number;
      /** Four words each. */
      readonly commands: readonly Uint32Array[];
      /** The last command was not carried out: it is illegal, waits, or needs the host. */
      readonly refused: boolean;
    })
  | (Common & { readonly kind: 'doorbell'; readonly offset: number; readonly id: number });

export class TraceRing {
  readonly #words: Uint32Array;
  readonly #times: Float64Array;
  readonly #ring: number;
  readonly #mask: number;
  #read: number;
  #lost = 0;

  /** Reads what is written from now on. `memory` comes from `createHostMemory` with `traceUnits`. */
  constructor(memory: WebAssembly.Memory) {
    this.#words = new Uint32Array(memory.buffer);
    this.#times = new Float64Array(memory.buffer);
    this.#ring = (this.#words[HOST_AT_TRACE >> 2] ?? 0) >>> 2;
    this.#mask = this.#words[HOST_AT_TRACE_MASK >> 2] ?? 0;
    this.#read = this.#written;
  }

  /** Units that were overwritten before they were read. */
  get lost(): number {
    return this.#lost;
  }

  get #written(): number {
    return Atomics.load(this.#words, HOST_AT_TRACE_NEXT >> 2);
  }

  #at(index: number): number {
    return this.#ring + (index & this.#mask) * WORDS;
  }

  /** What has been completed since the last call, in the order in which it was begun. */
  *take(): Generator<DrainRecord> {
    while (this.#read !== this.#written) {
      const size = this.#mask + 1;
      const behind = (this.#written - this.#read) >>> 0;
      if (behind > size) this.#skip(behind - size);
      const unit = this.#at(this.#read);
      const next = (this.#read + 1) >>> 0;
      if (Atomics.load(this.#words, unit + (TRACE_SEQUENCE >> 2)) !== next) {
        // Not complete yet, unless the writers are coming round to it.
        if ((this.#written - this.#read) >>> 0 < size / 2) return;
        this.#skip(1);
        continue;
      }
      const units = Math.max(1, this.#words[unit + (TRACE_UNITS >> 2)] ?? 1);
      const record = this.#record(unit);
      if ((this.#written - this.#read) >>> 0 > size) continue;
      this.#read = (this.#read + units) >>> 0;
      yield record;
    }
  }

  #skip(units: number): void {
    this.#lost += units;
    this.#read = (this.#read + units) >>> 0;
  }

  #record(unit: number): DrainRecord {
    const word = (offset: number) => this.#words[unit + (offset >> 2)] ?? 0;
    const what = word(TRACE_WHAT);
    const common = { at: this.#times[(unit + (TRACE_TIME >> 2)) / 2] ?? 0, thread: (what >>> 8) & 0xff, smmu: (what >>> 16) & 0x7f };
    const a = word(TRACE_A);
    if ((what & 0xff) !== TRACE_KIND_RUN) return { ...common, kind: 'doorbell', offset: a, id: word(TRACE_B) };
    const count = Math.min((a & ~TRACE_REFUSED) >>> 0, 2 * (this.#mask + 1));
    const first = this.#read;
    const commands = Array.from({ length: count }, (_, i) => {
      const at = this.#at(first + 1 + (i >> 1)) + 4 * (i & 1);
      return this.#words.slice(at, at + 4);
    });
    const ms = this.#times[(unit + (TRACE_B >> 2)) / 2] ?? 0;
    return { ...common, kind: 'run', queue: what >>> 23, ms, commands, refused: (a & TRACE_REFUSED) !== 0 };
  }
}
