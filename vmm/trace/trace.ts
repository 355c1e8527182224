// SPDX-License-Identifier: MIT
// A trace of a host and its machines: the drain's records in the ring, and events of the
// machines and their devices, in one list.

import {
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
import { CMDQV_MAX_VINTFS } from '../../assembly/layout/cmdqv-registers.ts';
import { QUEUE_MAIN } from '../../assembly/layout/queue-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
  TRANSLATE_STALLED,
} from '../../assembly/layout/translate-results.ts';
import {
  type Decoded,
  decodeCommand,
  decodeEvent,
  hexOfWords,
  wordsOfHex,
} from '../../devices/decode/index.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import { eventType } from '../../devices/tables/index.ts';
import type { Doorbell } from './hot-record.ts';
import type { TimedRecord } from './times.ts';
import { HOST, type TraceRecord } from './trace-record.ts';
import { TraceRing } from './trace-ring.ts';

/**
 * Maximum number of records that are kept: if there are more, the first half and the
 * newest.
 */
const DEFAULT_LIMIT = 250_000;
/**
 * Minimum duration of a command to be visible: a nanosecond, and another one to separate
 * it from the next.
 */
const SHOWN_MS = 2e-6;
const RUN = 'drain';

/** Operands that the SMMU uses, by name. */
function operands({ fields }: Decoded, without: string): Record<string, string> {
  const shown = fields.filter(({ name, ignored }) => !ignored && name !== without);
  return Object.fromEntries(shown.map(({ name, value }) => [name, `0x${value.toString(16)}`]));
}

/** An SMMU's event record, named after the event. */
function decodedEvent({ record }: TraceEvent): TraceEvent {
  const words = wordsOfHex(String(record).split(' '));
  const decoded = decodeEvent(words);
  return { name: decoded.name, ...operands(decoded, 'Type') };
}

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

/** Name of an access, by ACCESS_*. */
function accessName(access: number): string {
  const kind = access & ACCESS_WRITE ? 'write' : access & ACCESS_INSTRUCTION ? 'fetch' : 'read';
  return access & ACCESS_PRIVILEGED ? `privileged ${kind}` : kind;
}

const RESULTS: Readonly<Record<number, string>> = {
  [TRANSLATE_OK]: 'ok',
  [TRANSLATE_ABORT]: 'abort',
  [TRANSLATE_RAZWI]: 'reads as zero, writes ignored',
  [TRANSLATE_STALLED]: 'stalled',
};

/** The newest `most` records, without commands whose run is not included. */
function newest(records: readonly TraceRecord[], most: number): TraceRecord[] {
  const trackOf = ({ process, track }: TraceRecord) => `${process}\0${track}`;
  const cut = records.length - most;
  const ends = new Map<string, number>();
  for (const record of records.slice(0, cut))
    if (record.name === RUN) ends.set(trackOf(record), record.at + (record.ms ?? 0));
  return records
    .slice(cut)
    .filter((record) => record.at >= (ends.get(trackOf(record)) ?? record.at));
}

/** Inserts a record where others are missing. */
function withGap(
  records: readonly TraceRecord[],
  from: number,
  to: number,
  lost: number,
): TraceRecord[] {
  const gap = { process: HOST, track: 'missing', name: 'missing', at: from, ms: to - from };
  const at = records.findIndex((record) => record.at > from);
  const before = at < 0 ? records.length : at;
  return [
    ...records.slice(0, before),
    { ...gap, details: { records: lost } },
    ...records.slice(before),
  ];
}

type Run = Extract<TimedRecord, { readonly kind: 'run' }>;
type Walk = Extract<TimedRecord, { readonly kind: 'walk' }>;

/** The owner of something, for records from an index of the ring on. */
interface Owner {
  readonly from: number;
  readonly process: string;
  readonly track: string;
}

/**
 * By name: the owner of a record is the last one that had the name when the record was
 * written.
 */
class Owners {
  readonly #owners = new Map<string, Owner[]>();

  add(name: string, owner: Owner): void {
    this.#owners.set(name, [...(this.#owners.get(name) ?? []), owner]);
  }

  of(name: string, index: number): Owner | undefined {
    return this.#owners.get(name)?.findLast(({ from }) => from <= index);
  }
}

/**
 * A queue that belongs to no machine: the SMMU's CMDQ, or a VCMDQ of the host's own
 * VINTF.
 */
