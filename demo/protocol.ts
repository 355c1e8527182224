// SPDX-License-Identifier: MIT
// What the page and the VMM's worker tell each other: plain data only.

import type { MeasuredPath } from '../vmm/report/measurements.ts';
import type { Settings } from './demo-settings.ts';

/** An entry of a command ring. */
export interface EntryPicture {
  /** Index in the ring. */
  readonly slot: number;
  /**
   * Consumed in this lap; at CONS, with commands to come; between CONS and PROD; from PROD on: left
   * from an earlier lap, written ahead of PROD, never written.
   */
  readonly state: 'done' | 'next' | 'pending' | 'earlier' | 'written' | 'empty';
  /** PROD, CONS or both are here. */
  readonly at: '' | 'PROD' | 'CONS' | 'both';
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
}

export interface QueuePicture {
  /** "VCMDQ 0", or "CMDQ". */
  readonly name: string;
  /** Direct and overlay: its PROD and CONS lie in guest memory, and a store to PROD is no exit. */
  readonly path: MeasuredPath;
  readonly enabled: boolean;
  /** Entries. */
  readonly size: number;
  /** Registers as the guest would read them: index and wrap bit, without error and flags. */
  readonly prod: number;
  readonly cons: number;
  /** Laps around the ring in which PROD and CONS are, from 1. */
  readonly prodLap: number;
  readonly consLap: number;
  /** CONS.ERR, 0 for none; GERROR and GERRORN, of the CMDQ their bit CMDQ_ERR. */
  readonly error: number;
  readonly gerror: number;
  readonly gerrorn: number;
  /** STATUS of a VCMDQ; the CMDQ has none. */
  readonly status?: number;
  readonly commands: number;
  readonly syncs: number;
  readonly rewrites: number;
  readonly entries: readonly EntryPicture[];
}

export interface EventPicture {
  /** Number of the record since the queue was reset. */
  readonly number: number;
  readonly name: string;
  readonly fields: string;
  readonly summary: string;
}

export interface VmPicture {
  readonly name: string;
  readonly vmid: number;
  readonly vintf: number;
  /** StreamIDs: the guest's number and the physical one. */
  readonly streams: readonly (readonly [virtual: number, physical: number])[];
  readonly status: string;
  /** Why it ended, when not by itself. */
  readonly reason: string;
  /** It has no CMDQV; its one CMDQ is on the overlay path. */
  readonly overlay: boolean;
  /** PROD and CONS of its queue or queues are mapped into the guest. */
  readonly mapped: boolean;
  readonly doorbells: number;
  /** Commands that the host carried out behind an overlaid CMDQ. */
  readonly interventions: number;
  readonly queues: readonly QueuePicture[];
  readonly events: readonly EventPicture[];
  readonly eventCount: number;
  /** Bytes that it has written to its console. */
  readonly written: number;
  readonly exits: {
    readonly total: number;
    /** During batches on VCMDQs, and during invalidations on the CMDQ. */
    readonly duringInvalidation: number;
    readonly duringCmdq: number;
    /** What most of them were for, and a row for all others; with `measuring` they are `total`. */
    readonly rows: readonly ExitRow[];
    /** Looks at the clock with which the toy times invalidations for this page. */
    readonly measuring: number;
  };
}

/** Exits of one kind: a register, or what is no access to a register. */
export interface ExitRow {
  readonly name: string;
  readonly count: number;
  readonly explains: string;
}

/** An entry of the IOTLB that a lookup would use. */
export interface PagePicture {
  /** Its VM, or its VMID when that is no machine's. */
  readonly vm: string;
  readonly vmid: number;
  readonly asid: string;
  /** Hexadecimal. */
  readonly iova: string;
  readonly pa: string;
  readonly size: number;
  readonly writable: boolean;
  /** Accesses of devices that it has answered since it was filled; undefined: nobody counts them. */
  readonly hits: number | undefined;
}

/** Live IOTLB entries of a VM and ASID, over groups of sets. */
export interface TlbPicture {
  readonly vm: string;
  /** "1", or "no ASID". */
  readonly asid: string;
  readonly count: number;
  readonly cells: readonly number[];
}

/** One TLBI followed by the guest (CHECKPOINT_PHASE_TRACE). */
export interface TracePicture {
  readonly vm: string;
  readonly vmid: number;
  readonly path: MeasuredPath;
  readonly queue: string;
  readonly prodBefore: number;
  readonly prodAfter: number;
  /** Means of the last one; 0 where the clock does not resolve it. */
  readonly writeNs: number;
  readonly lastNs: number;
  /** Median, least and most of the last ones' means. */
  readonly totalNs: number;
  readonly lowNs: number;
  readonly highNs: number;
  /** How many those are; 0: the VMM's code is not compiled yet, and these were no measurement. */
  readonly samples: number;
  /** Of the last one. */
  readonly batches: number;
  readonly exits: number;
}

/** A stale entry in use that the sanitizer has seen, in one line. */
export interface SuspectPicture {
  readonly text: string;
  /** Its invalidation may yet come; it came; it never did: a finding. */
  readonly state: 'pending' | 'cleared' | 'found';
}

