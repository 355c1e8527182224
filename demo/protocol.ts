// SPDX-License-Identifier: MIT
// The messages between the page and the VMM's worker: plain data only.

import type { MeasuredPath, QueuePath } from '../vmm/report/measurements.ts';
import type { Settings } from './demo-settings.ts';

/** An entry of a command ring. */
export interface EntryPicture {
  /** Index in the ring. */
  readonly slot: number;
  /**
   * Consumed in this lap; at CONS, with commands to come; between CONS and PROD; from
   * PROD on: left from an earlier lap, written ahead of PROD, never written.
   */
  readonly state: 'done' | 'next' | 'pending' | 'earlier' | 'written' | 'empty';
  /** PROD, CONS or both point here. */
  readonly at: '' | 'PROD' | 'CONS' | 'both';
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
}

export interface QueuePicture {
  /** "VCMDQ 0", or "CMDQ". */
  readonly name: string;
  /**
   * Direct and overlay: its PROD and CONS are in guest memory, and a store to PROD is not
   * an exit.
   */
  readonly path: QueuePath;
  readonly enabled: boolean;
  /** Number of entries. */
  readonly size: number;
  /**
   * Registers as the guest would read them: index and wrap bit, without error and flags.
   */
  readonly prod: number;
  readonly cons: number;
  /** Laps around the ring of PROD and CONS, from 1. */
  readonly prodLap: number;
  readonly consLap: number;
  /** CONS.ERR, 0 for none; GERROR and GERRORN, for the CMDQ their bit CMDQ_ERR. */
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
  /** Why it ended, unless by itself. */
  readonly reason: string;
  /** It has no CMDQV; its one CMDQ is on the overlay path. */
  readonly overlay: boolean;
  /** PROD and CONS of its queue or queues are mapped into the guest. */
  readonly mapped: boolean;
  readonly doorbells: number;
  /** Commands that the host executed for an overlaid CMDQ. */
  readonly interventions: number;
  readonly queues: readonly QueuePicture[];
  readonly events: readonly EventPicture[];
  readonly eventCount: number;
  /** Bytes that it has written to its console. */
  readonly written: number;
  readonly exits: {
    readonly total: number;
    /** During batches on VCMDQs, and during invalidations on the CMDQ. */
    readonly duringDirect: number;
    readonly duringCmdq: number;
    /**
     * The most frequent reasons, and a row for all others; with `measuring` their sum is
     * `total`.
     */
    readonly rows: readonly ExitRow[];
    /** Readings of the clock with which the toy times invalidations for this page. */
    readonly measuring: number;
  };
}

/** Exits of one kind: a register, or a reason other than a register access. */
export interface ExitRow {
  readonly name: string;
  readonly count: number;
  readonly explains: string;
}