function hostQueueName(queue: number): string {
  if (queue === QUEUE_MAIN) return 'CMDQ';
  return queue < QUEUE_MAIN ? `VCMDQ ${queue}` : `queue ${queue}`;
}

/**
 * The events of a host and its machines (docs/trace.md).
 *
 * @example
 * ```js
 * import { writeFile } from 'node:fs/promises';
 * import { chromeTrace, Host } from 'vsmmu';
 * import { toyGuest } from 'vsmmu/guest';
 *
 * const host = await Host.create({ trace: true });
 * const machine = await host.createMachine({ guest: toyGuest, args: ['vms=1', 'rounds=1'] });
 * await machine.boot();
 * await machine.wait();
 * const { records, lost } = host.trace.read();
 * await writeFile('run.json', JSON.stringify(chromeTrace(records, lost)));
 * await host.destroy();
 * ```
 */
export class Trace {
  readonly #ring: TraceRing;
  readonly #limit: number;
  readonly #queues = new Owners();
  readonly #threads = new Owners();
  readonly #events: TraceRecord[] = [];
  /** IOTLB hits of each thread when the trace began. */
  readonly #hits: ReadonlyMap<number, { readonly hits: number; readonly at: number }>;
  #dropped = 0;

  /**
   * @param memory of the host, created with a trace ring.
   * @param limit number of records that are kept, at least 2; an odd number is rounded
   *   down.
   */
  constructor(memory: WebAssembly.Memory, limit = DEFAULT_LIMIT) {
    this.#ring = new TraceRing(memory);
    this.#limit = limit - (limit % 2);
    const at = performance.now();
    this.#hits = new Map(this.#ring.hits().map(([thread, hits]) => [thread, { hits, at }]));
  }

  /** Sets the owner of a queue block from now on: "vm0", "LVCMDQ 0". */
  nameQueue(smmu: number, queue: number, process: string, track: string): void {
    this.#queues.add(`${smmu}.${queue}`, { from: this.#ring.written, process, track });
  }

