// A trace of a host and its machines: what the drain wrote into the ring, and what the machines and their devices said, in one list.

import { type Decoded, decodeCommand, decodeEvent, hexOfWords, wordsOfHex } from '../../devices/decode/index.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import { type DrainRecord, TraceRing } from './ring.ts';

/** Something that happened, on a track of a process: a machine is a process, a vCPU, a queue, a device a track of it. */
export interface TraceRecord {
  readonly process: string;
  readonly track: string;
  readonly name: string;
  /** Milliseconds on the host's clock. */
  readonly at: number;
  /** How long it took; absent for what has no length. */
  readonly ms?: number;
  readonly details: Readonly<Record<string, number | string | boolean>>;
}

/** Records that are kept; what comes later is counted and dropped. */
const DEFAULT_LIMIT = 250_000;
const HOST = 'host';

/** Operands that the SMMU looks at, by their names. */
function operands({ fields }: Decoded, without: string): Record<string, string> {
  const shown = fields.filter(({ name, ignored }) => !ignored && name !== without);
  return Object.fromEntries(shown.map(({ name, value }) => [name, `0x${value.toString(16)}`]));
}

/** An SMMU's event record, by its own name. */
function decodedEvent({ record }: TraceEvent): TraceEvent {
  const words = wordsOfHex(String(record).split(' '));
  const decoded = decodeEvent(words);
  return { name: decoded.name, ...operands(decoded, 'Type') };
}

export class Trace {
  readonly #ring: TraceRing;
  readonly #limit: number;
  readonly #queues = new Map<string, { readonly process: string; readonly track: string }>();
  readonly #kept: (TraceRecord | DrainRecord)[] = [];
  #count = 0;
  #dropped = 0;

  /** @param memory that of the host, made with a trace ring. */
  constructor(memory: WebAssembly.Memory, limit = DEFAULT_LIMIT) {
    this.#ring = new TraceRing(memory);
    this.#limit = limit;
  }

  /** Says whose a queue block is: "vm0", "LVCMDQ 0". */
  nameQueue(smmu: number, queue: number, process: string, track: string): void {
    this.#queues.set(`${smmu}.${queue}`, { process, track });
  }

  /** Takes an event of a machine or one of its devices. */
  add(process: string, track: string, event: TraceEvent): void {
    const { name, ...details } = event.name === 'event' ? decodedEvent(event) : event;
    this.#keep({ process, track, name, at: performance.now(), details });
    this.collect();
  }

  /** `weight` is how many records it will be. */
  #keep(record: TraceRecord | DrainRecord, weight = 1): void {
    if (this.#count + weight > this.#limit) {
      this.#dropped += weight;
      return;
    }
    this.#count += weight;
    this.#kept.push(record);
  }

  /** Takes over what the drain has written. To be called often enough that the ring does not come round: at every exit and yield. */
  collect(): void {
    for (const record of this.#ring.take()) this.#keep(record, record.kind === 'run' ? 1 + record.commands.length : 1);
  }

  #doorbell({ at, thread, id, offset }: Extract<DrainRecord, { kind: 'doorbell' }>): TraceRecord {
    return { process: HOST, track: `thread ${thread}`, name: 'doorbell', at, details: { vintf: id & 0xff, offset } };
  }

  /** The run, and its commands. It has one time; they are spread over it, so that each can be seen. */
  #run({ at, thread, smmu, queue, ms, commands, refused }: Extract<DrainRecord, { kind: 'run' }>): TraceRecord[] {
    const owner = this.#queues.get(`${smmu}.${queue}`) ?? { process: HOST, track: `SMMU ${smmu} queue ${queue}` };
    const step = ms / Math.max(1, commands.length);
    const records = commands.map((words, i): TraceRecord => {
      const decoded = decodeCommand(words);
      const last = refused && i === commands.length - 1;
      const details = { ...operands(decoded, 'Opcode'), words: hexOfWords(words).join(' '), refused: last };
      return { ...owner, name: decoded.name, at: at + i * step, ms: step, details };
    });
    return [{ ...owner, name: 'drain', at, ms, details: { commands: commands.length, thread, refused } }, ...records];
  }

  /** All records so far, oldest first. */
  get records(): readonly TraceRecord[] {
    this.collect();
    const records = this.#kept.flatMap((kept) => {
      if (!('kind' in kept)) return [kept];
      return kept.kind === 'run' ? this.#run(kept) : [this.#doorbell(kept)];
    });
    return records.sort((a, b) => a.at - b.at);
  }

  /** Records that found no room, and units of the ring that were overwritten before they were read. */
  get lost(): number {
    return this.#dropped + this.#ring.lost;
  }
}