/** An entry of the IOTLB that a lookup would use. */
export interface PagePicture {
  /** Its VM, or its VMID when that belongs to no machine. */
  readonly vm: string;
  readonly vmid: number;
  readonly asid: string;
  /** Hexadecimal. */
  readonly iova: string;
  readonly pa: string;
  readonly size: number;
  readonly writable: boolean;
  /**
   * Accesses of devices that it has answered since it was filled; undefined when they are
   * not counted.
   */
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

/** One TLBI traced by the guest (CHECKPOINT_PHASE_TRACE). */
export interface TracePicture {
  readonly vm: string;
  readonly vmid: number;
  readonly path: MeasuredPath;
  readonly queue: string;
  readonly prodBefore: number;
  readonly prodAfter: number;
  /** Means of the last one; 0 when the clock does not resolve it. */
  readonly writeNs: number;
  readonly lastNs: number;
  /** Median, minimum and maximum of the last ones' means. */
  readonly totalNs: number;
  readonly lowNs: number;
  readonly highNs: number;
  /**
   * Their number; 0: the VMM's code is not compiled yet, so these were not measurements.
   */
  readonly samples: number;
  /** Of the last one. */
  readonly batches: number;
  readonly exits: number;
}

/** A stale entry in use that the sanitizer has detected, in one line. */
export interface SuspectPicture {
  readonly text: string;
  /** Its invalidation may still come; it came; it never did: a finding. */
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

/** The changes by one step of a machine. */
export interface StepPicture {
  /** Number of the step. */
  readonly step: number;
  readonly vm: string;
  /** Without those of the system interface, such as for writes to the console. */
  readonly exits: number;
  readonly systemCalls: number;
  /** Queues that have consumed commands. */
  readonly queues: readonly {
    readonly name: string;
    readonly path: MeasuredPath;
    readonly commands: number;
    /** Names of the last commands. */
    readonly names: readonly string[];
    /** It has stopped at an error. */
    readonly stopped: boolean;
  }[];
  /** IOTLB entries that were filled and invalidated, by the machine whose they are. */
  readonly tlb: readonly { readonly vm: string; readonly filled: number; readonly gone: number }[];
  /** Names of new event records. */
  readonly records: readonly string[];
  /** Checks that the guest has reported, and those that failed. */
  readonly checks: number;
  readonly failed: readonly string[];
}

/** The state of everything at one instant. */
export interface Picture {
  /** performance.now() of the worker. */
  readonly at: number;
  readonly steps: number;
  readonly state: 'running' | 'paused' | 'ended';
  readonly vms: readonly VmPicture[];
  readonly tlb: readonly TlbPicture[];
  readonly pages: readonly PagePicture[];
  /** The last one of each path. */
  readonly traces: readonly TracePicture[];
  readonly checks: readonly CheckPicture[];
  readonly rows: readonly RowPicture[];
  /**
   * What the sanitizer has detected: stale entries in use, and whether their invalidation
   * came.
   */
  readonly suspects: readonly SuspectPicture[];
  /**
   * The changes by the last steps of an experiment, oldest first; empty in a live run.
   */
  readonly changes: readonly StepPicture[];
}

/** What happened between a frame and the previous one. */
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

/** The element of the page that an event is about. */
export interface EventMark {
  /** Name of a queue of the event's machine. */
  readonly queue?: string;
  /** Index in its ring. */
  readonly slot?: number;
}

/** One event, and the machines at its time. */
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

/** The existing frames; when there are none, `last` is below `first`. */
export interface Recorded {
  readonly first: number;
  readonly last: number;
  /** Why the recording has ended; empty while it continues. */
  readonly stopped: string;
}

/** The actual properties of a session. */
export interface SessionFacts {
  readonly isolated: boolean;
  readonly transport: 'inline' | 'mailbox';
  readonly drain: string;
  /** Events are recorded. */
  readonly recorded: boolean;
  /** A trace is kept. */
  readonly traced: boolean;
  /** Resolution of the clock in ns. */
  readonly clockNs: number;
  /** Why it differs from the request; empty when it does not. */
  readonly note: string;
}

/** Output of a machine's console since the last output. */
export interface ConsoleOutput {
  /** Bytes that it had written before. */
  readonly from: number;
  readonly bytes: Uint8Array;
  /** Bytes after those that were left out because there were too many. */
  readonly left: number;
}

/**
 * The functions that the worker calls. Each resolves when the page is ready for the next
 * call.
 */
export interface Sink {
  output(vm: number, output: ConsoleOutput): Promise<void>;
  picture(picture: Picture): Promise<void>;
}

/** PROD and CONS of a queue, read from memory, bypassing every register model. */
export interface RawQueue {
  readonly vm: string;
  readonly queue: string;
  readonly prod: number;
  readonly cons: number;
}

/** A picked or dropped guest: for `arm64` a kernel. */
export interface PickedGuest {
  readonly kind: 'wasm' | 'arm64';
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly initrd?: Uint8Array<ArrayBuffer> | undefined;
  /** Its form in a link: "?guest=URL", "#guest=…"; undefined: it was picked. */
  readonly link?: string | undefined;
}

/** Between two steps, and two pictures, at most when nobody looks on. */
export const MOST_IDLE_MS = 10_000;

/** The worker's API. */
export interface Vmm {
  /** Resolves when the worker’s program is loaded, which takes a while on a slow link. */
  ready(): void;
  /**
   * Resolves when the machines' programs are loaded, likewise.
   * @param guest undefined: the toy.
   */
  load(settings: Settings, guest: PickedGuest | undefined): Promise<void>;
  /**
   * Creates the machines and boots them.
   * @param guest undefined: the toy.
   * @throws {Error} one line about why it cannot be done.
   */
  boot(settings: Settings, guest: PickedGuest | undefined, sink: Sink): Promise<SessionFacts>;
  /** Lets the machines run, or pauses them, and then returns their state. */
  run(): void;
  pause(): Promise<Picture>;
  /** One step of each machine. */
  step(): Promise<Picture>;
  /** Several steps at once, without a picture of each. */
  advance(steps: number): Promise<Picture>;
  setSpeed(speed: Settings['speed']): void;
  /** The user is absent: a step and a picture every few seconds, at any speed. */
  setIdle(idle: boolean): void;
  input(vm: number, text: string): void;
  rawQueues(): readonly RawQueue[];
  /**
   * The trace so far, in Chrome's trace event format, compressed by gzip.
   * @throws {Error} when none is kept.
   */
  trace(): Promise<Uint8Array<ArrayBuffer>>;
  /** The range of existing frames. */
  recorded(): Recorded;
  /** A frame by its number; undefined when it does not exist, or not any more. */
  frame(number: number): Frame | undefined;
  /**
   * The first frame from a number on, forward or back, of any other kind than these;
   * undefined when there is none.
   */
  seek(from: number, by: 1 | -1, without: readonly EventKind[]): Frame | undefined;
}