  /** Sets the machine for which a thread block translates from now on. */
  nameThread(thread: number, process: string): void {
    this.#threads.add(`${thread}`, {
      from: this.#ring.written,
      process,
      track: `IOTLB, thread ${thread}`,
    });
  }

  /** Adds an event of a machine or one of its devices. */
  add(process: string, track: string, event: TraceEvent): void {
    const at = performance.now();
    const { name, ...details } = event.name === 'event' ? decodedEvent(event) : event;
    this.#events.push({ process, track, name, at, details });
    this.#ring.mark(at);
    if (this.#events.length < 2 * this.#limit) return;
    this.#events.splice(this.#limit / 2, this.#limit);
    this.#dropped += this.#limit;
  }

  #doorbell({ thread, at, estimated }: TimedRecord, { context, offset }: Doorbell): TraceRecord {
    const whose =
      context < CMDQV_MAX_VINTFS ? { vintf: context } : { viommu: context - CMDQV_MAX_VINTFS };
    const details = { ...whose, offset, ...(estimated && { estimated }) };
    return { process: HOST, track: `thread ${thread}`, name: 'doorbell', at, details };
  }

  /**
   * The record of a run, and those of its commands. The run has one time, over which the
   * commands are spread so that each is visible. If the clock is too coarse, the run is
   * still as long as they need.
   * @param ends when each queue's last run has ended: a queue is served by one thread at
   *   a time, whatever the estimates for two threads are.
   */
  #run(record: Run, ends: Map<string, number>): TraceRecord[] {
    const { index, thread, smmu, queue, commands, refused, doorbell, estimated } = record;
    const name = `${smmu}.${queue}`;
    const { process, track } = this.#queues.of(name, index) ?? {
      process: HOST,
      track: `SMMU ${smmu} ${hostQueueName(queue)}`,
    };
    const at = Math.max(record.at, ends.get(name) ?? 0);
    const ms = Math.max(record.ms, (commands.length + 1) * SHOWN_MS);
    ends.set(name, at + ms);
    const step = ms / Math.max(1, commands.length);
    const records = commands.map((words, i): TraceRecord => {
      const decoded = decodeCommand(words);
      const last = refused && i === commands.length - 1;
      const details = {
        ...operands(decoded, 'Opcode'),
        words: hexOfWords(words).join(' '),
        refused: last,
      };
      return { process, track, name: decoded.name, at: at + i * step, ms: step, details };
    });
    const details = { commands: commands.length, thread, refused, ...(estimated && { estimated }) };
    const rung = doorbell ? [this.#doorbell(record, doorbell)] : [];
    return [...rung, { process, track, name: RUN, at, ms, details }, ...records];
  }

  #walk({ process }: Pick<Owner, 'process'>, walk: Walk): TraceRecord {
    const {
      at,
      estimated,
      streamId,
      substreamId,
      iova,
      access,
      result,
      event,
      tags,
      pa,
      log2size,
    } = walk;
    const common = {
      ...(substreamId === undefined ? {} : { SubstreamID: hex(substreamId) }),
      ...(tags && { VMID: tags.vmid, ASID: tags.asid }),
      iova: hex(iova),
      access: accessName(access),
      ...(estimated && { estimated }),
    };
    const track = `StreamID ${hex(streamId)}`;
    if (result === TRANSLATE_OK)
      return {
        process,
        track,
        name: 'walk',
        at,
        details: { ...common, pa: hex(pa), size: 2 ** log2size },
      };
    const name = `fault ${eventType(event)?.name ?? 'without a record'}`;
    return { process, track, name, at, details: { ...common, result: RESULTS[result] ?? result } };
  }

  /**
   * The hits of every thread between its walks, as one record for each sequence, and the
   * walks.
   */
  #translations(walks: readonly Walk[], now: number): TraceRecord[] {
    const before = new Map(this.#hits);
    const records: TraceRecord[] = [];
    const hit = (
      thread: number,
      { process, track }: Pick<Owner, 'process' | 'track'>,
      hits: number,
      at: number,
    ) => {
      const last = before.get(thread) ?? { hits: 0, at };
      const count = (hits - last.hits) >>> 0;
      if (count > 0)
        records.push({
          process,
          track,
          name: 'hit',
          at: last.at,
          ms: at - last.at,
          details: { count },
        });
      before.set(thread, { hits, at });
    };
    for (const walk of walks) {
      const owner = this.#ownerOf(walk.thread, walk.index);
      hit(walk.thread, owner, walk.hits, walk.at);
      records.push(this.#walk(owner, walk));
    }
    for (const [thread, hits] of this.#ring.hits())
      hit(thread, this.#ownerOf(thread, this.#ring.written), hits, now);
    return records;
  }

  #ownerOf(thread: number, index: number): Pick<Owner, 'process' | 'track'> {
    return (
      this.#threads.of(`${thread}`, index) ?? { process: HOST, track: `IOTLB, thread ${thread}` }
    );
  }

  /**
   * The records, oldest first, and the number of missing ones: those in the middle when
   * there are more than the limit, and overwritten units of the ring. Where records are
   * missing, a record named `missing` extends from the last one before to the first one
   * after.
   */
  read(): { readonly records: readonly TraceRecord[]; readonly lost: number } {
    const now = performance.now();
    const { records: hot, lost: lostHot, resumes } = this.#ring.read(now);
    const ends = new Map<string, number>();
    const drained = hot.flatMap((record) => {
      if (record.kind === 'run') return this.#run(record, ends);
      return record.kind === 'doorbell' ? [this.#doorbell(record, record.doorbell)] : [];
    });
    const walks = hot.filter((record) => record.kind === 'walk');
    const all = [...this.#events, ...drained, ...this.#translations(walks, now)].sort(
      (a, b) => a.at - b.at,
    );
    const half = this.#limit / 2;
    const kept =
      all.length > this.#limit ? [...all.slice(0, half), ...newest(all.slice(half), half)] : all;
    const over = all.length - kept.length;
    const lost = lostHot + over + this.#dropped;
    /** The times on both sides of each gap. */
    const gaps: number[] = [];
    const gapBefore = (after: TraceRecord | TimedRecord | undefined, before?: { at: number }) => {
      if (after) gaps.push(before?.at ?? after.at, after.at);
    };
    if (over > 0) gapBefore(kept[half], kept[half - 1]);
    if (this.#dropped > 0) gapBefore(this.#events[half], this.#events[half - 1]);
    if (resumes) gapBefore(resumes, hot[hot.indexOf(resumes) - 1]);
    if (gaps.length === 0) return { records: kept, lost };
    return { records: withGap(kept, Math.min(...gaps), Math.max(...gaps), lost), lost };
  }

  /** The records of `read`. */
  get records(): readonly TraceRecord[] {
    return this.read().records;
  }

  /** Number of missing records. */
  get lost(): number {
    return this.read().lost;
  }
}