export interface CheckPicture {
  readonly vm: string;
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** A row of the guests' measurement. */
export interface RowPicture {
  readonly path: MeasuredPath;
  readonly batch: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly exitsPerBatch: number;
}

/** What one step of a machine has changed. */
export interface StepPicture {
  /** Number of the step. */
  readonly step: number;
  readonly vm: string;
  /** Without those of the system interface, as when it writes to the console. */
  readonly exits: number;
  readonly systemCalls: number;
  /** Queues that have consumed commands. */
  readonly queues: readonly {
    readonly name: string;
    readonly path: MeasuredPath;
    readonly commands: number;
    /** Names of the last of them. */
    readonly names: readonly string[];
    /** It has stopped at an error. */
    readonly stopped: boolean;
  }[];
  /** IOTLB entries of any machine that have come and gone. */
  readonly filled: number;
  readonly gone: number;
  /** Names of new event records. */
  readonly records: readonly string[];
  /** Checks that the guest has made, and those that failed. */
  readonly checks: number;
  readonly failed: readonly string[];
}

/** What there is to see at one instant. */
export interface Picture {
  /** performance.now() of the worker. */
  readonly at: number;
  readonly steps: number;
  readonly state: 'running' | 'paused' | 'ended';
  readonly vms: readonly VmPicture[];
  readonly tlb: readonly TlbPicture[];
  readonly pages: readonly PagePicture[];
  /** The last of each path. */
  readonly traces: readonly TracePicture[];
  readonly checks: readonly CheckPicture[];
  readonly rows: readonly RowPicture[];
  /** What the sanitizer has seen: stale entries in use, and whether their invalidation came. */
  readonly suspects: readonly SuspectPicture[];
  /** What the last steps of an experiment have changed, oldest first; empty in a live run. */
  readonly changes: readonly StepPicture[];
}

/** What lies between a frame and the one before it. */
export type EventKind =
  | 'entry'
  | 'prod'
  | 'doorbell'
  | 'exit'
  | 'fetch'
  | 'host'
  | 'replace'
  | 'tlb-in'
  | 'tlb-out'
  | 'cons'
  | 'error'
  | 'acknowledge'
  | 'registers'
  | 'interrupt'
  | 'record'
  | 'dma-hit'
  | 'dma-walk'
  | 'dma-fault'
  | 'check'
  | 'suspect'
  | 'finding';

/** What an event is about, on the page. */
export interface EventMark {
  /** Name of a queue of the event's machine. */
  readonly queue?: string;
  /** Index in its ring. */
  readonly slot?: number;
}

/** One event, and the machines as of it. */
export interface Frame {
  /** From 0 since the reset. */
  readonly number: number;
  readonly kind: EventKind;
  /** Name of the machine; empty for the host's own. */
  readonly vm: string;
  readonly text: string;
  readonly mark: EventMark;
  readonly picture: Picture;
}

/** The frames that there are; of none `last` is below `first`. */
export interface Recorded {
  readonly first: number;
  readonly last: number;
  /** Why no more are recorded; empty while all is well. */
  readonly stopped: string;
}

/** How a session came out to run. */
export interface SessionFacts {
  readonly isolated: boolean;
  readonly transport: 'inline' | 'mailbox';
  readonly drain: string;
  /** Events are recorded. */
  readonly recorded: boolean;
  /** A trace is kept. */
  readonly traced: boolean;
  /** What the clock resolves, in ns. */
  readonly clockNs: number;
  /** Why it is not what was asked for; empty when it is. */
  readonly note: string;
}

/** What a machine has written to its console since the last output. */
export interface ConsoleOutput {
  /** Bytes that it had written before. */
  readonly from: number;
  readonly bytes: Uint8Array;
  /** Bytes behind those that were left out because they were too many. */
  readonly left: number;
}

/** What the worker calls. Each resolves when the page is ready for the next. */
export interface Sink {
  output(vm: number, output: ConsoleOutput): Promise<void>;
  picture(picture: Picture): Promise<void>;
}

/** PROD and CONS of a queue, read from memory past every register model. */
export interface RawQueue {
  readonly vm: string;
  readonly queue: string;
  readonly prod: number;
  readonly cons: number;
}

/** A guest that was picked or dropped: for `arm64` a kernel. */
export interface PickedGuest {
  readonly kind: 'wasm' | 'arm64';
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly initrd?: Uint8Array<ArrayBuffer> | undefined;
  /** How a link brings it: "?guest=URL", "#guest=…"; undefined: it was picked. */
  readonly link?: string | undefined;
}

/** Between two steps, and two pictures, at most when nobody looks on. */
export const MOST_IDLE_MS = 10_000;

/** The worker's API. */
export interface Vmm {
  /** Answers when the worker’s program is there: on a slow link that takes a while. */
  ready(): void;
  /** Answers when what the machines execute is there: the same. @param guest undefined: the toy. */
  load(settings: Settings, guest: PickedGuest | undefined): Promise<void>;
  /**
   * Makes the machines and boots them.
   * @param guest undefined: the toy.
   * @throws {Error} one line that says why it cannot be done.
   */
  boot(settings: Settings, guest: PickedGuest | undefined, sink: Sink): Promise<SessionFacts>;
  /** Lets the machines run, or pauses them: then with what they stand at. */
  run(): void;
  pause(): Promise<Picture>;
  /** One step of each machine. */
  step(): Promise<Picture>;
  /** So many steps at once, without a picture of each. */
  advance(steps: number): Promise<Picture>;
  setSpeed(speed: Settings['speed']): void;
  /** Nobody looks on: a step and a picture every few seconds, whatever the speed. */
  setIdle(idle: boolean): void;
  input(vm: number, text: string): void;
  rawQueues(): readonly RawQueue[];
  /**
   * The trace so far, in Chrome's trace event format, compressed by gzip.
   * @throws {Error} when none is kept.
   */
  trace(): Promise<Uint8Array<ArrayBuffer>>;
  /** Which frames there are. */
  recorded(): Recorded;
  /** A frame by its number; undefined when it is not there, or no longer. */
  frame(number: number): Frame | undefined;
  /**
   * The first frame from a number on, forward or back, that is of none of these kinds; undefined when
   * there is none.
   */
  seek(from: number, by: 1 | -1, without: readonly EventKind[]): Frame | undefined;
}
